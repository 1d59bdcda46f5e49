"""The metrics of a task, and those of a classifier: numbers first, then sentences, tables and a figure of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discern.data.names import abbreviate
from discern.evaluation.calibration import Reliability
from discern.evaluation.confusion import ConfusionMatrix, class_rates, counts_from_json, counts_to_json
from discern.evaluation.intervals import Interval, interval_text, number_text, rate_interval_text, rate_text, wilson
from discern.i18n import _
from discern.notices import Notice
from discern.result import Result, Table, to_plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP5_CLASSES = 6  # of fewer, one of five guesses is always or nearly always right
# Of `Metrics.summary`, what some languages write in per cent; areas and losses are numbers everywhere.
FRACTIONS = ("top1", "top5", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "weighted_f1")
MAX_CLASS_ROWS = 60  # of the table of classes


class TaskMetrics(Result):
    """The metrics of any task: what leaderboards, comparisons and reports need of them."""

    n: int  # examples
    split: str  # what they are of: test, validation, train; empty for other data
    unit: str  # what an example is: images or rows

    @property
    def examples(self) -> str:
        """How many of what, in the reader's language: ``359 test images``."""
        return count_examples(self.n, self.unit, self.split).text()

    @property
    @abstractmethod
    def scores(self) -> dict[str, float]:
        """The few numbers that sum it up, the one that ranks models first."""

    @property
    @abstractmethod
    def interval(self) -> Interval:
        """95 % interval of the number that ranks."""

    @abstractmethod
    def headline(self, digits: int = 4) -> str:
        """Return the outcome in a clause, as a longer sentence can end in it; numbers with so many decimals."""

    def unjudged(self) -> Notice | None:
        """Return what these numbers say nothing about; None where that is nothing."""
        return None

    @classmethod
    @abstractmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` returned."""

    def summarize(self) -> dict[str, Any]:
        """Return the scores, on how many, and how sure the first is, as JSON values."""
        return {**self.scores, "n": self.n, "interval": self.interval and list(self.interval)}


def count_examples(n: int, unit: str, split: str = "") -> Notice:
    """Return a phrase on how many of what.

    Examples
    --------
    >>> count_examples(1359, "images", "test").text()
    '1,359 test images'
    """
    return Notice(f"word.n_{split}_{unit}" if split else f"word.n_{unit}", {"n": n})


@dataclass(frozen=True, eq=False)
class Metrics(TaskMetrics):
    """The metrics of a classifier on ``n`` labeled examples.

    Attributes
    ----------
    summary : mapping of str to float
        ``macro_precision``, ``macro_recall``, ``macro_f1`` (over the classes that are there or were predicted),
        ``weighted_precision``, ``weighted_recall``, ``weighted_f1`` (by support), ``balanced_accuracy`` (mean recall of
        the classes that are there), ``log_loss``, ``brier`` (summed over the classes, for two classes half of it),
        ``calibration_error``, ``roc_auc`` and ``average_precision`` (means over the classes where they are known; None
        where none is).
    intervals : mapping
        The 95 % interval of each number in ``summary``, by the bootstrap, and of ``top1`` and ``top5`` (Wilson). None
        where examples are fewer than 10, no resample differs, or ranking them often enough takes too long. Of examples
        in groups, all are by the cluster bootstrap over the groups, those of a class Wilson's with ``design_effect``.
    """

    n: int
    top1: float  # fraction whose true class is the most probable
    top5: float  # fraction whose true class is among the five most probable
    loss: float  # mean cross-entropy (log loss), in nats
    classes: tuple[str, ...]
    confusion: np.ndarray  # int (C, C): rows are the true class, columns the predicted one
    roc_auc: tuple[float | None, ...]  # (C,) one class against the rest; None where there is nothing to rank
    average_precision: tuple[float | None, ...]  # the same
    summary: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    reliability: Reliability
    split: str = ""
    unit: str = "images"
    groups: int = 0  # of the examples (patients, cameras), which intervals are then by; 0 where each stands for itself
    design_effect: float = 1.0  # times as many examples as independent ones would have been needed (Kish 1965)

    @property
    def figsize(self) -> tuple[float, float]:
        return 11.0, 4.5

    @property
    def scores(self) -> dict[str, float]:
        return {"top1": self.top1, "loss": self.loss}

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of ``top1``, Wilson's or by groups."""
        bounds = self.intervals["top1"]
        assert bounds is not None  # these are always known
        return bounds

    @property
    def correct(self) -> int:
        """Examples whose most probable class is the true one."""
        return int(self.confusion.trace())

    @property
    def confusion_matrix(self) -> ConfusionMatrix:
        """The confusion matrix as a result of its own."""
        return ConfusionMatrix(self.classes, self.confusion)

    def headline(self, digits: int = 4) -> str:
        message = _("accuracy {top1} on {examples} ({correct:,} correct; 95 % CI {interval})")
        if self.groups:
            message = _(
                "accuracy {top1} on {examples} of {groups:,} groups ({correct:,} correct; 95 % CI by group {interval})"
            )
        top1, interval = rate_text(self.top1, digits), rate_interval_text(self.interval, digits)
        fields = {"top1": top1, "examples": self.examples, "correct": self.correct, "interval": interval}
        return message.format(**fields, groups=self.groups)

    def unjudged(self) -> Notice | None:
        """Return which classes have no example here, so that no number is about them; None where all have."""
        missing = [name for name, n in zip(self.classes, self.confusion.sum(axis=1), strict=True) if not n]
        if not missing or not self.split:
            return None
        fields = {"split": Notice(f"word.{self.split}"), "names": abbreviate(missing)}
        return Notice("evaluation.unjudged", fields)

    def baseline(self, digits: int = 4) -> str:
        """Return a sentence on the accuracy of always predicting the most frequent class."""
        support = self.confusion.sum(axis=1)
        fraction = support.max() / max(1, support.sum())
        message = _('Majority-class baseline: {fraction} (always "{name}").')
        return message.format(fraction=rate_text(fraction, digits), name=self.classes[int(support.argmax())])

    def sentences(self) -> list[str]:
        unjudged = self.unjudged()
        return [*([unjudged.text()] if unjudged else []), self.headline(), self.baseline()]

    def tables(self) -> list[Table]:
        return [self.summary_table(), self.class_table()]

    def summary_table(self, digits: int = 4) -> Table:
        """Return a table of every number of the whole with its interval."""
        titles = {
            "top1": _("accuracy (top-1)"),
            "top5": _("top-5 accuracy"),
            "balanced_accuracy": _("balanced accuracy"),
            "macro_precision": _("macro precision"),
            "macro_recall": _("macro recall"),
            "macro_f1": _("macro F1"),
            "weighted_f1": _("weighted F1"),
            "roc_auc": _("ROC-AUC"),
            "average_precision": _("average precision"),
            "log_loss": _("log loss"),
            "brier": _("Brier score"),
            "calibration_error": _("calibration error"),
        }
        if len(self.classes) < TOP5_CLASSES:
            del titles["top5"]
        values = {"top1": self.top1, "top5": self.top5, **self.summary}
        rows = []
        for name, title in titles.items():
            if name in FRACTIONS:
                rows.append((title, rate_text(values[name], digits), rate_interval_text(self.intervals[name], digits)))
            else:
                kind = f".{digits}f"
                rows.append((title, number_text(values[name], kind), interval_text(self.intervals[name], kind)))
        return Table(_("Metrics"), ("", _("n {n:,}").format(n=self.n), _("95 % CI")), rows)

    def class_table(self, digits: int = 4) -> Table:
        """Return a table of precision, recall and the like, a row a class."""
        rates = (_("precision"), _("recall"), _("95 % CI"), _("F1"))
        columns = (_("class"), *rates, _("ROC-AUC"), _("average precision"), _("n"))
        rows = [
            (
                name,
                rate_text(row["precision"], digits),
                rate_text(row["recall"], digits),
                rate_interval_text(row["recall_interval"], digits),
                rate_text(row["f1"], digits),
                number_text(row["roc_auc"], f".{digits}f"),
                number_text(row["average_precision"], f".{digits}f"),
                row["support"],
            )
            for name, row in self.per_class().items()
        ]
        return Table(_("Classes"), columns, rows, max_rows=MAX_CLASS_ROWS)

    def plot(self, figure: Figure) -> None:
        """Draw the confusion matrix, shaded per row, beside the reliability diagram."""
        grid = figure.add_gridspec(1, 2)
        self.confusion_matrix.plot(figure.add_subfigure(grid[0]))
        self.reliability.plot(figure.add_subfigure(grid[1]))

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Compute precision, recall, F1 and support of each class with intervals, ROC-AUC and average precision.

        A fraction of nothing is 0, as in scikit-learn's reports, and its interval None.
        """
        support, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        tp, effect = np.diag(self.confusion), self.design_effect
        precision, recall, f1 = class_rates(*(each[None].astype(float) for each in (tp, predicted, support)))
        return {
            name: {
                "precision": float(precision[0, c]),
                "recall": float(recall[0, c]),
                "f1": float(f1[0, c]),
                "support": int(support[c]),
                "precision_interval": wilson(tp[c] / effect, predicted[c] / effect) if predicted[c] else None,
                "recall_interval": wilson(tp[c] / effect, support[c] / effect) if support[c] else None,
                "roc_auc": self.roc_auc[c],
                "average_precision": self.average_precision[c],
            }
            for c, name in enumerate(self.classes)
        }

    def to_json(self) -> dict[str, Any]:
        left_out = ("confusion", "roc_auc", "average_precision")  # these two stand in per_class
        names = [field.name for field in fields(self) if field.name not in left_out]
        value: dict[str, Any] = to_plain({name: getattr(self, name) for name in names})
        per_class = {
            name: {k: v and list(v) if isinstance(v, tuple) else v for k, v in row.items()}
            for name, row in self.per_class().items()
        }
        confusion = counts_to_json(self.confusion)
        return {**value, "confusion": confusion, "interval": list(self.interval), "per_class": per_class}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Metrics:
        per_class = value["per_class"].values()
        names = ("n", "top1", "top5", "loss", "summary", "split", "unit")
        return cls(
            **{name: value[name] for name in names},
            classes=tuple(value["classes"]),
            confusion=counts_from_json(value["confusion"], len(value["classes"])),
            roc_auc=tuple(row["roc_auc"] for row in per_class),
            average_precision=tuple(row["average_precision"] for row in per_class),
            intervals={name: bounds and tuple(bounds) for name, bounds in value["intervals"].items()},
            reliability=Reliability.from_json(value["reliability"]),
            groups=int(value.get("groups", 0)),
            design_effect=float(value.get("design_effect", 1.0)),
        )
