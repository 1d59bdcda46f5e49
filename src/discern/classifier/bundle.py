"""A bundle is model.json and what it names, which together predict: no code, no pickle.

Of a network it is model.safetensors; of a classical model model.skops, and model.safetensors where its features are
those of a network.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from discern.classical.embedding import Backbone, Embedding
from discern.classical.features import EMBEDDING, Extractor
from discern.classical.fitting import Classical
from discern.classical.persist import from_bytes, to_bytes
from discern.errors import ModelError, RunError
from discern.files import read_json, replacing, write_json
from discern.i18n import _
from discern.preprocess.columns import Columns
from discern.preprocess.spec import Preprocess

WEIGHTS, ESTIMATOR, CARD = "model.safetensors", "model.skops", "model.json"


class Card(BaseModel):
    """model.json: what the weights are for.

    Attributes
    ----------
    model : str
        Name in the table of networks, or of classical models.
    network : dict
        The constructor's settings.
    features : tuple of str
        What a classical model sees; empty for a network.
    backbones : tuple of Backbone
        The networks among ``features``, in their order.
    classes : tuple of str
        Class names in the order of the logits.
    preprocess : Preprocess or Columns
        What happens to a picture first, or what is read of a table's row.
    views : tuple of {"mirror", "shift"}
        How a network looks at a picture besides as it is; see `discern.classifier.predictor.looks`.
    temperature : float
        What the logits are divided by before they become probabilities; found on validation, 1 for as they are.
    metrics : dict
        What was measured, by part.
    made_with : dict
        Versions.
    weights, estimator : str
        SHA-256 of model.safetensors and model.skops, so that a file cut short or exchanged is noticed; empty where the
        bundle has no such file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: str
    network: dict[str, Any] = {}
    features: tuple[str, ...] = ()
    backbones: tuple[Backbone, ...] = ()
    classes: tuple[str, ...]
    preprocess: Preprocess | Columns
    views: tuple[Literal["mirror", "shift"], ...] = ()
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    metrics: dict[str, Any] = {}
    made_with: dict[str, str] = {}
    weights: str = ""
    estimator: str = ""

    @property
    def spec(self) -> Preprocess:
        """What happens to a picture.

        Raises
        ------
        ModelError
            When the model reads rows of a table.
        """
        if isinstance(self.preprocess, Columns):
            sentence = _("{model} reads rows of a table ({columns}), not pictures: give it a table.")
            raise ModelError(sentence.format(model=self.model, columns=", ".join(self.preprocess.columns)))
        return self.preprocess

    @property
    def table(self) -> Columns | None:
        """What is read of a row; None for a model of pictures."""
        return self.preprocess if isinstance(self.preprocess, Columns) else None

    @property
    def is_regression(self) -> bool:
        """Whether the answer is a number and no class."""
        return self.table is not None and self.table.task == "regression"

    @model_validator(mode="after")
    def _a_network_an_embedding(self) -> Card:
        if sum(name.startswith(EMBEDDING) for name in self.features) != len(self.backbones):
            raise ValueError("features and backbones do not fit")
        return self


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


def write_classical(folder: str | os.PathLike[str], card: Card, model: Classical) -> None:
    """Write a classical model, the card last.

    Raises
    ------
    DiskError
        When the disk is full or may not be written.
    """
    folder, found = Path(folder), {"estimator": to_bytes(model.pipeline)}
    networks = [embedding.network for embedding in model.extractor.embeddings.values()]
    state = {f"{i}.{name}": tensor for i, net in enumerate(networks) for name, tensor in net.state_dict().items()}
    if state:
        found["weights"] = save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    for field, data in found.items():
        with replacing(folder / _FILES[field]) as temporary:
            temporary.write_bytes(data)
    card = card.model_copy(update={field: hashlib.sha256(data).hexdigest() for field, data in found.items()})
    write_json(folder / CARD, card.model_dump(mode="json"))


_FILES = {"weights": WEIGHTS, "estimator": ESTIMATOR}


def read_bundle(path: str | os.PathLike[str]) -> tuple[Card, dict[str, Tensor]]:
    """Read the network's bundle in a run directory or folder, or one of its two files.

    Raises
    ------
    RunError
        When there is none, it is damaged, or its model is no network.
    """
    card = read_card(path)
    if card.estimator:
        sentence = _("{path} holds a classical model ({model}), which is no network: name the run of a network.")
        raise RunError(sentence.format(path=path, model=card.model))
    return card, _tensors(_folder(path), card)


def read_classical(path: str | os.PathLike[str], device: torch.device | None = None) -> tuple[Card, Classical]:
    """Read the classical model's bundle in a run directory or folder, or one of its files.

    Raises
    ------
    RunError
        When there is none, it is damaged, or holds what discern does not write.
    """
    card, folder = read_card(path), _folder(path)
    pipeline = from_bytes(_checked(folder, card, "estimator"), folder / ESTIMATOR)
    embeddings = _embeddings(folder, card, device) if card.backbones else {}
    classes = 0 if card.is_regression else len(card.classes)
    return card, Classical(Extractor(card.features, embeddings), pipeline, classes)


def _embeddings(folder: Path, card: Card, device: torch.device | None) -> dict[str, Embedding]:
    """The networks among the features, each with its own of the tensors."""
    tensors = _tensors(folder, card)
    names = [name for name in card.features if name.startswith(EMBEDDING)]
    found = {}
    for i, (name, backbone) in enumerate(zip(names, card.backbones, strict=True)):
        own = {key.removeprefix(f"{i}."): tensor for key, tensor in tensors.items() if key.startswith(f"{i}.")}
        try:
            found[name] = Embedding.restored(backbone, own, device)
        except RuntimeError as error:
            sentence = _("The weights in {path} do not fit the network {model}: copy the bundle again, or train again.")
            raise RunError(sentence.format(path=folder, model=backbone.model)) from error
    return found


def read_card(path: str | os.PathLike[str]) -> Card:
    """What model.json says, once the files it names are there.

    Raises
    ------
    RunError
        When there is no bundle, or its model.json is damaged.
    """
    folder = _folder(path)
    if not (folder / CARD).is_file() or not any((folder / name).is_file() for name in _FILES.values()):
        raise RunError(_missing(folder))
    try:
        return Card.model_validate(read_json(folder / CARD))
    except (json.JSONDecodeError, UnicodeDecodeError, pydantic.ValidationError) as error:
        sentence = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(sentence.format(path=folder / CARD)) from error


def _folder(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path.parent if path.name in (*_FILES.values(), CARD) else path


def _checked(folder: Path, card: Card, field: str) -> bytes:
    """The bytes of one of the bundle's files, as they were written."""
    path = folder / _FILES[field]
    if not path.is_file():
        raise RunError(_missing(folder))
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != getattr(card, field):
        sentence = _("{path} is cut short or changed (its checksum differs): copy it again, or train again.")
        raise RunError(sentence.format(path=path))
    return data


def _tensors(folder: Path, card: Card) -> dict[str, Tensor]:
    try:
        return load_tensors(_checked(folder, card, "weights"))
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
