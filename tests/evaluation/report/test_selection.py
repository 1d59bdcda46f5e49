from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.evaluation.predictions import Predictions
from discern.evaluation.report.selection import (
    CONFIDENT,
    GALLERY,
    MAX_LISTED,
    PER_CELL,
    condense_matrix,
    select_images,
)
from tests.evaluation.report.sample_reports import make_predictions


def make_confusion(classes: int, n: int, seed: int = 0) -> tuple[np.ndarray, Predictions]:
    predictions = make_predictions(tuple(f"c{i}" for i in range(classes)), n, seed, sharp=1.5)
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (predictions.labels, predictions.predicted), 1)
    return confusion, predictions


@settings(max_examples=15, deadline=None)
@given(classes=st.integers(2, 40), n=st.integers(1, 300), most=st.integers(2, 25), seed=st.integers(0, 9))
def test_the_matrix_loses_no_image(classes: int, n: int, most: int, seed: int) -> None:
    confusion, _predictions = make_confusion(classes, n, seed)
    matrix = condense_matrix(confusion, most)
    assert matrix.counts.sum() == n
    assert len(matrix.classes) == min(classes, most) == len(set(matrix.classes))
    assert matrix.has_others == (classes > most)
    for i, label in enumerate(matrix.classes):
        assert matrix.counts[i].sum() == confusion[label].sum()
        assert matrix.counts[i, i] == confusion[label, label]


def test_the_classes_shown_are_the_most_confused() -> None:
    confusion = np.eye(30, dtype=np.int64) * 50
    confusion[4, 17], confusion[17, 4], confusion[9, 2] = 9, 8, 5
    assert condense_matrix(confusion, 4).classes == (4, 17, 2, 9)


@pytest.mark.parametrize("classes", [3, 30])
def test_each_cell_has_its_own_images_the_most_confident_first(classes: int) -> None:
    confusion, predictions = make_confusion(classes, 2000)
    matrix = condense_matrix(confusion)
    selection = select_images(predictions, matrix)
    assert selection == select_images(predictions, matrix)
    filled = {(int(i), int(j)) for i, j in np.argwhere(matrix.counts)}
    assert set(selection.cells) == filled
    confidence = predictions.probabilities.max(axis=1)
    for (i, j), images in selection.cells.items():
        assert 1 <= len(images) <= min(PER_CELL, matrix.counts[i, j])
        assert {int(matrix.position[predictions.labels[image]]) for image in images} == {i}
        assert {int(matrix.position[predictions.predicted[image]]) for image in images} == {j}
        if i < len(matrix.classes) or j < len(matrix.classes):
            assert list(confidence[list(images)]) == sorted(confidence[list(images)], reverse=True)
    assert sum(map(len, selection.cells.values())) <= MAX_LISTED


def test_galleries_hold_confident_errors_and_close_calls() -> None:
    confusion, predictions = make_confusion(5, 400)
    selection = select_images(predictions, condense_matrix(confusion))
    wrong = np.flatnonzero(~predictions.correct)
    assert len(selection.errors) == GALLERY
    assert selection.errors[0] == wrong[predictions.probabilities[wrong].max(axis=1).argmax()]
    ascending = np.sort(predictions.probabilities, axis=1)
    assert selection.unsure[0] == (ascending[:, -1] - ascending[:, -2]).argmin()
    assert predictions.probabilities[list(selection.unsure)].max() < CONFIDENT
    assert selection.order[: 2 * GALLERY][: len(selection.errors)] == selection.errors
    assert len(set(selection.order)) == len(selection.order)


def test_nothing_is_unsure_where_all_are_confident() -> None:
    predictions = make_predictions(("a", "b"), 30, sharp=50.0)
    assert select_images(predictions, condense_matrix(np.eye(2, dtype=np.int64))).unsure == ()
