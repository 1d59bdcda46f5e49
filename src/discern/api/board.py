"""Several models on one split, and the table of how good each came out."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discern.api.prepare import DataLike, prepare_to_train
from discern.api.run import Run
from discern.api.train import check_model, train
from discern.classical.config import ClassicalConfig, make_classical
from discern.classical.table import CLASSICAL
from discern.data.rows import Question
from discern.display import display
from discern.errors import ConfigError, DiscernError
from discern.evaluation.metrics import Metrics
from discern.evaluation.regression import RegressionMetrics
from discern.i18n import _
from discern.models.table import settings_of
from discern.progress import Watcher
from discern.run import check_free
from discern.training.config import Config
from discern.training.recipes import check


@dataclass(frozen=True)
class Board:
    """The finished runs, the best first, and the models that came to nothing.

    Attributes
    ----------
    runs : tuple of Run
        By accuracy (of a regression by R2) on the held-out part, then by time.
    failed : mapping of str to str
        Model -> why.
    """

    runs: tuple[Run, ...]
    failed: Mapping[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """Model, part, accuracy (of a regression R2) with its interval, pictures, seconds and run of each."""
        found = []
        for run in self.runs:
            result, metrics = run.result, run.evaluate()
            found.append(
                {
                    "model": result["model"],
                    "part": "test" if result["test"] else "validation",
                    **_scores(metrics),
                    "n": metrics.n,
                    "seconds": result["seconds"],
                    "run": result["run"],
                }
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"board": self.rows(), "failed": dict(self.failed)}


def train_several(
    data: DataLike,
    models: Sequence[str],
    epochs: int | None = None,
    seed: int | None = None,
    features: str | None = None,
    search: str | None = None,
    cv: int | None = None,
    target: str | None = None,
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watcher | None = None,
) -> Board:
    """Train each of ``models`` on the identical split.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes.
    models : sequence of str
        Names of networks and classical models.
    epochs, seed, features, search, cv, target, settings
        As `discern.train` takes them; each goes to the models that have it.
    out : path, optional
        A folder for the runs, one a model; ``runs`` unless given.
    watch : Watcher, optional
        Is told how it goes; stderr shows it unless given.

    Raises
    ------
    DataError, ConfigError, ModelError
        Before anything is trained, when a name, a setting or the data will not do; afterwards when no model came out.

    Examples
    --------
    >>> board = train_several("digits", ["knn", "svm-rbf", "forest"])  # doctest: +SKIP
    >>> board.rows()[0]["model"]  # doctest: +SKIP
    'svm-rbf'
    """
    stated = {"epochs": epochs, "seed": seed, "features": features, "search": search, "cv": cv, "target": target}
    asked = {name: value for name, value in {**stated, **(settings or {})}.items() if value is not None}
    shares = _shares(models, asked)
    if out is not None:
        check_free(Path(out))
    watch = _Once(watch or display())
    early = _checked(models[0], shares[models[0]])
    question = Question(asked.get("target", ""), asked.get("task", "auto"))
    try:
        prepared = prepare_to_train(data, early.seed, early.validation, early.test, watch, early.train_limit, question)
    finally:
        watch.close()
    runs, failed = [], {}
    for i, model in enumerate(models, 1):
        watch.event({"event": "notice", "text": _("{model} ({i} of {n})").format(model=model, i=i, n=len(models))})
        place = None if out is None else Path(out) / re.sub(r"[^\w.-]+", "-", model)
        try:
            runs.append(train(prepared, model, out=place, settings=shares[model], watch=watch))
        except DiscernError as error:
            failed[model] = str(error)
            watch.event({"event": "notice", "text": str(error)})
    if not runs:
        raise ConfigError(_("No model came out: {reasons}").format(reasons=" ".join(failed.values())))
    return Board(tuple(sorted(runs, key=_rank)), failed)


class _Once(Watcher):
    """Hands on what happens, but says the same sentence once: all the models have the same split."""

    def __init__(self, watch: Watcher) -> None:
        self.watch, self.said = watch, set[str]()

    def event(self, event: dict[str, Any]) -> None:
        text = event.get("text", "") if event["event"] == "notice" else ""
        if text not in self.said:
            self.watch.event(event)
        self.said |= {text} - {""}

    def progress(self, what: str, done: int, total: int) -> None:
        self.watch.progress(what, done, total)

    def close(self) -> None:
        self.watch.close()


def _rank(run: Run) -> tuple[float, float]:
    metrics = run.evaluate()
    return -(metrics.r2 if isinstance(metrics, RegressionMetrics) else metrics.top1), run.result["seconds"]


def _scores(metrics: Metrics | RegressionMetrics) -> dict[str, Any]:
    """The number that ranks, with its interval; of a regression the errors as well."""
    if isinstance(metrics, RegressionMetrics):
        interval = metrics.intervals["r2"]
        return {"r2": metrics.r2, "interval": interval and list(interval), "mae": metrics.mae, "rmse": metrics.rmse}
    return {"top1": metrics.top1, "interval": list(metrics.interval)}


def _shares(models: Sequence[str], asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What of ``asked`` each model takes; all names and values checked."""
    if len(set(models)) < len(models) or not all(models):
        raise ConfigError(_("Name each model once, with commas between them: {names}.").format(names=",".join(models)))
    for model in models:
        check_model(model, {})
    takes = {model: _takes(model) for model in models}
    unknown = [name for name in asked if not any(name in names for names in takes.values())]
    shares = {model: {name: v for name, v in asked.items() if name in takes[model]} for model in models}
    shares[models[0]] |= {name: asked[name] for name in unknown}  # who then refuses it, naming what there is
    for model in models:
        _checked(model, shares[model])
    return shares


def _takes(model: str) -> set[str]:
    if model in CLASSICAL:
        return {*ClassicalConfig.model_fields, *CLASSICAL[model].settings}
    return {*Config.model_fields, *(settings_of(model) if model != "auto" else ())}


def _checked(model: str, share: Mapping[str, Any]) -> Config | ClassicalConfig:
    asked = {**share, "model": model}
    check_model(model, asked)
    return make_classical(asked) if model in CLASSICAL else check(asked)
