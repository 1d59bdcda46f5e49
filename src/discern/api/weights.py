"""Weights to start from: official ones, a file, a run of one's own; and what they ask of the run."""

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
from discern.models.external import External, is_code
from discern.models.network import Model, is_small
from discern.models.pretrained import KERAS, Diet, at_hand, diet, fetch, guess, official
from discern.models.table import entry, settings_of
from discern.models.weights import load_weights, read_weights
from discern.progress import Progress
from discern.training.config import Config
from discern.training.recipes import SMALL

FETCHED = "timm:mobilenetv1_100"  # the MobileNet that a hub has


@dataclass(frozen=True)
class Start:
    """Weights that a network starts from.

    Attributes
    ----------
    settings : dict
        What they ask of the run: model, channels, mean, std, interpolation, network; a size where only one will do.
    tensors : mapping
        By name.
    source : str
        Where they are from.
    """

    settings: dict[str, Any]
    tensors: Mapping[str, Tensor]
    source: str

    def fill(self, network: Model) -> None:
        """Put the weights into ``network``, whose heads stay new.

        Raises
        ------
        ModelError
            When they do not fit; the first differences are named.
        """
        load_weights(network, self.tensors, self.source, new=network.heads)


def find_start(asked: Config, side: int, progress: Progress) -> tuple[Start | None, list[str]]:
    """The weights that ``asked`` names, or, for photographs and no named network, those at hand; and what to tell.

    Parameters
    ----------
    asked : Config
        ``weights``, ``tune`` and ``model`` count.
    side : int
        Median of the shorter sides of the pictures.

    Raises
    ------
    ConfigError, ModelError, RunError, DownloadError
        When weights asked for are missing, damaged or of another network.
    """
    if asked.weights == "official" and asked.model == "auto":
        return _mobilenet(progress), []
    if asked.weights == "official":
        return _imagenet(asked.model, *fetch(asked.model, progress)), []
    if asked.weights:
        return _named(asked.model, Path(asked.weights)), []
    if asked.tune != "all":
        raise ConfigError(
            _("--tune {tune} needs weights to start from: add --pretrained, or --weights with a file or a run.").format(
                tune=asked.tune
            )
        )
    free = asked.model == "auto" and asked.recipe == "auto" and asked.channels == 3 and not asked.network
    if free and side > SMALL:
        return _at_hand(progress)
    return None, []


def _at_hand(progress: Progress) -> tuple[Start | None, list[str]]:
    """MobileNet's weights, or how to get them."""
    try:
        start = _mobilenet(progress)
    except DownloadError as error:
        sentence = _(
            "Training from scratch: no weights are at hand and none could be fetched ({reason}). Transfer learning "
            "needs fewer pictures and less time: put {file} from {url} into {folder}, or name a file with --weights."
        )
        wanted = official(FETCHED)
        assert wanted is not None  # the hub's list is part of timm
        where = {"file": wanted.file, "url": wanted.url, "folder": weights_folders()[-1]}
        return None, [sentence.format(reason=error.reason, **where)]
    return start, [_transferring(start)]


def _mobilenet(progress: Progress) -> Start:
    """From a folder of weights, else from the hub."""
    for model, file in KERAS.items():
        if path := at_hand(file):
            return _imagenet(model, path, diet(model))
    return _imagenet(FETCHED, *fetch(FETCHED, progress))


def _transferring(start: Start) -> str:
    return _(
        "Transferring from {model} trained on ImageNet ({source}); --model NAME trains another from scratch."
    ).format(model=start.settings["model"], source=start.source)


def _named(model: str, path: Path) -> Start:
    """A run, a bundle or a file."""
    if path.is_dir() or path.name == CARD or (path.name == WEIGHTS and path.with_name(CARD).is_file()):
        return _from_run(model, path)
    if is_keras_file(path):
        sentence = _("{path} is a Keras model file, which predicts but is not trained from: give a .safetensors file.")
        raise ModelError(sentence.format(path=path))
    tensors = read_weights(path)
    if model == "auto":
        found = guess(path, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        if found is None:
            raise ModelError(_("It is not clear which network {path} is for: add --model NAME.").format(path=path))
        model = found
    return _imagenet(model, path, diet(model), tensors)


def _imagenet(model: str, path: Path, fed: Diet, tensors: Mapping[str, Tensor] | None = None) -> Start:
    settings: dict[str, Any] = {
        "model": model,
        "channels": 3,
        "mean": fed.mean,
        "std": fed.std,
        "interpolation": fed.interpolation,
        "network": {"stem": "imagenet"} if "stem" in settings_of(model) else {},
    }
    network = entry(model)
    if isinstance(network, External) and network.fixed:
        settings["size"] = fed.size
    return Start(settings, read_weights(path) if tensors is None else tensors, str(path))


def _from_run(model: str, path: Path) -> Start:
    """A run's own network goes on with pictures of the run's size and normalisation."""
    card, tensors = read_bundle(path)
    if model not in ("auto", card.model):
        raise ModelError(
            _("{path} holds a {found}, not a {model}: leave --model out, or name it so.").format(
                path=path, found=card.model, model=model
            )
        )
    if is_code(card.model) and model == "auto":  # a file that a bundle names is not run
        sentence = _("{path} is of a network in code of its own, which a bundle does not carry: add --model {model}.")
        raise ModelError(sentence.format(path=path, model=card.model))
    spec, network = card.spec, dict(card.network)
    own = {**settings_of(card.model), **network}
    if "stem" in own:
        network["stem"] = "small" if is_small(str(own["stem"]), spec.size) else "imagenet"
    settings = spec.model_dump(include={"size", "channels", "mean", "std", "interpolation"})
    return Start({"model": card.model, **settings, "resize": spec.mode, "network": network}, tensors, str(path))
