"""Two models on the same examples: whether what sets them apart could be chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from discern.errors import RunError
from discern.evaluation.metrics import count_examples
from discern.evaluation.predictions import Predictions, StoredPredictions
from discern.evaluation.regression import RegressionPredictions
from discern.i18n import _
from discern.notices import Notice

SIGNIFICANT = 0.05  # probability of being wrong when saying that one is better
MAX_NAMES = 3  # examples named in a sentence


@dataclass(frozen=True)
class PairedTest:
    """The exact test of McNemar (1947, Psychometrika 12:153) on examples that both models predicted."""

    first: str  # the name of the better model
    second: str
    only_first: int  # examples on which only this one is right (or closer); the others cannot tell the models apart
    only_second: int
    n: int  # examples
    p_value: float  # how probable a difference as large as this is where they are equally good (two-sided, binomial)
    test: str = "mcnemar"  # or sign, where what counts is which is closer to the truth: the code of its sentence
    unit: str = "images"  # what an example is: images or rows

    def text(self) -> str:
        """Return the outcome in words."""
        outcome = "better" if self.p_value < SIGNIFICANT else "equal"
        fields = {**asdict(self), "examples": count_examples(self.n, self.unit)}
        return Notice(f"evaluation.{self.test}_{outcome}", fields).text()


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Compute the two-sided p of the exact test, from the examples that only one of two gets right.

    Were both equally good, each of these n examples would fall to either side like a fair coin: p is the probability
    of a split as uneven as this one, twice the lower tail of the binomial distribution, in whole numbers to its end.

    Examples
    --------
    >>> mcnemar_p_value(5, 0), mcnemar_p_value(3, 3), mcnemar_p_value(0, 0)
    (0.0625, 1.0, 1.0)
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    term = tail = 1
    for i in range(fewer):
        term = term * (n - i) // (i + 1)  # n over i + 1, from n over i
        tail += term
    return min(1.0, 2 * tail / 2**n)


def compare_classifiers(first: str, a: Predictions, second: str, b: Predictions, unit: str = "images") -> PairedTest:
    """Test two classifiers on the same examples, in whatever order each has them."""
    correct_a, correct_b = a.by_path(a.correct), b.by_path(b.correct)
    return paired_test(first, correct_a & ~correct_b, second, correct_b & ~correct_a, "mcnemar", unit)


def compare_regressions(
    first: str, a: RegressionPredictions, second: str, b: RegressionPredictions, unit: str = "rows"
) -> PairedTest:
    """Test two regressions on the same examples: which is closer to the truth more often."""
    error_a, error_b = (split.by_path(np.abs(split.values - split.targets)) for split in (a, b))
    return paired_test(first, error_a < error_b, second, error_b < error_a, "sign", unit)


def paired_test(
    first: str, first_wins: np.ndarray, second: str, second_wins: np.ndarray, test: str, unit: str
) -> PairedTest:
    """Test two models, given on which examples each beats the other: bool (N,) both."""
    only_first, only_second = int(first_wins.sum()), int(second_wins.sum())
    if only_second > only_first:
        first, second, only_first, only_second = second, first, only_second, only_first
    p_value = mcnemar_p_value(only_first, only_second)
    return PairedTest(first, second, only_first, only_second, len(first_wins), p_value, test, unit)


def check_same_examples(runs: Mapping[str, StoredPredictions]) -> None:
    """Refuse runs that did not predict the same: a `RunError` says which classes, examples or truths differ."""
    (first, a), *others = runs.items()
    for second, b in others:
        differing = set(a.outputs) ^ set(b.outputs)
        if differing or type(a) is not type(b):
            message = _("{first} and {second} know different classes ({names}): runs on one data set can be compared.")
            raise RunError(message.format(first=first, second=second, names=_abbreviate(differing)))
        in_a, in_b = set(a.paths), set(b.paths)
        if in_a != in_b:
            message = _(
                "{first} and {second} were tested on different examples and cannot be ranked: {n} only in {first} "
                "({names}), {m} only in {second} ({others}). Train them on the same data with the same seed."
            )
            facts = {"n": len(in_a - in_b), "names": _abbreviate(in_a - in_b)}
            facts |= {"m": len(in_b - in_a), "others": _abbreviate(in_b - in_a)}
            raise RunError(message.format(first=first, second=second, **facts))
        truths = zip(sorted(a.paths), *(each.by_path(each.truth_texts()).tolist() for each in (a, b)), strict=True)
        relabeled = [path for path, true_a, true_b in truths if true_a != true_b]
        if relabeled:
            message = _(
                "{first} and {second} were tested on examples of the same names with different labels and cannot be "
                "ranked: {n} of them ({names})."
            )
            names = _abbreviate(relabeled)
            raise RunError(message.format(first=first, second=second, n=len(relabeled), names=names))


def _abbreviate(names: Collection[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:MAX_NAMES]) + (" …" if len(ordered) > MAX_NAMES else "") if ordered else _("none")
