"""Runs side by side on the same pictures: what sets them apart, and whether it could be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from discern.errors import RunError
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import Estimates
from discern.i18n import _

SURE = 0.05  # of being wrong when saying that one is better
NAMED = 3  # pictures named in a sentence


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes
    ----------
    name, model, path : str
        What to call the run here, its model, and where it is.
    n : int
        Pictures of the part all are compared on.
    accuracy : float
        Share named right; of a regression R2.
    interval : tuple of float or None
        Its 95 % interval; None where it is not known.
    loss : float
        Log loss on the same pictures, in nats; of a regression the mean absolute error.
    parameters : int or None
        Of the network; None for a classical model.
    size : int
        Bytes of the bundle on disk.
    seconds : float
        Training took.
    latency_ms, batch_ms : float
        Median time for one picture, and for each of 32 at a time; milliseconds, on this machine.
    memory : int
        Bytes.
    memory_is : {"peak", "weights"}
        What they are: the model unpacked and the peak that predicting 32 pictures added, or the model alone.
    is_regression : bool
        Whether it says a number and no class.
    """

    name: str
    model: str
    path: str
    n: int
    accuracy: float
    interval: tuple[float, float] | None
    loss: float
    parameters: int | None
    size: int
    seconds: float
    latency_ms: float
    batch_ms: float
    memory: int
    memory_is: str
    is_regression: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain numbers."""
        found = {**asdict(self), "interval": self.interval and list(self.interval)}
        if self.is_regression:
            found["r2"], found["mae"] = found.pop("accuracy"), found.pop("loss")
        return found


@dataclass(frozen=True)
class Paired:
    """The exact test of McNemar (1947, Psychometrika 12:153) on pictures that both runs were asked.

    Attributes
    ----------
    first, second : str
        Names, the more accurate one first.
    only_first, only_second : int
        Pictures that only one of them names right; all that can tell them apart.
    n : int
        Pictures.
    p : float
        How probable a difference as large as this is where they are equally good (two-sided, binomial).
    by : {"right", "nearer"}
        What ``only_first`` counts: what it alone names right, or, of a regression, where it is nearer to the truth; it
        is then the sign test.
    things : {"pictures", "rows"}
        What they were asked.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    n: int
    p: float
    by: str = "right"
    things: str = "pictures"

    @property
    def asked(self) -> str:
        """What they were asked, in the reader's language."""
        return _("rows") if self.things == "rows" else _("pictures")

    def sentence(self) -> str:
        """The outcome in words."""
        if self.by == "nearer":
            sentence = _(
                "There is no evidence that {first} is nearer to the truth than {second} on {n} rows: nearer in "
                "{only_first}, farther in {only_second} (sign test, p = {p:.2g})."
            )
            if self.p < SURE:
                sentence = _(
                    "{first} is nearer to the truth than {second} on {n} rows: nearer in {only_first}, farther in "
                    "{only_second} (sign test, p = {p:.2g})."
                )
        elif self.p < SURE:
            sentence = _(
                "{first} is better than {second} on {n} {things}: {only_first} that only it names right, {only_second} "
                "that only the other does (exact McNemar test, p = {p:.2g})."
            )
        else:
            sentence = _(
                "There is no evidence that {first} is better than {second} on {n} {things}: {only_first} that only it "
                "names right, {only_second} that only the other does (exact McNemar test, p = {p:.2g})."
            )
        return sentence.format(**asdict(self) | {"things": self.asked})

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {**asdict(self), "sentence": self.sentence()}


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of the exact test, from the pictures that only one of two names right.

    Examples
    --------
    >>> mcnemar(5, 0), mcnemar(3, 3), mcnemar(0, 0)
    (0.0625, 1.0, 1.0)
    """
    n, least = only_first + only_second, min(only_first, only_second)
    term = total = 1
    for i in range(least):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, 2 * total / 2**n)


def paired(first: str, a: Predictions, second: str, b: Predictions) -> Paired:
    """Test two runs on the same pictures, in whatever order each has them."""
    right_a, right_b = by_path(a, a.correct), by_path(b, b.correct)
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    if only_b > only_a:
        first, second, only_a, only_b = second, first, only_b, only_a
    return Paired(first, second, only_a, only_b, len(a), mcnemar(only_a, only_b))


def nearer(first: str, a: Estimates, second: str, b: Estimates) -> Paired:
    """Test two regressions on the same rows: which is nearer to the truth more often."""
    off_a, off_b = (by_path(part, np.abs(part.values - part.truth)) for part in (a, b))
    only_a, only_b = int((off_a < off_b).sum()), int((off_b < off_a).sum())
    if only_b > only_a:
        first, second, only_a, only_b = second, first, only_b, only_a
    return Paired(first, second, only_a, only_b, len(a), mcnemar(only_a, only_b), by="nearer", things="rows")


def by_path(predictions: Predictions | Estimates, column: np.ndarray) -> np.ndarray:
    """``column`` (N,) in the order of the pictures' names, which is the same for every run on them."""
    found: np.ndarray = column[np.argsort(np.array(predictions.paths, dtype=np.str_), kind="stable")]
    return found


def check_same(runs: Mapping[str, Predictions | Estimates]) -> None:
    """Refuse runs that were not asked the same.

    Raises
    ------
    RunError
        When classes, pictures or what the pictures show differ; the sentence says which.
    """
    (first, a), *others = runs.items()
    for second, b in others:
        if (known := _known(a) ^ _known(b)) or type(a) is not type(b):
            sentence = _("{first} and {second} know different classes ({some}): runs on one data set can be compared.")
            raise RunError(sentence.format(first=first, second=second, some=_some(known)))
        here, there = set(a.paths), set(b.paths)
        if here != there:
            sentence = _(
                "{first} and {second} were tested on different examples and cannot be ranked: {n} only in {first} "
                "({some}), {m} only in {second} ({others}). Train them on the same data with the same seed."
            )
            raise RunError(
                sentence.format(
                    first=first,
                    second=second,
                    n=len(here - there),
                    some=_some(here - there),
                    m=len(there - here),
                    others=_some(there - here),
                )
            )
        differing = [
            path for path, x, y in zip(sorted(a.paths), _names(a).tolist(), _names(b).tolist(), strict=True) if x != y
        ]
        if differing:
            sentence = _(
                "{first} and {second} were tested on examples of the same names with different labels and cannot be "
                "ranked: {n} of them ({some})."
            )
            raise RunError(sentence.format(first=first, second=second, n=len(differing), some=_some(differing)))


def _known(part: Predictions | Estimates) -> set[str]:
    return {part.target} if isinstance(part, Estimates) else set(part.classes)


def _names(part: Predictions | Estimates) -> np.ndarray:
    """The true class of each picture, or the number of each row, in the order of their names."""
    if isinstance(part, Estimates):
        return by_path(part, part.truth)
    return by_path(part, np.array(part.classes, dtype=np.str_)[part.labels])


def _some(names: Sequence[str] | set[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:NAMED]) + (" …" if len(ordered) > NAMED else "") if ordered else _("none")


def pareto(rows: Sequence[Row]) -> list[Row]:
    """The rows that no other beats in both accuracy and latency, quickest first."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.latency_ms, -row.accuracy)):
        if not best or row.accuracy > best[-1].accuracy:
            best.append(row)
    return best
