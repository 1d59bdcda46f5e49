"""What `discern.train` gives back: a run on disk and what came out of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discern.api.load import Opened, load
from discern.errors import RunError
from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions, load_predictions
from discern.evaluation.regression import Estimates, RegressionMetrics, load_estimates
from discern.i18n import _
from discern.run import RunDirectory


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    directory : RunDirectory
        Its files.
    """

    directory: RunDirectory

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """The finished run at ``path``.

        Raises
        ------
        RunError
            When it is no run, or its training did not end.
        """
        directory = RunDirectory(path)
        directory.read_config()
        if not directory.metrics.is_file():
            sentence = _(
                "{path} has no model yet: its training did not end. Go on with `discern train --resume {path}`."
            )
            raise RunError(sentence.format(path=path))
        return cls(directory)

    @property
    def path(self) -> Path:
        """Where the run is."""
        return self.directory.path

    @property
    def result(self) -> dict[str, Any]:
        """The outcome in a few numbers, as the last ``--json`` line of ``discern train``."""
        return {"run": str(self.path), **self.directory.read_metrics()["result"]}

    @property
    def search(self) -> dict[str, Any] | None:
        """What a search for settings tried, as `discern.classical.search.Search` writes it; None without one."""
        found: dict[str, Any] | None = self.directory.read_metrics().get("search")
        return found

    @property
    def of_table(self) -> bool:
        """Whether it learnt from the rows of a table, and not from pictures."""
        return "columns" in self.directory.read_config()["preprocess"]

    @property
    def is_regression(self) -> bool:
        """Whether it learnt a number and no classes."""
        return self.directory.read_config()["config"].get("task") == "regression"

    def metrics(self, part: str) -> Metrics | RegressionMetrics | None:
        """What was measured on ``test`` or ``validation`` when the run ended; None where there is no such part."""
        value = self.directory.read_metrics()[part]
        try:
            kind = RegressionMetrics if self.is_regression else Metrics
            return None if value is None else kind.from_json(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            sentence = _("{path} is damaged or from another version: copy it again, or train again.")
            raise RunError(sentence.format(path=self.directory.metrics)) from error

    def predictions(self) -> dict[str, Predictions]:
        """What was said of every picture of ``validation`` and ``test``; a part without pictures is not there.

        Raises
        ------
        RunError
            When they were not stored, are damaged, or the run learnt a number.
        """
        if self.is_regression:
            sentence = _("{path} learnt a number and no classes: `discern evaluate` tells how far it is off.")
            raise RunError(sentence.format(path=self.path))
        return load_predictions(self.directory.predictions)

    def estimates(self) -> dict[str, Estimates]:
        """Of a regression, what was said of every row of ``validation`` and ``test``.

        Raises
        ------
        RunError
            When they were not stored, are damaged, or the run tells classes.
        """
        return load_estimates(self.directory.predictions)

    def evaluate(self) -> Metrics | RegressionMetrics:
        """The held-out result: of the test part, or of validation where there is no labelled test part."""
        metrics = self.metrics("test") or self.metrics("validation")
        assert metrics is not None  # training needs a validation part
        return metrics

    def classifier(self) -> Opened:
        """The trained classifier."""
        return load(self.path)
