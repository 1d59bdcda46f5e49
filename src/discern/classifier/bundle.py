"""A bundle is model.json and what it names, which together predict: no code, no pickle.

Of a network it is model.safetensors; of a classical model model.skops, and model.safetensors where its features are
those of a network.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from discern.classical.embedding import BackboneSpec, FrozenBackbone
from discern.classical.features import EMBEDDING, Extractor
from discern.classical.fitted_arrays import check_pipeline
from discern.classical.fitting import ClassicalModel, from_bytes, to_bytes
from discern.errors import ModelError, RunError
from discern.evaluation.task import TASKS
from discern.files import atomic_write, read_errors, read_file, read_json, write_json
from discern.i18n import _
from discern.preprocess.columns import Columns
from discern.preprocess.spec import Preprocess
from discern.printable import quote_argument

WEIGHTS, ESTIMATOR, CARD = "model.safetensors", "model.skops", "model.json"
MAX_MODEL_BYTES = 64 << 30
_FILES = {"weights": WEIGHTS, "estimator": ESTIMATOR}  # field of the card -> file


class ModelCard(BaseModel):
    """model.json: everything about a model but its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[2] = 2
    model: str  # its name in the table of networks, or of classical models
    task: str = "classification"  # a key of `discern.evaluation.task.TASKS`
    model_args: dict[str, Any] = {}  # of the constructor
    features: tuple[str, ...] = ()  # what a classical model reads; empty for a network
    backbones: tuple[BackboneSpec, ...] = ()  # the networks among the features, in their order
    classes: tuple[str, ...]  # in the order of the logits; of a regression the one name of the number
    preprocess: Preprocess | Columns  # what happens to an image first, or which columns of a table are read
    tta: tuple[Literal["flip", "shift"], ...] = ()  # of a network: `discern.classifier.inference.tta_views`
    # What the logits are divided by before they become probabilities; chosen on validation, 1 for as they are.
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    metrics: dict[str, Any] = {}  # what was measured, by split
    made_with: dict[str, str] = {}  # versions
    # SHA-256 of model.safetensors and model.skops, so that a truncated or exchanged file is noticed; empty of no file.
    weights: str = ""
    estimator: str = ""

    @property
    def spec(self) -> Preprocess:
        """What happens to an image; a `ModelError` where the model reads rows of a table."""
        if isinstance(self.preprocess, Columns):
            message = _("{model} reads rows of a table ({columns}), not images: give it a table.")
            raise ModelError(message.format(model=self.model, columns=", ".join(self.preprocess.columns)))
        return self.preprocess

    @property
    def table(self) -> Columns | None:
        """The columns that are read of a table; None for a model of images."""
        return self.preprocess if isinstance(self.preprocess, Columns) else None

    @field_validator("task")
    @classmethod
    def _check_task(cls, value: str) -> str:
        if value not in TASKS:
            raise ValueError("unknown task")
        return value

    @model_validator(mode="after")
    def _check_backbones(self) -> ModelCard:
        if sum(name.startswith(EMBEDDING) for name in self.features) != len(self.backbones):
            raise ValueError("features and backbones do not fit")
        return self


def write_bundle(folder: str | os.PathLike[str], card: ModelCard, tensors: Mapping[str, Tensor]) -> None:
    """Write the bundle of a network, the card last: a bundle without a card is no bundle.

    A `DiskError` says where the disk is full or not writable.
    """
    _write_files(Path(folder), card, {"weights": _to_safetensors(tensors)})


def write_classical(folder: str | os.PathLike[str], card: ModelCard, model: ClassicalModel) -> None:
    """Write the bundle of a classical model, as `write_bundle` does that of a network."""
    files = {"estimator": to_bytes(model.pipeline)}
    networks = [embedding.network for embedding in model.extractor.embeddings.values()]
    state = {f"{i}.{name}": tensor for i, net in enumerate(networks) for name, tensor in net.state_dict().items()}
    if state:
        files["weights"] = _to_safetensors(state)
    _write_files(Path(folder), card, files)


def _to_safetensors(tensors: Mapping[str, Tensor]) -> bytes:
    return save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _write_files(folder: Path, card: ModelCard, files: Mapping[str, bytes]) -> None:
    for field, data in files.items():
        with atomic_write(folder / _FILES[field]) as temporary:
            temporary.write_bytes(data)
    card = card.model_copy(update={field: hashlib.sha256(data).hexdigest() for field, data in files.items()})
    write_json(folder / CARD, card.model_dump(mode="json"))


def read_bundle(path: str | os.PathLike[str]) -> tuple[ModelCard, dict[str, Tensor]]:
    """Read the network's bundle in a run directory or folder, or one of its two files.

    A `RunError` says where there is none, it is damaged, or its model is no network.
    """
    card = read_card(path)
    if card.estimator:
        message = _("{path} holds a classical model ({model}), not a network: choose the run of a network.")
        raise RunError(message.format(path=path, model=card.model))
    return card, _read_tensors(_find_folder(path), card)


def read_classical(
    path: str | os.PathLike[str], device: torch.device | None = None
) -> tuple[ModelCard, ClassicalModel]:
    """Read the classical model's bundle in a run directory or folder, or one of its files.

    A `RunError` says where there is none, it is damaged, or holds what discern does not write.
    """
    card, folder = read_card(path), _find_folder(path)
    pipeline = from_bytes(_read_checked(folder, card, "estimator"), folder / ESTIMATOR)
    classes = len(card.classes) if TASKS[card.task].has_classes else 0
    try:
        check_pipeline(pipeline, classes)
    except (ValueError, TypeError, AttributeError) as error:
        message = _(
            "{path} holds numbers that do not fit each other or model.json ({what}): copy it again, or train again."
        )
        raise RunError(message.format(path=folder / ESTIMATOR, what=error)) from error
    embeddings = _restore_backbones(folder, card, device) if card.backbones else {}
    return card, ClassicalModel(Extractor(card.features, embeddings), pipeline, classes)


def _restore_backbones(folder: Path, card: ModelCard, device: torch.device | None) -> dict[str, FrozenBackbone]:
    """Build the networks among the features, each with its own of the tensors."""
    tensors = _read_tensors(folder, card)
    names = [name for name in card.features if name.startswith(EMBEDDING)]
    backbones = {}
    for i, (name, spec) in enumerate(zip(names, card.backbones, strict=True)):
        own = {key.removeprefix(f"{i}."): tensor for key, tensor in tensors.items() if key.startswith(f"{i}.")}
        try:
            backbones[name] = FrozenBackbone.restore(spec, own, device)
        except RuntimeError as error:
            message = _("The weights in {path} do not fit the network {model}: copy the bundle again, or train again.")
            raise RunError(message.format(path=folder, model=spec.model)) from error
    return backbones


def read_card(path: str | os.PathLike[str]) -> ModelCard:
    """Read model.json, once the files it names are there; a `RunError` where there is no bundle, or it is damaged."""
    folder = _find_folder(path)
    if not (folder / CARD).is_file() or not any((folder / name).is_file() for name in _FILES.values()):
        raise RunError(_describe_missing(folder))
    try:
        return ModelCard.model_validate(read_json(folder / CARD))
    except ValueError as error:
        message = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(message.format(path=folder / CARD)) from error


def _find_folder(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path.parent if path.name in (*_FILES.values(), CARD) else path


def _read_checked(folder: Path, card: ModelCard, field: str) -> bytes:
    """Read one of the bundle's files; its checksum says that it is as it was written."""
    path = folder / _FILES[field]
    if not path.is_file():
        raise RunError(_describe_missing(folder))
    with read_errors(path):
        data = read_file(path, MAX_MODEL_BYTES)
    if hashlib.sha256(data).hexdigest() != getattr(card, field):
        message = _("{path} is truncated or corrupt (its checksum differs): copy it again, or train again.")
        raise RunError(message.format(path=path))
    return data


def _read_tensors(folder: Path, card: ModelCard) -> dict[str, Tensor]:
    try:
        return load_tensors(_read_checked(folder, card, "weights"))
    except SafetensorError as error:
        message = _("{path} is not a safetensors file: copy it again, or train again.")
        raise RunError(message.format(path=folder / WEIGHTS)) from error


def _describe_missing(folder: Path) -> str:
    if not folder.exists():
        return _("{path} does not exist: choose a run or a bundle; `ls runs` lists runs.").format(path=folder)
    if (folder / "config.json").is_file():
        message = _("{path} has no model yet: training is unfinished; resume with `discern train --resume {path}`.")
        return message.format(path=quote_argument(folder))
    return _("{path} is not a run or a bundle: it needs model.json and model.safetensors.").format(path=folder)
