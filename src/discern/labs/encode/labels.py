"""Words as numbers: one number per class, or one column per class."""

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

MAX_WORDS, MAX_CLASSES = 60, 30  # what a figure can show


@dataclass(frozen=True)
class Labels(Result):
    """Words, encoded in two ways."""

    words: tuple[str, ...]  # as given
    classes: tuple[str, ...]  # the different ones, in natural order
    codes: np.ndarray  # int64 (N,), indices into `classes`: label encoding
    one_hot: np.ndarray  # int64 (N, classes), one 1 in each row

    @property
    def figsize(self) -> tuple[float, float]:
        return 4.0 + 0.6 * len(self.classes), 1.6 + 0.35 * len(self.words)

    def sentences(self) -> Sequence[str]:
        message = _("Label encoding maps a word to one number; one-hot encoding to {n}: 1 for its class, 0 elsewhere.")
        return [
            message.format(n=len(self.classes)),
            _(
                "Label encoding implies an order and distances between classes that mean nothing, which misleads k-NN "
                "and linear models more than trees. With one-hot encoding all classes are equally far apart."
            ),
        ]

    def tables(self) -> Sequence[Table]:
        rows = [
            (word, int(code), " ".join(map(str, row)))
            for word, code, row in zip(self.words, self.codes, self.one_hot, strict=True)
        ]
        one_hot = _("one-hot ({classes})").format(classes=" ".join(self.classes))
        tables = [Table(_("Words as numbers"), (_("word"), _("label"), one_hot), rows, max_rows=20)]
        pairs = list(combinations(range(len(self.classes)), 2))
        if pairs:
            distances = [(f"{self.classes[i]} - {self.classes[j]}", j - i, f"{np.sqrt(2):.3f}") for i, j in pairs]
            titles = (_("classes"), _("distance of labels"), _("distance one-hot"))
            tables.append(Table(_("Distances"), titles, distances))
        return tables

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, max(2, len(self.classes))))
        draw_matrix(left, self.codes[:, None].astype(float), _("label"))
        draw_matrix(right, self.one_hot.astype(float), _("one-hot"))
        left.set_yticks(range(len(self.words)), self.words)
        right.set_xticks(range(len(self.classes)), self.classes, rotation=30, ha="right")


def encode_words(text: str) -> Labels:
    """Encode words separated by commas, or else by spaces; raise `ConfigError` for none, or too many to show.

    Examples
    --------
    >>> labels = encode_words("dog, cat, dog")
    >>> labels.codes.tolist(), labels.one_hot.tolist()
    ([1, 0, 1], [[0, 1], [1, 0], [0, 1]])
    """
    text = text.replace("，", ",").replace("、", ",")
    words = tuple(word.strip() for word in (text.split(",") if "," in text else text.split()) if word.strip())
    classes = tuple(sorted(set(words), key=natural_key))
    if not 1 <= len(words) <= MAX_WORDS or len(classes) > MAX_CLASSES:
        message = _("Expected 1 to {words} words of at most {classes} classes, got {n} words of {k} classes.")
        raise ConfigError(message.format(n=len(words), k=len(classes), words=MAX_WORDS, classes=MAX_CLASSES))
    codes = np.array([classes.index(word) for word in words])
    return Labels(words, classes, codes, np.eye(len(classes), dtype=np.int64)[codes])
