"""What is in a data set, as a result: classes by split, sizes or columns, notices, and what the audit found."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.data.dataset import Dataset, TableDataset
from discern.data.findings import Audit, Finding
from discern.data.scan import ImageStats
from discern.data.split import SplitAssignment
from discern.i18n import _
from discern.notices import Notice
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITS = ("train", "validation", "test")
MAX_ROWS = 40  # classes or columns that a table shows before it is folded
_MAX_LABELED = 60  # classes whose names a figure has room for
_COLORS = ("tab:blue", "tab:orange", "tab:green")


@dataclass(frozen=True, eq=False)
class Range:
    """Smallest, median and largest of some values."""

    min: float
    median: float
    max: float

    @classmethod
    def measure(cls, values: np.ndarray) -> Range:
        """Measure float or int (N,); of nothing zeros."""
        if not len(values):
            return cls(0.0, 0.0, 0.0)
        return cls(float(values.min()), float(np.median(values)), float(values.max()))


@dataclass(frozen=True, eq=False)
class DataSummary(Result):
    """What is in a data set, and the split it would get."""

    name: str
    origin: str
    n: int  # examples
    classes: dict[str, int]  # labeled examples of each
    split: dict[str, dict[str, int]]  # by train, validation and test: examples of each class
    n_unlabeled: int
    n_excluded: int  # by the audit
    notices: tuple[Notice, ...]  # what opening and splitting decided
    findings: tuple[Finding, ...]  # of the audit

    @abstractmethod
    def headline(self) -> str:
        """Return how much of what there is, in one sentence."""

    @property
    def figsize(self) -> tuple[float, float] | None:
        if len(self.classes) < 2:
            return None  # a regression: one bar says nothing
        return (9.0, 1.2 + 0.25 * min(max(len(self.classes), 4), _MAX_LABELED))

    def sentences(self) -> list[str]:
        audit = _("The audit found:") if self.findings else _("The audit found nothing.")
        notices = [notice.text() for notice in self.notices]
        return [self.headline(), *notices, audit, *(finding.text() for finding in self.findings)]

    def to_json(self) -> dict[str, Any]:
        """Return every value; the codes of notices and findings also in words, for whoever reads the JSON."""
        in_words = [{"kind": each.code.replace("_", "-"), "sentence": each.text()} for each in self.findings]
        return super().to_json() | {"notes": [each.text() for each in self.notices], "audit": {"findings": in_words}}

    def tables(self) -> list[Table]:
        counts = [self.classes, *(self.split[split] for split in SPLITS)]
        rows: list[Sequence[Cell]] = [(name, *(column[name] for column in counts)) for name in self.classes]
        totals: Sequence[Cell] = (_("all"), *(sum(column.values()) for column in counts))
        columns = (_("class"), _("all"), _("training"), _("validation"), _("test"))
        return [Table(_("Examples by split"), columns, [*rows, totals] if len(rows) > 1 else [totals], 1, MAX_ROWS)]

    def plot(self, figure: Figure) -> None:
        """Draw the examples of each class as a bar of its splits."""
        axes = figure.subplots()
        positions, left = np.arange(len(self.classes)), np.zeros(len(self.classes))
        titles = (_("training"), _("validation"), _("test"))
        for split, title, color in zip(SPLITS, titles, _COLORS, strict=True):
            counts = np.array(list(self.split[split].values()), dtype=float)
            axes.barh(positions, counts, left=left, color=color, label=title)
            left += counts
        axes.set_ylim(len(self.classes) - 0.4, -0.6)  # the first class on top
        if len(self.classes) <= _MAX_LABELED:
            axes.set_yticks(positions, list(self.classes))
        else:
            axes.set_ylabel(_("class"))
        axes.set_xlabel(_("examples"))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(SPLITS), frameon=False)
        axes.set_xlim(0, 1.02 * max(left.max(), 1))


@dataclass(frozen=True, eq=False)
class ImageSummary(DataSummary):
    """What is in a set of images."""

    width: Range  # pixels
    height: Range
    is_gray: bool  # no image used has color

    def headline(self) -> str:
        message = _("{name}: {n:,} images in {classes} classes, median size {width:.0f} x {height:.0f} pixels.")
        sizes = {"width": self.width.median, "height": self.height.median}
        return message.format(name=self.name, n=self.n, classes=len(self.classes), **sizes)


@dataclass(frozen=True, eq=False)
class TableSummary(DataSummary):
    """What is in a table of numbers."""

    columns: dict[str, Range]  # over the rows used
    target: str  # the column to learn
    task: str

    def headline(self) -> str:
        if len(self.classes) > 1:
            message = _("{name}: {n:,} rows of {columns} columns, {target} to predict ({classes} classes).")
        else:
            message = _("{name}: {n:,} rows of {columns} columns, the number {target} to predict.")
        fields = {"name": self.name, "n": self.n, "columns": len(self.columns), "target": self.target}
        return message.format(**fields, classes=len(self.classes))

    def tables(self) -> list[Table]:
        rows = [(name, column.min, column.median, column.max) for name, column in self.columns.items()]
        titles = (_("column"), _("minimum"), _("median"), _("maximum"))
        return [Table(_("Columns"), titles, rows, 1, MAX_ROWS), *super().tables()]


def summarize_data(dataset: Dataset, stats: ImageStats, audit: Audit, split: SplitAssignment) -> DataSummary:
    """Summarize a data set that was audited and split."""
    fields: dict[str, Any] = {
        "name": dataset.name,
        "origin": dataset.origin,
        "n": len(dataset),
        "classes": dataset.counts(),
        "split": {name: dataset.counts(getattr(split, name)) for name in SPLITS},
        "n_unlabeled": len(split.unlabeled),
        "n_excluded": len(audit.excluded),
        "notices": (*dataset.notices, *split.notices),
        "findings": audit.findings,
    }
    if isinstance(dataset, TableDataset):
        values = dataset.store.values[split.used]
        columns = {name: Range.measure(column) for name, column in zip(dataset.store.columns, values.T, strict=True)}
        return TableSummary(**fields, columns=columns, target=dataset.store.target, task=dataset.task)
    good = stats.problem == 0
    width, height = Range.measure(stats.width[good]), Range.measure(stats.height[good])
    return ImageSummary(**fields, width=width, height=height, is_gray=bool((stats.channels[split.used] == 1).all()))
