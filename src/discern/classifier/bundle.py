"""A bundle is two files, model.safetensors and model.json, that together predict: no code, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from discern.errors import RunError
from discern.files import read_json, replacing, write_json
from discern.i18n import _
from discern.preprocess.spec import Preprocess

WEIGHTS, CARD = "model.safetensors", "model.json"


class Card(BaseModel):
    """model.json: what the weights are for.

    Attributes
    ----------
    model : str
        Name in the model table.
    network : dict
        The constructor's settings.
    classes : tuple of str
        Class names in the order of the logits.
    preprocess : Preprocess
        What happens to a picture first.
    temperature : float
        What the logits are divided by before they become probabilities; found on validation, 1 for as they are.
    metrics : dict
        What was measured, by part.
    made_with : dict
        Versions.
    weights : str
        SHA-256 of model.safetensors, so that a file cut short or exchanged is noticed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: str
    network: dict[str, Any]
    classes: tuple[str, ...]
    preprocess: Preprocess
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    metrics: dict[str, Any] = {}
    made_with: dict[str, str] = {}
    weights: str = ""


def write_bundle(folder: str | os.PathLike[str], card: Card, tensors: Mapping[str, Tensor]) -> None:
    """Write both files, the card last: a bundle without a card is no bundle.

    Raises
    ------
    DiskError
        When the disk is full or may not be written.
    """
    folder = Path(folder)
    data = save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    with replacing(folder / WEIGHTS) as temporary:
        temporary.write_bytes(data)
    card = card.model_copy(update={"weights": hashlib.sha256(data).hexdigest()})
    write_json(folder / CARD, card.model_dump(mode="json"))


def read_bundle(path: str | os.PathLike[str]) -> tuple[Card, dict[str, Tensor]]:
    """Read the bundle in a run directory or folder, or one of its two files.

    Raises
    ------
    RunError
        When there is none, or it is damaged.
    """
    path = Path(path)
    folder = path.parent if path.name in (WEIGHTS, CARD) else path
    if not (folder / CARD).is_file() or not (folder / WEIGHTS).is_file():
        raise RunError(_missing(folder))
    try:
        card = Card.model_validate(read_json(folder / CARD))
    except (json.JSONDecodeError, UnicodeDecodeError, pydantic.ValidationError) as error:
        sentence = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(sentence.format(path=folder / CARD)) from error
    data = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(data).hexdigest() != card.weights:
        sentence = _("{path} is cut short or changed (its checksum differs): copy it again, or train again.")
        raise RunError(sentence.format(path=folder / WEIGHTS))
    try:
        return card, load_tensors(data)
    except SafetensorError as error:
        sentence = _("{path} is not a safetensors file: copy it again, or train again.")
        raise RunError(sentence.format(path=folder / WEIGHTS)) from error


def _missing(folder: Path) -> str:
    if not folder.exists():
        return _("{path} does not exist: give a run or a bundle; runs are listed by `ls runs`.").format(path=folder)
    if (folder / "config.json").is_file():
        sentence = _("{path} has no model yet: its training did not end. Go on with `discern train --resume {path}`.")
        return sentence.format(path=folder)
    return _("{path} is not a run or a bundle: it needs model.json and model.safetensors.").format(path=folder)
