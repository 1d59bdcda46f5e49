"""From pictures to a run directory: prepare, choose, train, measure, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from discern.api.classical import train_classical
from discern.api.finish import finish
from discern.api.fit import fit
from discern.api.job import Job, reopen, start
from discern.api.prepare import DataLike, Prepared
from discern.api.run import Run
from discern.classical.table import CLASSICAL
from discern.display import display
from discern.errors import ConfigError, ModelError, nearest
from discern.i18n import _
from discern.models.table import TABLE
from discern.progress import Watcher
from discern.runtime import Ranks, process_group
from discern.training.interrupt import Interrupted


def train(
    data: DataLike | Prepared | None = None,
    model: str = "auto",
    epochs: int | None = None,
    seed: int | None = None,
    pretrained: bool = False,
    weights: str | os.PathLike[str] | None = None,
    tune: str | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    code: str | None = None,
    features: str | None = None,
    search: str | None = None,
    cv: int | None = None,
    target: str | None = None,
    recipe: str | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watcher | None = None,
) -> Run:
    """Train a classifier.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes; left out when resuming.
    model : str
        A name that `discern.models` lists, of a network or a classical model; or ``auto``.
    epochs, seed : int, optional
        Passes over the training part; what all randomness follows from.
    pretrained : bool
        Start from the official weights of ``model``, which are fetched and kept in the cache folder.
    weights : path, optional
        Start from a .safetensors or .pth file, a run or a bundle.
    tune : {"head", "all", "head+all"}, optional
        What to train of a network that has weights: the head on the features of the frozen backbone, everything, or
        one after the other. Without a GPU it is the head unless said.
    out : path, optional
        The run directory; ``runs/DATE_DATA_MODEL`` unless given.
    resume : path, optional
        Go on with this run from its checkpoint.
    code : str, optional
        When resuming a run whose network is ``file.py:function``: that name again. No file runs unless it is named.
    features : str, optional
        What a classical model sees: pixels, color, hog, hand, ``embedding:NET`` or ``embedding:RUN``; a comma joins
        several.
    search : {"grid"}, optional
        Choose the settings of a classical model: every combination of the ranges of its row, or of those in
        ``settings`` ({"C": [0.1, 1, 10]}), is tried by cross-validation on the training part alone.
    cv : int, optional
        Folds of that cross-validation; 5 unless given.
    target : str, optional
        The column of a table of numbers to learn: one called class, label, target, species or variety, else the last,
        unless given.
    recipe : {"auto", "fast", "lecture"}, optional
        Where settings come from that are not given: the pictures and the machine, or discern's fastest road for
        pictures up to 64 pixels a side, or the course.
    settings : mapping, optional
        Any setting of `discern.training.config.Config` or of the network, by name; of a classical model those of
        `discern.classical.config.ClassicalConfig` and of its estimator.
    watch : Watcher, optional
        Is told how it goes; stderr shows it unless given.

    Raises
    ------
    DataError, ConfigError, ModelError, RunError
        Each says what to do.
    Interrupted
        After Ctrl-C; everything is saved.

    Examples
    --------
    >>> train("digits", model="lenet", epochs=5).evaluate().top1 > 0.9  # doctest: +SKIP
    True
    """
    if pretrained and weights is not None:
        raise ConfigError(_("--pretrained and --weights both say what to start from: give one of them."))
    named = "official" if pretrained else None if weights is None else os.fspath(weights)
    asked = {"model": model, "epochs": epochs, "seed": seed, "weights": named, "tune": tune, "features": features}
    asked |= {"search": search, "cv": cv, "target": target, "recipe": recipe}
    asked = {name: value for name, value in asked.items() if value is not None} | dict(settings or {})
    if resume is not None and (asked != {"model": "auto"} or out is not None):
        raise ConfigError(_("A run goes on with the settings it was started with: give --resume without others."))
    if resume is None:
        check_model(str(asked["model"]), asked)
    with process_group() as ranks:
        watch = watch or display() if ranks.first else Watcher()
        try:
            if asked["model"] in CLASSICAL and resume is None:  # one process learns, the others wait
                path = str(train_classical(data, asked, out, watch).path) if ranks.first else None
                return Run.open(ranks.share(path))
            job = None
            if ranks.first:
                job = (
                    start(data, asked, out, watch, ranks.size) if resume is None else reopen(resume, data, code, watch)
                )
            path = ranks.share(str(job.run.path) if job else None)
            job = job or reopen(path, None, code or model, watch)  # the other processes find all ready on disk
            return _train(job, ranks, watch)
        finally:
            watch.close()


def check_model(model: str, asked: Mapping[str, Any]) -> None:
    """Refuse a name in neither table, and what only classical models have asked of a network.

    Raises
    ------
    ConfigError, ModelError
        With the nearest names of both tables.
    """
    if "," in model:
        raise ConfigError(_("Several models at once are trained by `discern.train_several`."))
    if model in CLASSICAL:
        return
    if model != "auto" and model not in TABLE and ":" not in model:
        close = ", ".join(nearest(model, [*TABLE, *CLASSICAL]))
        sentence = _("There is no model called {name}; the nearest are {names}: 'discern models' lists them all.")
        if not close:
            sentence = _("There is no model called {name}: 'discern models' lists them all.")
        raise ModelError(sentence.format(name=model, names=close))
    if "features" in asked:
        sentence = _("--features go with classical models ({names}), not with {model}: leave them out.")
        raise ConfigError(sentence.format(names=", ".join(CLASSICAL), model=model))
    if "target" in asked:
        sentence = _(
            "--target goes with tables of numbers, which classical models learn, not {model}: add --model knn."
        )
        raise ConfigError(sentence.format(model=model))
    if "search" in asked or "cv" in asked:
        sentence = _(
            "--search and --cv go with classical models ({names}): train {model} once with each setting (--set lr=0.05)"
            " and put the runs side by side with `discern compare`."
        )
        raise ConfigError(sentence.format(names=", ".join(CLASSICAL), model=model))


def _train(job: Job, ranks: Ranks, watch: Watcher) -> Run:
    try:
        weights, history = fit(job, ranks, watch)
    except Interrupted:
        raise Interrupted(job.run.path) from None
    if ranks.first:
        finish(job, weights, history, watch)
    ranks.wait()
    return Run(job.run)
