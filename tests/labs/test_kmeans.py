"""K-means against scikit-learn, and what a student reads of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.cluster import KMeans

import discern
from discern.errors import ConfigError, DataError
from discern.labs.kmeans import run
from discern.labs.kmeans.lloyd import assign_clusters, run_lloyd


@pytest.mark.parametrize(("data", "seed"), [("iris", 0), ("iris", 5), ("digits", 1)])
def test_is_scikit_learns_from_the_same_seed(data: str, seed: int) -> None:
    found = run(data, seed=seed, standardize=data == "iris")
    expected = KMeans(len(found.centers), n_init=1, random_state=seed, tol=0, max_iter=100).fit(found.values)
    assert found.converged and len(found.iterations) == expected.n_iter_
    np.testing.assert_array_equal(found.labels, expected.labels_)
    np.testing.assert_allclose(found.centers, expected.cluster_centers_, atol=1e-9)
    assert found.inertia == pytest.approx(expected.inertia_)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(8, 60),
    columns=st.integers(1, 6),
    clusters=st.integers(1, 8),
    max_iter=st.integers(1, 30),
    seed=st.integers(0, 2**16),
)
def test_every_number_of_iterations_is_scikit_learns(
    rows: int, columns: int, clusters: int, max_iter: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns))
    _check(values, rng.permutation(values)[:clusters], max_iter)


def test_a_center_without_rows_takes_the_farthest_row_as_scikit_learns_does() -> None:
    values = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [19.0]])
    for start in ([[1.0], [50.0], [12.0]], [[1.0], [50.0], [60.0]], [[-5.0], [-4.0], [-90.0]]):
        _check(values, np.array(start), 20)


def _check(values: np.ndarray, start: np.ndarray, max_iter: int) -> None:
    iterations = run_lloyd(values, start, max_iter)
    expected = KMeans(len(start), init=start, n_init=1, tol=0, max_iter=max_iter, algorithm="lloyd").fit(values)
    centers = iterations[-1].updated_centers if iterations[-1].n_reassigned else iterations[-1].centers
    np.testing.assert_allclose(centers, expected.cluster_centers_, atol=1e-9)
    np.testing.assert_array_equal(assign_clusters(values, centers)[0], expected.labels_)
    inertia = [one.inertia for one in iterations]
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(inertia))


def test_iteration_by_iteration_with_numbers_for_a_hand(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text("wide,high\n0,0\n0,2\n10,0\n10,4\n")
    found = run(str(file), clusters=2)
    assert sorted(found.centers.tolist()) == [[0, 1], [10, 2]]
    assert found.inertia == 1 + 1 + 4 + 4
    assert found.iterations[0].n_reassigned == 4 and found.iterations[-1].n_reassigned == 0
    assert "class" not in " ".join(found.sentences())
    assert found.tables()[1].columns == ("cluster", "size")
    figure = Figure()
    found.plot(figure)
    assert [ax.get_xlabel() for ax in figure.get_axes()] == ["wide", "iteration"]


def test_frames_go_from_the_start_to_the_end() -> None:
    found = run("iris")
    assert found.frames() == len(found.iterations) + 1
    first, last = Figure(), Figure()
    found.plot_frame(first, 0)
    found.plot_frame(last, found.frames() - 1)
    assert len(set(map(tuple, first.get_axes()[0].collections[0].get_facecolors()))) == 1
    assert len(set(map(tuple, last.get_axes()[0].collections[0].get_facecolors()))) == 3
    inertia = last.get_axes()[1].lines[0].get_ydata()
    np.testing.assert_allclose(inertia, [*(one.inertia for one in found.iterations), found.inertia])


def test_digits_have_images_of_their_centers() -> None:
    figure = Figure()
    run("digits", max_iter=1).plot(figure)
    assert len(figure.get_axes()[2].images) == 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"clusters": 0}, "clusters=0 is not allowed: 1 or more"),
        ({"clusters": 150}, "iris has 149 distinct examples, too few for 150 clusters"),
        ({"data": "irish"}, "Unknown data .irish.: choose iris, digits, a .csv file or a run"),
        ({"data": "nowhere.csv"}, "nowhere.csv is not readable"),
    ],
)
def test_wrong_options_are_explained(given: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        discern.lab("kmeans", **given)


def test_a_csv_with_text_in_it(tmp_path: Path) -> None:
    file = tmp_path / "flowers.csv"
    file.write_text("length,width,class\n1,2,a\n3,long,b\n")
    with pytest.raises(DataError, match=r"flowers.csv, row 2, column width: 'long' is not a number"):
        discern.lab("kmeans", data=str(file))
