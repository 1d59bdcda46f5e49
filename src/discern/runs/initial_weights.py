"""Weights to start from: official ones, a file, a run of one's own; and the settings that they require."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from discern.classifier.bundle import CARD, WEIGHTS, read_bundle
from discern.classifier.keras_file import is_keras_file
from discern.errors import ConfigError, DownloadError, ModelError
from discern.files import weights_folders
from discern.i18n import _
from discern.models.external import ExternalSpec, is_user_code
from discern.models.network import Model, is_small
from discern.models.pretrained import (
    KERAS_WEIGHTS,
    InputSpec,
    fetch_weights,
    find_local,
    find_official,
    get_input_spec,
    guess_architecture,
)
from discern.models.registry import get_model_args, get_model_spec
from discern.models.weights import load_weights, locate_state, read_weights
from discern.notices import Notice
from discern.progress import Progress
from discern.training.config import TrainConfig, make_config
from discern.training.recipes import SMALL

DOWNLOADED = "timm:mobilenetv1_100"  # the MobileNet that a hub has
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".pth.tar")  # of weights


@dataclass(frozen=True)
class InitialWeights:
    """Weights that a network starts from."""

    # What they require: model, channels, mean, std, interpolation, model_args; a size where only one fits.
    settings: dict[str, Any]
    tensors: Mapping[str, Tensor]
    source: str  # the file or run they are from

    def load_into(self, network: Model) -> None:
        """Put the weights into ``network``, whose heads stay new; a `ModelError` names what does not fit."""
        load_weights(network, self.tensors, self.source, new=network.heads)


def find_initial_weights(
    config: TrainConfig, side: int, progress: Progress
) -> tuple[InitialWeights | None, tuple[Notice, ...]]:
    """Find the weights that ``config`` names, or, for photographs and no named network, MobileNet's.

    Of ``config`` only ``weights``, ``finetune``, ``model``, ``recipe`` and ``channels`` count; ``side`` is the median
    of the shorter sides of the images.
    """
    weights, model = config.finetune.weights, config.model
    if weights == "official":
        return (_find_mobilenet(progress) if model == "auto" else _find_official(model, progress)), ()
    if weights:
        return _read_named(model, locate_weights(weights))
    if config.finetune.finetune != "all":
        message = _("--finetune {part} needs weights to start from: add --pretrained, or --weights FILE_OR_RUN.")
        raise ConfigError(message.format(part=config.finetune.finetune))
    is_free = model == "auto" and config.recipe == "auto" and config.preprocess.channels == 3 and not config.model_args
    return _find_default(progress) if is_free and side > SMALL else (None, ())


def require_initial_weights(progress: Progress, **settings: Any) -> InitialWeights:
    """Find the weights that ``settings``, as `make_config` takes them, name."""
    initial, _notices = find_initial_weights(make_config(**settings), 0, progress)
    assert initial is not None  # weights are named
    return initial


def locate_weights(name: str) -> Path:
    """Return the file, run or bundle called ``name``: a path, else a file in one of the folders of weights."""
    folders = weights_folders()
    names = [name, *(name + suffix for suffix in SUFFIXES)]
    candidates = [Path(name), *(folder / each for folder in folders for each in names)]
    if path := next((path for path in candidates if path.exists()), None):
        return path
    message = _("There are no weights {name}: give a path, or put the file into one of {folders}.")
    raise ModelError(message.format(name=name, folders=", ".join(map(str, folders))))


def _find_default(progress: Progress) -> tuple[InitialWeights | None, tuple[Notice, ...]]:
    """Find MobileNet's weights, or say how to get them."""
    try:
        initial = _find_mobilenet(progress)
    except DownloadError as error:
        wanted = find_official(DOWNLOADED)
        assert wanted is not None  # the hub's list is part of timm
        place = {"file": wanted.file, "url": wanted.url, "folder": str(weights_folders()[-1])}
        return None, (Notice("runs.no_weights", {"reason": error.reason, **place}),)
    fields = {"model": initial.settings["model"], "source": initial.source}
    return initial, (Notice("runs.transfer", fields),)


def _find_mobilenet(progress: Progress) -> InitialWeights:
    """Find MobileNet's weights in a folder of weights, else in the hub."""
    for model, file in KERAS_WEIGHTS.items():
        if path := find_local(file):
            return _from_imagenet(model, path, get_input_spec(model))
    return _find_official(DOWNLOADED, progress)


def _find_official(model: str, progress: Progress) -> InitialWeights:
    path, spec = fetch_weights(model, progress)
    return _from_imagenet(model, path, spec)


def _read_named(model: str, path: Path) -> tuple[InitialWeights, tuple[Notice, ...]]:
    """Read a run, a bundle or a file; say which weights in it are taken."""
    if path.is_dir() or path.name == CARD or (path.name == WEIGHTS and path.with_name(CARD).is_file()):
        return _from_run(model, path), ()
    if is_keras_file(path):
        message = _("{path} is a Keras model file, which predicts but is not trained from: give a .safetensors file.")
        raise ModelError(message.format(path=path))
    tensors, place = locate_state(path)
    if model == "auto":
        guess = guess_architecture(path, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        if guess is None:
            raise ModelError(_("It is not clear which network {path} is for: add --model NAME.").format(path=path))
        model = guess
    initial = _from_imagenet(model, path, get_input_spec(model), tensors)
    return initial, (Notice("runs.weights_in_file", {"path": str(path), "name": place}),) if place else ()


def _from_imagenet(
    model: str, path: Path, spec: InputSpec, tensors: Mapping[str, Tensor] | None = None
) -> InitialWeights:
    settings: dict[str, Any] = {
        "model": model,
        "channels": 3,
        "mean": spec.mean,
        "std": spec.std,
        "interpolation": spec.interpolation,
        "model_args": {"stem": "imagenet"} if "stem" in get_model_args(model) else {},
    }
    row = get_model_spec(model)
    if isinstance(row, ExternalSpec) and row.has_fixed_size:
        settings["size"] = spec.size
    return InitialWeights(settings, read_weights(path) if tensors is None else tensors, str(path))


def _from_run(model: str, path: Path) -> InitialWeights:
    """Read a run, whose network continues with images of the run's size and normalization."""
    card, tensors = read_bundle(path)
    if model not in ("auto", card.model):
        message = _("{path} holds a {stored}, not a {model}: leave --model out, or use --model {stored}.")
        raise ModelError(message.format(path=path, stored=card.model, model=model))
    if is_user_code(card.model) and model == "auto":  # a file that a bundle names is not run
        message = _("{path} is of a network in code of its own, which a bundle does not carry: add --model {model}.")
        raise ModelError(message.format(path=path, model=card.model))
    spec, model_args = card.spec, dict(card.model_args)
    own = {**get_model_args(card.model), **model_args}
    if "stem" in own:
        model_args["stem"] = "small" if is_small(str(own["stem"]), spec.size) else "imagenet"
    settings = spec.model_dump(include={"size", "resize", "channels", "mean", "std", "interpolation"})
    return InitialWeights({"model": card.model, **settings, "model_args": model_args}, tensors, str(path))
