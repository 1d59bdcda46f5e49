"""Principal components against scikit-learn, and what a student reads of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

import discern
from discern.errors import ConfigError
from discern.labs.pca.deflation import DENSE_STEPS, find_components, iterate_power
from discern.labs.pca.lab import MAX_FRAMES, run


@pytest.mark.parametrize(("data", "standardize"), [("iris", False), ("iris", True), ("digits", False)])
def test_is_scikit_learns_up_to_sign(data: str, standardize: bool) -> None:
    found = run(data, standardize=standardize)
    values = found.data.standardized() if standardize else found.data.values
    expected = PCA(len(found.components)).fit(values)
    signs = np.sign((found.directions * expected.components_).sum(axis=1))
    np.testing.assert_allclose(found.directions, signs[:, None] * expected.components_, atol=1e-7)
    np.testing.assert_allclose(found.explained_variance_ratio, expected.explained_variance_ratio_, atol=1e-9)
    np.testing.assert_allclose(found.scores, expected.transform(values) * signs, atol=1e-5)
    np.testing.assert_allclose([one.variance for one in found.components], expected.explained_variance_)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(10, 50), columns=st.integers(1, 6), seed=st.integers(0, 2**16))
def test_any_rows_that_spread_unequally(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.normal(size=(columns, columns)))[0]
    values = np.linalg.qr(rng.normal(size=(rows, columns)))[0] * 0.7 ** np.arange(columns) @ turned
    values = values - values.mean(axis=0)
    expected = PCA(columns).fit(values)
    gaps = expected.explained_variance_[1:] / expected.explained_variance_[:-1]
    found = find_components(values, columns, seed)
    np.testing.assert_allclose([one.variance for one in found], expected.explained_variance_, rtol=1e-6)
    if (gaps < 0.97).all():
        along = np.abs((np.array([one.direction for one in found]) * expected.components_).sum(axis=1))
        np.testing.assert_allclose(along, 1, atol=1e-9)


def test_what_deflation_leaves() -> None:
    found = run("iris")
    for one, left in zip(
        found.components, found.variance - np.cumsum([c.variance for c in found.components]), strict=True
    ):
        assert one.residual_variance == pytest.approx(left, abs=1e-12)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(4), atol=1e-9)


def test_every_step_multiplies_by_the_covariance_and_never_loses_variance() -> None:
    found = run("iris")
    covariance = np.cov(found.data.values.T)
    steps = found.components[0].steps
    assert [step.number for step in steps] == list(range(len(steps))) and len(steps) < DENSE_STEPS
    for before, after in itertools.pairwise(steps):
        grown = covariance @ before.direction
        np.testing.assert_allclose(after.direction, grown / np.linalg.norm(grown), atol=1e-12)
        assert after.variance >= before.variance - 1e-12
        assert np.cos(np.radians(after.angle)) == pytest.approx(before.direction @ after.direction)


def test_equal_variances_are_told() -> None:
    square = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.001], [0.0, -1.001]])
    steps, converged = iterate_power(square, np.array([1.0, 1e-4]))
    assert not converged and steps[-1].number == 3000


def test_fewer_components_where_they_hold_everything(tmp_path: Path) -> None:
    file = tmp_path / "line.csv"
    file.write_text("a,b,c\n" + "".join(f"{i},{2 * i},{-i}\n" for i in range(9)))
    found = run(str(file))
    assert len(found.components) == 1 and found.explained_variance_ratio[0] == pytest.approx(1)
    np.testing.assert_allclose(found.directions[0], np.array([1, 2, -1]) / 6**0.5, atol=1e-9)
    for frame in range(found.frames()):
        found.plot_frame(Figure(), frame)
    found.plot(Figure())


def test_images_of_the_components_of_digits() -> None:
    found, figure, moved = run("digits", components=3), Figure(), Figure()
    found.plot(figure)
    images = figure.get_axes()[1].images
    np.testing.assert_allclose(np.stack([np.asarray(one.get_array()).ravel() for one in images]), found.directions)
    assert found.frames() <= MAX_FRAMES
    found.plot_frame(moved, found.frames() - 1)
    np.testing.assert_allclose(np.asarray(moved.get_axes()[0].images[0].get_array()).ravel(), found.directions[2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"components": 5}, "iris has 150 examples of 4 features: choose at most 4 components, not 5"),
        ({"components": 0}, "components=0 is not allowed: 1 or more"),
        ({"data": "digit"}, 'Unknown data "digit": choose iris, digits'),
    ],
)
def test_wrong_options_are_explained(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discern.lab("pca", **given)


def test_rows_that_are_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "flat.csv"
    file.write_text("a,b\n1,2\n1,2\n")
    with pytest.raises(ConfigError, match="All examples of flat are equal"):
        run(str(file))
