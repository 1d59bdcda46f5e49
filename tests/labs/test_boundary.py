"""Decision boundaries: equal to scikit-learn on the same points unscaled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from discern.api.train import train
from discern.errors import ConfigError, DataError
from discern.labs.boundary.decision_regions import GRID
from discern.labs.boundary.lab import Boundary, run
from discern.labs.boundary.points_2d import SHAPES, load_points
from discern.progress import NullReporter
from tests.images import make_folder
from tests.run_facts import QUICK


def _grid(found: Boundary) -> np.ndarray:
    on = found.sample
    return np.stack(np.meshgrid(on.x, on.y), axis=-1).reshape(-1, 2)


def _learned(found: Boundary) -> tuple[np.ndarray, np.ndarray]:
    on = found.sample
    return on.points[~on.held_out], on.labels[~on.held_out]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("lda", LinearDiscriminantAnalysis()),
        ("qda", QuadraticDiscriminantAnalysis()),
        ("tree", DecisionTreeClassifier(random_state=0)),
    ],
)
def test_scaling_moves_no_boundary_that_does_not_depend_on_it(name: str, model: object) -> None:
    found = run("iris", models=name)
    fitted = model.fit(*_learned(found))  # type: ignore[attr-defined]
    same = found.regions[0].classes.ravel() == fitted.predict(_grid(found))
    assert same.mean() > 0.999
    held_out = found.sample.held_out
    assert found.regions[0].test_correct == int(
        (fitted.predict(found.sample.points) == found.sample.labels)[held_out].sum()
    )
    assert (found.regions[0].n_test, found.regions[0].n_train) == (45, 105)


@pytest.mark.parametrize("name", ["svm-linear", "svm-rbf"])
def test_support_vectors_alone_give_the_same_boundary(name: str) -> None:
    found = run("moons", models=name, gamma=1.0)
    region, on = found.regions[0], found.sample
    assert not on.held_out[region.support].any()
    alone = SVC(kernel=name[4:], gamma=1.0).fit(on.standardized[region.support], on.labels[region.support])
    assert (alone.predict(on.grid).reshape(GRID, GRID) == region.classes).mean() > 0.999


def test_ellipses_are_the_covariances_of_the_points_learned_from() -> None:
    found = run("blobs", models="lda, qda", noise=0.3)
    points, labels = _learned(found)
    shared, own = (region.ellipses for region in found.regions)
    within = np.concatenate([points[labels == i] - points[labels == i].mean(axis=0) for i in range(3)])
    for i in range(3):
        mine = points[labels == i]
        np.testing.assert_allclose(own[i].center, mine.mean(axis=0))
        np.testing.assert_allclose(own[i].covariance, np.cov(mine.T), rtol=0.05)  # divided by n or n - 1
        np.testing.assert_allclose(shared[i].covariance, np.cov(within.T), rtol=0.05)


def test_label_spreading_uses_a_fraction_of_the_labels() -> None:
    third, half, every = run("moons", models="spread-30, spread-50, spread-100").regions
    assert [len(region.unlabeled) for region in (third, half, every)] == [98, 70, 0]
    assert set(half.unlabeled) <= set(third.unlabeled)
    assert min(region.test_correct / region.n_test for region in (third, half, every)) > 0.85


def test_far_away_label_spreading_follows_the_nearest_point(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(0, 1, (300, 2))
    rows = [f"{x},{y},{'ab'[int(x + y > 0)]}" for x, y in points]
    path = tmp_path / "far.csv"
    path.write_text("x,y,class\n" + "\n".join([*rows, "1000,1000,b"]), encoding="utf-8")
    for seed in range(4):  # held out, labeled or not
        region = run(str(path), models="spread-50", seed=seed).regions[0]
        assert (region.classes[50:, 50:] == 1).all()


def test_the_mlp_is_the_same_every_time_and_leaves_the_world_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other = (run("moons", models="mlp", epochs=6) for _repeat in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert [epoch.loss for epoch in one.epochs] == [epoch.loss for epoch in other.epochs]
    assert one.frames() == 7
    last, region = one.epochs[-1], one.regions[0]
    assert (last.test_correct, last.train_correct) == (region.test_correct, region.train_correct)
    np.testing.assert_array_equal(last.classes, region.classes)
    assert one.epochs[-1].loss < one.epochs[0].loss


def test_a_learning_rate_that_diverges() -> None:
    found = run("moons", models="mlp", lr=1000.0, epochs=8)
    assert any("The MLP diverged: its loss went from 0." in message for message in found.sentences())
    figure = Figure()
    found.plot_frame(figure, found.frames() - 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_seeded_and_of_the_requested_size(shape: str) -> None:
    one, other = (load_points(shape, "", 61, 0.1, 3) for _repeat in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    assert one.points.shape == (61, 2)
    assert np.bincount(one.labels).max() - np.bincount(one.labels).min() <= 1


def test_columns_by_name_and_reduced(tmp_path: Path) -> None:
    assert run("iris", columns="petal length, petal width", models="lda").axes == ("petal length", "petal width")
    assert run("iris", columns="pca", models="lda").axes[0].startswith("component 1 (92.5%")
    assert load_points("digits", "", 0, 0, 0).points.shape == (1797, 2)


def test_a_run_is_reduced_to_two(tmp_path: Path) -> None:
    images = make_folder(tmp_path / "colours")
    settings = {**QUICK, "size": 28}
    trained = train(images, "lenet", epochs=1, out=tmp_path / "run", **settings, reporter=NullReporter())
    found = run(str(trained.path), models="lda, knn", neighbors=3)
    assert found.axes[0].startswith("component 1")
    assert len(found.sample.points) == found.regions[0].n_test + found.regions[0].n_train


def test_the_figure_has_every_point_once_a_model() -> None:
    found = run("moons", models="svm-linear, spread-30")
    figure = Figure(figsize=found.figsize)
    found.plot(figure)
    for ax, region in zip(figure.get_axes(), found.regions, strict=True):
        learned, held_out, ringed = (len(drawn.get_offsets()) for drawn in ax.collections)
        assert (learned, held_out, ringed) == (140, 60, len(region.support))
        white = (ax.collections[0].get_facecolors()[:, :3] == 1).all(axis=1)
        assert white.sum() == len(region.unlabeled)


CSV_ROWS = "\n".join(f"{x},{x * x},{'ab'[x % 2]}" for x in range(12))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "mons"}, r'Unknown data "mons" \(did you mean moons'),
        ({"models": "lda, svm"}, r'Unknown model "svm" \(did you mean svm-rbf'),
        ({"models": ","}, "models: expected one or more of lda"),
        ({"columns": "1"}, "columns: expected pca, or two of .*, got 1"),
        ({"columns": "1, wide"}, 'Unknown column of numbers "wide"'),
        ({"columns": "1, 1", "models": "qda"}, "lie on one line"),
        ({"hidden": np.array([2.5]), "models": "mlp"}, "6 integers from 1 to 256"),
        ({"neighbors": 40, "data": "moons", "n": 30}, "more than the 21 training points"),
    ],
)
def test_wrong_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4\n", "has 0 classes: add a column called class"),
        ("a,b,class\n1,2,x\n3,4,y\n", "has 1 points of x: give at least 5 of each"),
        (CSV_ROWS.replace("4,16", "4,wide"), "row 5, column column2: 'wide' is not a number"),
        ("a,b,class\n" + "\n".join(f"1,{i},{'xy'[i % 2]}" for i in range(12)), "column a is 1 in every row"),
    ],
)
def test_wrong_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((ConfigError, DataError), match=message):
        run(str(path), models="lda")
