"""What is learned of each example, and all that follows from it: one class here, a number there.

A further task (several labels an image, say) is a subclass of `Task` with its predictions and metrics, and a row of
`TASKS`: runs, verbs and bundles ask the task and know none by name.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from discern.data.dataset import Dataset
from discern.errors import ConfigError, RunError
from discern.evaluation.calibration import TINY, Temperature, choose_temperature
from discern.evaluation.intervals import N_RESAMPLES
from discern.evaluation.measure import measure
from discern.evaluation.metrics import Metrics, TaskMetrics
from discern.evaluation.predictions import Predictions, StoredPredictions, load_predictions
from discern.evaluation.regression import RegressionMetrics, RegressionPredictions, measure_regression
from discern.evaluation.significance import PairedTest, compare_classifiers, compare_regressions
from discern.i18n import _

if TYPE_CHECKING:
    from torch import Tensor

P = TypeVar("P", bound=StoredPredictions)
M = TypeVar("M", bound=TaskMetrics)


class Task(ABC, Generic[P, M]):
    """What is learned, without state; one object of each stands in `TASKS`."""

    name: ClassVar[str]  # as in config.json and model.json
    ranking_key: ClassVar[str]  # which of `TaskMetrics.scores` ranks models (higher is better)
    error_key: ClassVar[str]  # which of them is their error (lower is better)
    has_classes: ClassVar[bool]  # whether predictions are probabilities of classes, (N, C)
    predictions: type[P]  # the class of its stored predictions
    metrics: type[M]

    @abstractmethod
    def score_titles(self) -> dict[str, str]:
        """Return what the scores are called, in the reader's language."""

    @abstractmethod
    def activate(self, logits: Tensor, temperature: float) -> Tensor:
        """Turn the logits of a network, float32 (N, ...), into what it predicts."""

    @abstractmethod
    def truth(self, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
        """Return the true answers of examples: (len(indices), ...)."""

    @abstractmethod
    def calibrate(self, outputs: np.ndarray, truth: np.ndarray, seed: int) -> Temperature | None:
        """Choose on validation how to scale what a model puts out; None where there is nothing to scale."""

    @abstractmethod
    def measure(self, predictions: P, split: str = "", unit: str = "images", n_resamples: int = N_RESAMPLES) -> M:
        """Compute the metrics of stored predictions."""

    @abstractmethod
    def compare(self, first: str, a: P, second: str, b: P, unit: str) -> PairedTest:
        """Test whether one of two models is better on the same examples."""

    def load(self, path: str | os.PathLike[str]) -> dict[str, P]:
        """Read stored predictions, by split; a `RunError` where they are missing, damaged, or of another task."""
        return load_predictions(path, self.predictions)

    def read_metrics(self, value: Mapping[str, Any], path: str | os.PathLike[str]) -> M:
        """Read the metrics of a split, stored at ``path``; a `RunError` where they are damaged, or of another task."""
        try:
            return self.metrics.from_json(dict(value))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = _("{path} is damaged or from another version: copy it again, or train again.")
            raise RunError(message.format(path=path)) from error


class Classification(Task[Predictions, Metrics]):
    """One of several classes; what a model puts out are probabilities, float32 (N, C)."""

    name = "classification"
    ranking_key, error_key = "top1", "loss"
    has_classes = True
    predictions, metrics = Predictions, Metrics

    def score_titles(self) -> dict[str, str]:
        return {"top1": _("accuracy"), "loss": _("log loss")}

    def activate(self, logits: Tensor, temperature: float) -> Tensor:
        probabilities = logits.softmax(dim=1)
        if temperature == 1:
            return probabilities
        # as `discern.evaluation.calibration.apply_temperature`, but a graph can hold it; MPS has no float64
        wide = probabilities if logits.device.type == "mps" else probabilities.double()
        return (wide.clamp_min(TINY).log() / temperature).softmax(dim=1).float()

    def truth(self, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
        return dataset.labels[indices].astype(np.int64)

    def calibrate(self, outputs: np.ndarray, truth: np.ndarray, seed: int) -> Temperature:
        return choose_temperature(outputs, truth, seed)

    def measure(
        self, predictions: Predictions, split: str = "", unit: str = "images", n_resamples: int = N_RESAMPLES
    ) -> Metrics:
        return measure(
            predictions.probabilities,
            predictions.labels,
            predictions.classes,
            n_resamples,
            split=split,
            unit=unit,
            groups=predictions.groups,
        )

    def compare(self, first: str, a: Predictions, second: str, b: Predictions, unit: str) -> PairedTest:
        return compare_classifiers(first, a, second, b, unit)


class Regression(Task[RegressionPredictions, RegressionMetrics]):
    """A number; what a model puts out are values, float64 (N,)."""

    name = "regression"
    ranking_key, error_key = "r2", "mae"
    has_classes = False
    predictions, metrics = RegressionPredictions, RegressionMetrics

    def score_titles(self) -> dict[str, str]:
        return {"r2": _("R2"), "mae": _("mean absolute error"), "rmse": _("root mean squared error")}

    def activate(self, logits: Tensor, temperature: float) -> Tensor:
        return logits[:, 0].double()

    def truth(self, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
        assert dataset.targets is not None  # that is what a regression learns
        return dataset.targets[indices]

    def calibrate(self, outputs: np.ndarray, truth: np.ndarray, seed: int) -> None:
        return None

    def measure(
        self, predictions: RegressionPredictions, split: str = "", unit: str = "rows", n_resamples: int = N_RESAMPLES
    ) -> RegressionMetrics:
        columns = predictions.targets, predictions.values, predictions.target
        return measure_regression(*columns, split=split, unit=unit, groups=predictions.groups)

    def compare(
        self, first: str, a: RegressionPredictions, second: str, b: RegressionPredictions, unit: str
    ) -> PairedTest:
        return compare_regressions(first, a, second, b, unit)


TASKS: dict[str, Task[Any, Any]] = {task.name: task for task in (Classification(), Regression())}


def find_task(name: str) -> Task[Any, Any]:
    """Return the task called ``name``; a `ConfigError` where there is none.

    Examples
    --------
    >>> find_task("regression").ranking_key
    'r2'
    """
    if name not in TASKS:
        raise ConfigError(_('Unknown task "{name}": choose {names}.').format(name=name, names=_(" or ").join(TASKS)))
    return TASKS[name]
