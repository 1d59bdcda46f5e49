"""The prediction for an image or a row, and several of them, as results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, overload

from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Prediction(Result):
    """The classes of one image or row, most probable first.

    Attributes
    ----------
    path : str
        Where it came from, empty if from memory.
    top : tuple of (str, float)
        Class names and their probabilities.
    """

    path: str
    top: tuple[tuple[str, float], ...]

    @property
    def figsize(self) -> tuple[float, float]:
        return 5.0, 0.8 + 0.35 * len(self.top)

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.top[0][0]

    @property
    def probability(self) -> float:
        """The probability of `label`."""
        return self.top[0][1]

    def sentences(self) -> list[str]:
        classes = "  ".join(f"{label} {probability:.3f}" for label, probability in self.top)
        return [f"{self.path}  {classes}" if self.path else classes]

    def tables(self) -> list[Table]:
        return []

    def plot(self, figure: Figure) -> None:
        """Draw the probabilities as bars, the highest on top."""
        ax = figure.subplots()
        labels, probabilities = zip(*reversed(self.top), strict=True)
        bars = ax.barh(labels, probabilities)
        ax.bar_label(bars, fmt="%.3f", padding=3)
        ax.set(xlim=(0, 1.12), xlabel=_("probability"))

    def to_json(self) -> dict[str, Any]:
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {"path": self.path, "label": self.label, "probability": self.probability, "top": top}


@dataclass(frozen=True)
class RegressionPrediction(Result):
    """The predicted number of one row.

    Attributes
    ----------
    path : str
        Where the row came from, empty if from memory.
    target : str
        The name of the number.
    value : float
        The number.
    """

    path: str
    target: str
    value: float

    @property
    def figsize(self) -> None:
        return None

    def sentences(self) -> list[str]:
        number = f"{self.target} {self.value:.6g}"
        return [f"{self.path}  {number}" if self.path else number]

    def tables(self) -> list[Table]:
        return []

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class PredictionList(Result, Sequence[Prediction | RegressionPrediction]):
    """Predictions in the order of what they are for; a sequence.

    Attributes
    ----------
    items : tuple of Prediction or RegressionPrediction
    """

    items: tuple[Prediction | RegressionPrediction, ...]

    @property
    def figsize(self) -> None:
        return None

    @overload
    def __getitem__(self, index: int) -> Prediction | RegressionPrediction: ...

    @overload
    def __getitem__(self, index: slice) -> PredictionList: ...

    def __getitem__(self, index: int | slice) -> Prediction | RegressionPrediction | PredictionList:
        return PredictionList(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Prediction | RegressionPrediction]:
        return iter(self.items)

    def sentences(self) -> list[str]:
        return [line for item in self.items for line in item.sentences()]

    def tables(self) -> list[Table]:
        return []

    def to_json(self) -> dict[str, Any]:
        return {"predictions": [item.to_json() for item in self.items]}
