"""From pictures to a run directory: prepare, choose, train, measure, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from discern.api.finish import finish
from discern.api.fit import fit
from discern.api.job import Job, reopen, start
from discern.api.prepare import DataLike
from discern.api.run import Run
from discern.display import display
from discern.errors import ConfigError
from discern.i18n import _
from discern.progress import Watcher
from discern.runtime import Ranks, process_group
from discern.training.interrupt import Interrupted


def train(
    data: DataLike | None = None,
    model: str = "auto",
    epochs: int | None = None,
    seed: int | None = None,
    pretrained: bool = False,
    weights: str | os.PathLike[str] | None = None,
    tune: str | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    code: str | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watcher | None = None,
) -> Run:
    """Train a classifier.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes; left out when resuming.
    model : str
        A name that `discern.models` lists, or ``auto``.
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
    settings : mapping, optional
        Any setting of `discern.training.config.Config` or of the network, by name.
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
    asked = {"model": model, "epochs": epochs, "seed": seed, "weights": named, "tune": tune}
    asked = {name: value for name, value in asked.items() if value is not None} | dict(settings or {})
    if resume is not None and (asked != {"model": "auto"} or out is not None):
        raise ConfigError(_("A run goes on with the settings it was started with: give --resume without others."))
    with process_group() as ranks:
        watch = watch or display() if ranks.first else Watcher()
        try:
            job = None
            if ranks.first:
                job = start(data, asked, out, watch) if resume is None else reopen(resume, data, code, watch)
            path = ranks.share(str(job.run.path) if job else None)
            job = job or reopen(path, None, code or model, watch)  # the other processes find all ready on disk
            return _train(job, ranks, watch)
        finally:
            watch.close()


def _train(job: Job, ranks: Ranks, watch: Watcher) -> Run:
    try:
        weights, history = fit(job, ranks, watch)
    except Interrupted:
        raise Interrupted(job.run.path) from None
    if ranks.first:
        finish(job, weights, history, watch)
    ranks.wait()
    return Run(job.run)
