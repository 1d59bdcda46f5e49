"""What `discern.train` returns: a finished run on disk, as a result."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discern.classical.cross_validation import Search
from discern.classifier.classifier import Classifier
from discern.errors import RunError
from discern.evaluation.metrics import TaskMetrics
from discern.evaluation.predictions import Predictions, StoredPredictions
from discern.evaluation.task import Task, find_task
from discern.i18n import _
from discern.notices import Notice
from discern.printable import quote_argument
from discern.result import Result, Table
from discern.runs.open import open_classifier
from discern.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class Run(Result):
    """A finished run."""

    directory: RunDirectory  # its files

    @classmethod
    def open(cls, path: str | os.PathLike[str] | Run) -> Run:
        """Open the finished run at ``path``, else raise `RunError`; a run that is open already stays as it is."""
        if isinstance(path, Run):
            return path
        directory = RunDirectory(path)
        directory.read_config()
        if not directory.metrics.is_file():
            message = _("{path} has no model yet: training is unfinished; resume with `discern train --resume {path}`.")
            raise RunError(message.format(path=quote_argument(path)))
        return cls(directory)

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @property
    def result(self) -> dict[str, Any]:
        """The outcome in a few numbers, as the last ``--json`` line of ``discern train``."""
        return {"run": str(self.path), **self.directory.read_metrics()["result"]}

    @property
    def search(self) -> Search | None:
        """What a search for settings tried; None without one."""
        value = self.directory.read_metrics().get("search")
        return value and Search.from_json(value)

    @property
    def unit(self) -> str:
        """What an example is: ``images`` or ``rows``."""
        return str(self.directory.read_config()["unit"])

    @property
    def task(self) -> Task[Any, Any]:
        """What was learned."""
        return find_task(self.directory.read_config()["task"])

    def metrics(self, split: str) -> TaskMetrics | None:
        """Return what was measured on ``test`` or ``validation`` when the run ended; None without such a split."""
        value = self.directory.read_metrics()[split]
        metrics: TaskMetrics | None = value and self.task.read_metrics(value, self.directory.metrics)
        return metrics

    def evaluate(self) -> TaskMetrics:
        """Return the held-out metrics: of the test split, or of validation where there is no labeled test split."""
        metrics = self.metrics("test") or self.metrics("validation")
        assert metrics is not None  # training needs a validation split
        return metrics

    def predictions(self) -> dict[str, StoredPredictions]:
        """Return what was predicted for every example of ``validation`` and ``test``; an empty split is left out."""
        return self.task.load(self.directory.predictions)

    def class_predictions(self) -> dict[str, Predictions]:
        """Return the predictions of a run that learned classes, else raise `RunError`."""
        predictions = self.predictions()
        classes = {name: each for name, each in predictions.items() if isinstance(each, Predictions)}
        if len(classes) < len(predictions):
            message = _("{path} predicts a number, not classes: `discern evaluate {path}` shows its errors.")
            raise RunError(message.format(path=quote_argument(self.path)))
        return classes

    def classifier(self) -> Classifier:
        """Return the trained classifier."""
        return open_classifier(self.path)

    @property
    def figsize(self) -> tuple[float, float] | None:
        return self.evaluate().figsize

    def sentences(self) -> list[str]:
        result, unit = self.result, Notice(f"word.{self.unit}").text()
        message = _("Trained {epochs} epochs in {seconds:.1f} s ({rate:,.0f} {unit}/s).")
        if "epochs" not in result:  # a classical model
            message = _("Trained in {seconds:.1f} s ({rate:,.0f} {unit}/s).")
        rate, epochs = result["images_per_second"], result.get("epochs")
        return [
            self.evaluate().headline(),
            message.format(epochs=epochs, seconds=result["seconds"], rate=rate, unit=unit),
            _("Run:    {path}").format(path=self.path),
            _("Report: {path}").format(path=self.directory.report),
            _("Next:   discern predict {path} {inputs}").format(
                path=quote_argument(self.path), inputs=self._find_inputs()
            ),
        ]

    def _find_inputs(self) -> str:
        """Return a held-out image or the table as it can be typed, else a word in its place."""
        is_table, origin = self.unit == "rows", Path(self.directory.read_config()["data"]["origin"])
        candidates = [origin]
        if not is_table:
            with suppress(RunError):
                name = next(iter(self.predictions().values())).paths[0]
                candidates = [origin / name, origin.parent / name]
        for file in candidates:
            if file.is_absolute() and file.is_file():
                here = Path.cwd()
                return quote_argument(file.relative_to(here) if file.is_relative_to(here) else file)
        return "ROWS.csv" if is_table else "IMAGE"

    def tables(self) -> list[Table]:
        return self.search.tables() if self.search else []

    def plot(self, figure: Any) -> None:
        """Draw the held-out metrics."""
        self.evaluate().plot(figure)

    def to_json(self) -> dict[str, Any]:
        return self.result
