"""The prediction for an image or a row, and several of them, as results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, overload

from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _InWords(Result):
    """A result that its sentences say completely: no table, and no figure unless it draws one."""

    @property
    def figsize(self) -> tuple[float, float] | None:
        return None

    def tables(self) -> list[Table]:
        return []


@dataclass(frozen=True)
class Prediction(_InWords):
    """The classes of one image or row, most probable first."""

    path: str  # where it came from, empty if from memory
    top: tuple[tuple[str, float], ...]  # class names and their probabilities

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
class RegressionPrediction(_InWords):
    """The predicted number of one row."""

    path: str  # where the row came from, empty if from memory
    target: str  # the name of the number
    value: float

    def sentences(self) -> list[str]:
        number = f"{self.target} {self.value:.6g}"
        return [f"{self.path}  {number}" if self.path else number]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class PredictionList(_InWords, Sequence[Prediction | RegressionPrediction]):
    """Predictions in the order of what they are for; a sequence."""

    items: tuple[Prediction | RegressionPrediction, ...]

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

    def to_json(self) -> dict[str, Any]:
        return {"predictions": [item.to_json() for item in self.items]}
