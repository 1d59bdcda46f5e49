"""From data to a run directory."""

from __future__ import annotations

import os
from typing import Any

from discern.display import reporting
from discern.progress import Reporter
from discern.runs.prepare import DataLike
from discern.runs.request import make_request
from discern.runs.run import Run
from discern.runs.train import run_training


def train(
    data: DataLike | None = None,
    model: str = "auto",
    *,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    model_code: str | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Run:
    """Train a classifier.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes; left out when resuming.
    model : str
        A name that `discern.list_models` lists, of a network or a classical model; or ``auto``.
    out : path, optional
        The run directory; ``runs/DATE_DATA_MODEL`` unless given.
    resume : path, optional
        Resume this run from its checkpoint.
    model_code : str, optional
        When resuming a run whose network is ``file.py:function``: that name again. No file runs unless it is named.
    reporter : Reporter, optional
        Follows the work; stderr shows it unless given.
    **settings
        Any setting that `discern.list_settings` lists, by name: ``epochs=5``, ``size=64``, ``lr=0.01``,
        ``weights="runs/mine"``, ``finetune="head"``, ``features="hog"``. ``pretrained=True`` starts from the official
        weights. A search takes several values of a setting: ``search="grid", C=[0.1, 1, 10]``.

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
    request = make_request(data, model, settings, out=out, resume=resume, model_code=model_code)
    with reporting(reporter) as shown:
        return run_training(request, shown)
