"""What is requested of a training, with every name and value checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from discern.classical.config import ClassicalConfig, make_classical_config, read_classical_settings
from discern.classical.estimators import CLASSICAL
from discern.data.columns import ColumnSpec
from discern.errors import ConfigError, ModelError, suggest
from discern.i18n import _
from discern.models.registry import TABLE
from discern.progress import Reporter
from discern.runs.prepare import DataLike, Prepared, prepare_to_train
from discern.runs.run_directory import check_free
from discern.runs.settings import get_settings
from discern.settings import canonical_name
from discern.training.config import ANY_MODEL, TrainConfig, read_settings
from discern.training.recipes import validate


@dataclass(frozen=True)
class TrainRequest:
    """One training: of what, on what, and where to."""

    data: DataLike | Prepared | None = None  # None when resuming, where it is where it was
    # What was requested, by discern's names; ``model`` is always among them.
    settings: Mapping[str, Any] = field(default_factory=lambda: {"model": "auto"})
    out: Path | None = None  # the run directory; chosen unless given
    resume: Path | None = None  # the run to resume instead
    model_code: str | None = None  # ``file.py:function`` that builds the network of a resumed run

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.settings["model"])

    @property
    def is_classical(self) -> bool:
        """Return whether a classical model is requested, not a network."""
        return self.resume is None and self.model in CLASSICAL

    def validate(self) -> TrainConfig | ClassicalConfig:
        """Return what is known of the configuration before any data is read, and refuse a place that is taken."""
        if self.out is not None:
            check_free(self.out)
        return make_classical_config(**self.settings) if self.is_classical else validate(self.settings)


def make_request(
    data: DataLike | Prepared | None,
    model: str,
    settings: Mapping[str, Any],
    *,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    model_code: str | None = None,
) -> TrainRequest:
    """Check the names of the settings and put discern's own in their place.

    Examples
    --------
    >>> make_request("digits", "lenet", {"learning_rate": 0.1, "pretrained": True}).settings
    {'model': 'lenet', 'lr': 0.1, 'weights': 'official'}
    """
    settings = _name_weights(settings)
    if resume is not None:
        if settings or out is not None or model != "auto":
            raise ConfigError(_("A run is resumed with its own settings: use --resume without others."))
        return TrainRequest(data, resume=Path(resume), model_code=model_code)
    if "," in model:
        raise ConfigError(_("Several models at once are trained by `discern.train_many`."))
    check_model(model)
    requested = {"model": model, **settings}
    if model in CLASSICAL:
        requested = read_classical_settings(requested)
    else:
        _refuse_classical_settings(model, settings)
        requested = read_settings(requested)
    return TrainRequest(data, requested, None if out is None else Path(out), None, model_code)


def split_request(
    data: DataLike, models: Sequence[str], settings: Mapping[str, Any], out: str | os.PathLike[str] | None
) -> dict[str, TrainRequest]:
    """Make a request for each of ``models``, with the settings that it has; all names and values are checked."""
    if len(set(models)) < len(models) or not all(models):
        message = _("Name each model once, separated by commas: {names}.")
        raise ConfigError(message.format(names=",".join(models)))
    for model in models:
        check_model(model)
    settings, known = _name_weights(settings), {model: _known_settings(model) for model in models}
    shared = {name for name in settings if any(canonical_name(name, names) in names for names in known.values())}
    requests = {}
    for i, model in enumerate(models):
        # a setting that no model has goes to the first, which refuses it and suggests what was meant
        own = {
            name: value
            for name, value in settings.items()
            if canonical_name(name, known[model]) in known[model] or (i == 0 and name not in shared)
        }
        requests[model] = make_request(data, model, own)
        requests[model].validate()
    if out is not None:
        check_free(Path(out))
    return requests


def prepare_request(request: TrainRequest, reporter: Reporter) -> TrainRequest:
    """Return the request with its data opened, audited and split, as other requests on the same data can share it."""
    config = request.validate()
    table = ColumnSpec(config.table.target, config.table.task) if isinstance(config, ClassicalConfig) else ColumnSpec()
    prepared = prepare_to_train(request.data, config.seed, config.data, reporter, table)
    return replace(request, data=prepared)


def check_model(model: str) -> None:
    """Refuse a name that is in neither table and no library's."""
    if model != "auto" and model not in CLASSICAL and model not in TABLE and ":" not in model:
        hint = suggest(model, [*TABLE, *CLASSICAL], listed="discern models")
        raise ModelError(_('Unknown model "{name}"{hint}.').format(name=model, hint=hint))


def _name_weights(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the weights as a word: ``pretrained`` means the official ones."""
    settings = {name: value for name, value in settings.items() if value is not None}
    if settings.pop("pretrained", False):
        if "weights" in settings:
            raise ConfigError(_("--pretrained and --weights are two different starts: use one of them."))
        settings["weights"] = "official"
    if "weights" in settings:
        weights = settings["weights"]
        settings["weights"] = os.fspath(getattr(weights, "path", weights))  # of a Run
    return settings


def _known_settings(model: str) -> list[str]:
    """Return the names of all settings that go with ``model``."""
    kind = ClassicalConfig if model in CLASSICAL else TrainConfig
    return [*get_settings(model), *kind.inner, *(ANY_MODEL if model == "auto" else ())]


def _refuse_classical_settings(model: str, settings: Mapping[str, Any]) -> None:
    known = _known_settings(model)
    owners = {name: [each for each in CLASSICAL if name in _known_settings(each)] for name in settings}
    for name, models in owners.items():
        if models and canonical_name(name, known) not in known:
            message = _('"{name}" is a setting of classical models ({models}), not of {model}: use --model with one.')
            raise ConfigError(message.format(name=name, models=", ".join(models), model=model))
