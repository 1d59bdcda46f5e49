"""Choose the classes that the confusion matrix shows, and the images behind its cells: those that tell most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discern.evaluation.predictions import Predictions

MAX_CLASSES = 20  # in the matrix; of more, the ones most confused and a row and column for all others
GALLERY = 24  # images in each of the two galleries
CONFIDENT = 0.9  # a prediction from this probability on is not among the least confident
PER_CELL, PER_CORRECT_CELL = 12, 6  # images behind a cell, and behind one on the diagonal
BLOCKS = 16  # of examples that are sorted at a time: a copy of all would take as much memory as all probabilities
MAX_LISTED = 1200  # images behind all cells: their names alone take 100 kB of the page


@dataclass(frozen=True, eq=False)
class CondensedMatrix:
    """The confusion matrix as it is shown."""

    classes: tuple[int, ...]  # those shown, in this order
    position: np.ndarray  # int (C,): the row and column of every class; those left out share the last
    counts: np.ndarray  # int (K, K): rows are the true class

    @property
    def has_others(self) -> bool:
        """Return whether the last row and column are of the classes left out."""
        return len(self.counts) > len(self.classes)


def condense_matrix(confusion: np.ndarray, max_classes: int = MAX_CLASSES) -> CondensedMatrix:
    """Keep all classes, or the ``max_classes`` that are confused most often, pair by pair.

    Examples
    --------
    >>> matrix = condense_matrix(np.array([[5, 0, 0], [0, 3, 2], [0, 1, 4]]), max_classes=2)
    >>> matrix.classes, matrix.counts.tolist()
    ((1, 2), [[3, 2, 0], [1, 4, 0], [0, 0, 5]])
    """
    count = len(confusion)
    classes = tuple(range(count)) if count <= max_classes else _find_most_confused(confusion, max_classes)
    position = np.full(count, len(classes))
    position[list(classes)] = np.arange(len(classes))
    side = len(classes) + (count > len(classes))
    counts = np.zeros((side, side), dtype=np.int64)
    true, predicted = np.nonzero(confusion)
    np.add.at(counts, (position[true], position[predicted]), confusion[true, predicted])
    return CondensedMatrix(classes, position, counts)


def _find_most_confused(confusion: np.ndarray, max_classes: int) -> tuple[int, ...]:
    true, predicted = np.nonzero(confusion)
    pairs = np.sort(np.stack([true, predicted], axis=1), axis=1)  # either way round
    pairs, place = np.unique(pairs, axis=0, return_inverse=True)
    confused = np.bincount(place.reshape(-1), confusion[true, predicted], len(pairs)) * (pairs[:, 0] != pairs[:, 1])
    order = np.argsort(-confused, kind="stable")[: np.count_nonzero(confused)]
    chosen = dict.fromkeys([*pairs[order].reshape(-1).tolist(), *range(max_classes)])
    return tuple(chosen)[:max_classes]


@dataclass(frozen=True)
class Selection:
    """Images to show, by their index in the predictions."""

    errors: tuple[int, ...]  # predicted wrong, the most confident first
    # Those with the smallest margin between the two most probable classes, the smallest first; none where every
    # prediction is confident.
    unsure: tuple[int, ...]
    cells: dict[tuple[int, int], tuple[int, ...]]  # (row, column) of the matrix -> images, the most confident first
    order: tuple[
        int, ...
    ]  # all of them once, the most telling first: where not all can be stored, the last are left out


def select_images(predictions: Predictions, matrix: CondensedMatrix) -> Selection:
    """Select the images that tell most; the same for the same predictions."""
    confidence = predictions.probabilities.max(axis=1)
    by_confidence = np.argsort(-confidence, kind="stable")
    errors = by_confidence[~predictions.correct[by_confidence]][:GALLERY].tolist()
    margins = [_measure_margins(rows) for rows in np.array_split(predictions.probabilities, BLOCKS)]
    by_margin = np.argsort(np.concatenate(margins), kind="stable")
    unsure = by_margin[confidence[by_margin] < CONFIDENT][:GALLERY].tolist()
    listed = _list_cells(predictions, matrix, by_confidence)
    cells: dict[tuple[int, int], list[int]] = {}
    for image, cell in listed:
        cells.setdefault(cell, []).append(image)
    order = dict.fromkeys([*errors, *unsure, *(image for image, _cell in listed)])
    by_cell = {cell: tuple(images) for cell, images in cells.items()}
    return Selection(tuple(errors), tuple(unsure), by_cell, tuple(order))


def _measure_margins(probabilities: np.ndarray) -> np.ndarray:
    """Return by how much the most probable class is above the second, (N,), for (N, C)."""
    if not len(probabilities):
        return np.empty(0, dtype=probabilities.dtype)
    ascending = np.partition(probabilities, (-2, -1), axis=1)
    margins: np.ndarray = ascending[:, -1] - ascending[:, -2]
    return margins


def _list_cells(
    predictions: Predictions, matrix: CondensedMatrix, order: np.ndarray
) -> list[tuple[int, tuple[int, int]]]:
    """List (image, its cell): the first of each cell, then the second of each; errors first, large cells first."""
    side = len(matrix.counts)
    order = order[np.argsort(predictions.correct[order], kind="stable")]  # in the cell of all others, errors first
    row, column = matrix.position[predictions.labels[order]], matrix.position[predictions.predicted[order]]
    cell = row * side + column
    # rank[i]: how many images of the same cell come before image i; after a stable sort by cell, the images of a cell
    # stand in a row, and the distance from the first of them is the rank.
    by_cell = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[by_cell], np.arange(side * side))
    rank = np.empty(len(cell), dtype=np.int64)
    rank[by_cell] = np.arange(len(cell)) - starts[cell[by_cell]]
    correct = (row == column) & (row < len(matrix.classes))
    candidates = np.flatnonzero(rank < np.where(correct, PER_CORRECT_CELL, PER_CELL))
    keys = (-matrix.counts.ravel()[cell[candidates]], correct[candidates], rank[candidates])
    chosen = candidates[np.lexsort(keys)][:MAX_LISTED]  # by the last key first
    positions = zip(row[chosen].tolist(), column[chosen].tolist(), strict=True)
    return list(zip(order[chosen].tolist(), positions, strict=True))
