"""Words as numbers: one number a class, or one column a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from discern.data.names import natural_key
from discern.errors import ConfigError
from discern.i18n import _
from discern.labs.drawing import draw_matrix
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WORDS, MOST_CLASSES = 60, 30  # what a figure can show


@dataclass(frozen=True)
class Labels(Result):
    """Words, encoded in two ways.

    Attributes
    ----------
    words : tuple of str
    classes : tuple of str
        The different ones, in natural order.
    codes : numpy.ndarray
        int64 (N,), positions in ``classes``: label encoding.
    one_hot : numpy.ndarray
        int64 (N, classes), one 1 in each row.
    """

    words: tuple[str, ...]
    classes: tuple[str, ...]
    codes: np.ndarray
    one_hot: np.ndarray

    @property
    def figsize(self) -> tuple[float, float]:
        return 4.0 + 0.6 * len(self.classes), 1.6 + 0.35 * len(self.words)

    def sentences(self) -> Sequence[str]:
        sizes = _("Label encoding makes one number of a word, one-hot encoding {n}: a 1 for its class, else 0.")
        return [
            sizes.format(n=len(self.classes)),
            _(
                "Label encoding makes up an order and distances between classes that mean nothing: trees mind little, "
                "k-NN and linear models do. One-hot, any two classes are equally far apart."
            ),
        ]

    def tables(self) -> Sequence[Table]:
        rows = [
            (word, int(code), " ".join(map(str, row)))
            for word, code, row in zip(self.words, self.codes, self.one_hot, strict=True)
        ]
        columns = _("one-hot ({classes})").format(classes=" ".join(self.classes))
        tables = [Table(_("Words as numbers"), (_("word"), _("label"), columns), rows)]
        pairs = list(combinations(range(len(self.classes)), 2))
        if pairs:
            distances = [(f"{self.classes[i]} - {self.classes[j]}", j - i, float(np.sqrt(2))) for i, j in pairs]
            titles = (_("classes"), _("between labels"), _("one-hot"))
            tables.append(Table(_("Distances"), titles, distances))
        return tables

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, max(2, len(self.classes))))
        draw_matrix(left, self.codes[:, None].astype(float), _("label"))
        draw_matrix(right, self.one_hot.astype(float), _("one-hot"))
        left.set_yticks(range(len(self.words)), self.words)
        right.set_xticks(range(len(self.classes)), self.classes, rotation=30, ha="right")


def encode(text: str) -> Labels:
    """Encode words with commas, or else spaces, between them.

    Raises
    ------
    ConfigError
        When there are none, or too many to show.

    Examples
    --------
    >>> found = encode("dog, cat, dog")
    >>> found.codes.tolist(), found.one_hot.tolist()
    ([1, 0, 1], [[0, 1], [1, 0], [0, 1]])
    """
    parts = text.replace("，", ",").replace("、", ",")
    words = tuple(word.strip() for word in (parts.split(",") if "," in parts else parts.split()) if word.strip())
    classes = tuple(sorted(set(words), key=natural_key))
    if not 1 <= len(words) <= MOST_WORDS or len(classes) > MOST_CLASSES:
        message = _("{n} words of {k} classes cannot be shown: give 1 to {words} words of at most {classes} classes.")
        raise ConfigError(message.format(n=len(words), k=len(classes), words=MOST_WORDS, classes=MOST_CLASSES))
    codes = np.array([classes.index(word) for word in words])
    return Labels(words, classes, codes, np.eye(len(classes), dtype=np.int64)[codes])
