"""Which classes the confusion matrix shows, and which pictures stand behind its cells: those that tell most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discern.evaluation.predictions import Predictions

MOST_CLASSES = 20  # in the matrix; of more, the ones most confused and a row and column for all others
GALLERY = 24  # pictures in each of the two galleries
PER_CELL, PER_RIGHT_CELL = 12, 6  # pictures behind a cell, and behind one on the diagonal
MOST_LISTED = 1200  # pictures behind all cells: their names alone take 100 kB of the page


@dataclass(frozen=True, eq=False)
class Matrix:
    """The confusion matrix as it is shown.

    Attributes
    ----------
    classes : tuple of int
        The classes shown, in this order.
    place : numpy.ndarray
        int (C,): the row and column of every class; those left out share the last.
    counts : numpy.ndarray
        int (K, K): rows are the true class.
    """

    classes: tuple[int, ...]
    place: np.ndarray
    counts: np.ndarray

    @property
    def has_others(self) -> bool:
        """Whether the last row and column are of the classes left out."""
        return len(self.counts) > len(self.classes)


def shown(confusion: np.ndarray, most: int = MOST_CLASSES) -> Matrix:
    """The matrix of all classes, or of the ``most`` that are confused most often, pair by pair.

    Examples
    --------
    >>> found = shown(np.array([[5, 0, 0], [0, 3, 2], [0, 1, 4]]), most=2)
    >>> found.classes, found.counts.tolist()
    ((1, 2), [[3, 2, 0], [1, 4, 0], [0, 0, 5]])
    """
    count = len(confusion)
    classes = tuple(range(count)) if count <= most else _most_confused(confusion, most)
    place = np.full(count, len(classes))
    place[list(classes)] = np.arange(len(classes))
    side = len(classes) + (count > len(classes))
    counts = np.zeros((side, side), dtype=np.int64)
    np.add.at(counts, (place[:, None], place[None, :]), confusion)
    return Matrix(classes, place, counts)


def _most_confused(confusion: np.ndarray, most: int) -> tuple[int, ...]:
    first, second = np.triu_indices(len(confusion), 1)
    times = (confusion + confusion.T)[first, second]
    chosen: dict[int, None] = {}
    for pair in np.argsort(-times, kind="stable").tolist():
        for label in (int(first[pair]), int(second[pair])):
            if len(chosen) < most:
                chosen[label] = None
        if len(chosen) == most:
            break
    return tuple(chosen)


@dataclass(frozen=True)
class Choice:
    """Pictures to show, by their row in the predictions.

    Attributes
    ----------
    mistakes : tuple of int
        Named wrong, the surest first.
    unsure : tuple of int
        Those with the least between the two most probable classes, the least first.
    cells : mapping
        (row, column) of the matrix -> pictures, the surest first.
    order : tuple of int
        All of them once, the most telling first: where not all can be kept, the last are left out.
    """

    mistakes: tuple[int, ...]
    unsure: tuple[int, ...]
    cells: dict[tuple[int, int], tuple[int, ...]]
    order: tuple[int, ...]


def choose(predictions: Predictions, matrix: Matrix) -> Choice:
    """The pictures that tell most; the same for the same predictions."""
    sure = predictions.probabilities.max(axis=1)
    by_sureness = np.argsort(-sure, kind="stable")
    mistakes = by_sureness[~predictions.correct[by_sureness]][:GALLERY].tolist()
    best = np.sort(predictions.probabilities, axis=1)
    unsure = np.argsort(best[:, -1] - best[:, -2], kind="stable")[:GALLERY].tolist()
    listed = _listed(predictions, matrix, by_sureness)
    cells: dict[tuple[int, int], list[int]] = {}
    for picture, cell in listed:
        cells.setdefault(cell, []).append(picture)
    order = dict.fromkeys([*mistakes, *unsure, *(picture for picture, _cell in listed)])
    return Choice(tuple(mistakes), tuple(unsure), {cell: tuple(some) for cell, some in cells.items()}, tuple(order))


def _listed(predictions: Predictions, matrix: Matrix, order: np.ndarray) -> list[tuple[int, tuple[int, int]]]:
    """(picture, its cell): the first of each cell, then the second of each; wrong before right, large cells first."""
    side = len(matrix.counts)
    order = order[np.argsort(predictions.correct[order], kind="stable")]  # in the cell of all others, wrong ones first
    row, column = matrix.place[predictions.labels[order]], matrix.place[predictions.predicted[order]]
    cell = row * side + column
    by_cell = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[by_cell], np.arange(side * side))
    turn = np.empty(len(cell), dtype=np.int64)
    turn[by_cell] = np.arange(len(cell)) - starts[cell[by_cell]]
    right = (row == column) & (row < len(matrix.classes))
    kept = np.flatnonzero(turn < np.where(right, PER_RIGHT_CELL, PER_CELL))
    ranked = kept[np.lexsort((-matrix.counts.ravel()[cell[kept]], right[kept], turn[kept]))][:MOST_LISTED]
    places = zip(row[ranked].tolist(), column[ranked].tolist(), strict=True)
    return list(zip(order[ranked].tolist(), places, strict=True))
