from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.evaluation.report.choice import GALLERY, MOST_LISTED, PER_CELL, choose, shown
from tests.evaluation.report.made import predicted


def confusion_of(classes: int, n: int, seed: int = 0) -> tuple[np.ndarray, object]:
    some = predicted(tuple(f"c{i}" for i in range(classes)), n, seed, sharp=1.5)
    found = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(found, (some.labels, some.predicted), 1)
    return found, some


@settings(max_examples=15, deadline=None)
@given(classes=st.integers(2, 40), n=st.integers(1, 300), most=st.integers(2, 25), seed=st.integers(0, 9))
def test_the_matrix_loses_no_picture(classes: int, n: int, most: int, seed: int) -> None:
    confusion, _some = confusion_of(classes, n, seed)
    found = shown(confusion, most)
    assert found.counts.sum() == n
    assert len(found.classes) == min(classes, most) == len(set(found.classes))
    assert found.has_others == (classes > most)
    for i, label in enumerate(found.classes):
        assert found.counts[i].sum() == confusion[label].sum()
        assert found.counts[i, i] == confusion[label, label]


def test_the_classes_shown_are_the_most_confused() -> None:
    confusion = np.eye(30, dtype=np.int64) * 50
    confusion[4, 17], confusion[17, 4], confusion[9, 2] = 9, 8, 5
    assert shown(confusion, 4).classes == (4, 17, 2, 9)


@pytest.mark.parametrize("classes", [3, 30])
def test_each_cell_has_its_own_pictures_the_surest_first(classes: int) -> None:
    confusion, some = confusion_of(classes, 2000)
    matrix = shown(confusion)
    choice = choose(some, matrix)
    assert choice == choose(some, matrix)
    filled = {(int(i), int(j)) for i, j in np.argwhere(matrix.counts)}
    assert set(choice.cells) == filled
    sure = some.probabilities.max(axis=1)
    for (i, j), pictures in choice.cells.items():
        assert 1 <= len(pictures) <= min(PER_CELL, matrix.counts[i, j])
        assert {int(matrix.place[some.labels[picture]]) for picture in pictures} == {i}
        assert {int(matrix.place[some.predicted[picture]]) for picture in pictures} == {j}
        if i < len(matrix.classes) or j < len(matrix.classes):
            assert list(sure[list(pictures)]) == sorted(sure[list(pictures)], reverse=True)
    assert sum(map(len, choice.cells.values())) <= MOST_LISTED


def test_galleries_hold_the_surest_mistakes_and_the_closest_calls() -> None:
    _confusion, some = confusion_of(5, 400)
    choice = choose(some, shown(_confusion))
    wrong = np.flatnonzero(~some.correct)
    assert len(choice.mistakes) == GALLERY
    assert choice.mistakes[0] == wrong[some.probabilities[wrong].max(axis=1).argmax()]
    best = np.sort(some.probabilities, axis=1)
    assert choice.unsure[0] == (best[:, -1] - best[:, -2]).argmin()
    assert choice.order[: 2 * GALLERY][: len(choice.mistakes)] == choice.mistakes
    assert len(set(choice.order)) == len(choice.order)
