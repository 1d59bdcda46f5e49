"""The race of optimizers against torch.optim on every surface, and what its sentences say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch import Tensor

import discern
from discern.errors import ConfigError
from discern.labs.optimizer.lab import run
from discern.labs.optimizer.steps import RULES, Path, Settings, run_optimizer
from discern.labs.optimizer.surfaces import SURFACES

LINE = torch.from_numpy(SURFACES["line"].rows)
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bowl": lambda x, y: x**2 / 2 + y**2 / 2,
    "ravine": lambda x, y: x**2 / 2 + 25 * y**2 / 2,
    "saddle": lambda x, y: x**2 / 2 + (y**2 - 1) ** 2 / 4,
    "rosenbrock": lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    "himmelblau": lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    "waves": lambda x, y: (x**2 + y**2) / 4 + 2 - torch.cos(3 * x) - torch.cos(3 * y),
    "line": lambda x, y: ((x * LINE[:, 0] + y - LINE[:, 2]) ** 2).mean() / 2,
}


def torch_optimizer(name: str, w: Tensor, lr: float, s: Settings) -> torch.optim.Optimizer:
    optimizers: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "gd": lambda: torch.optim.SGD([w], lr),
        "sgd": lambda: torch.optim.SGD([w], lr),
        "momentum": lambda: torch.optim.SGD([w], lr, momentum=s.momentum),
        "nesterov": lambda: torch.optim.SGD([w], lr, momentum=s.momentum, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop([w], lr, alpha=s.alpha, eps=0),
        "rmsprop-torch": lambda: torch.optim.RMSprop([w], lr, alpha=s.alpha),
        "adam": lambda: torch.optim.Adam([w], lr, betas=(s.beta1, s.beta2)),
        "adamw": lambda: torch.optim.AdamW([w], lr, betas=(s.beta1, s.beta2), weight_decay=s.weight_decay),
    }
    return optimizers[name]()


def torch_points(path: Path, surface: str, s: Settings) -> np.ndarray:
    """Return torch's points, by its own gradients and with the noise that SGD had in ours."""
    w = torch.tensor(path.points[0], requires_grad=True)
    optimizer = torch_optimizer(path.name, w, path.lr, s)
    found = [path.points[0]]
    for t, step in enumerate(path.steps):
        optimizer.zero_grad()
        LOSSES[surface](*w).backward()
        assert w.grad is not None
        if path.name == "rmsprop" and t == 0:  # the lecture's first mean of squares is the first square
            optimizer.state[w] = {"step": torch.tensor(0.0), "square_avg": w.grad**2}
        w.grad += torch.from_numpy(step.g - SURFACES[surface].gradient_at(step.w))
        optimizer.step()
        found.append(w.detach().numpy().copy())
    return np.array(found)


@pytest.mark.parametrize("surface", SURFACES)
def test_every_optimizer_goes_where_torchs_goes(surface: str) -> None:
    race = run(surface, steps=60)  # type: ignore[arg-type]
    assert [path.name for path in race.paths] == list(RULES)
    for path in race.paths:
        np.testing.assert_allclose(
            path.points, torch_points(path, surface, race.settings), atol=1e-6, err_msg=path.name
        )


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(list(RULES)),
    surface=st.sampled_from(["bowl", "ravine", "saddle", "line"]),
    lr=st.floats(1e-3, 0.05),
    momentum=st.floats(0.1, 0.95),
    alpha=st.floats(0.5, 0.999),
    beta1=st.floats(0, 0.95),
    beta2=st.floats(0.5, 0.9999),
    weight_decay=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
)
def test_so_do_other_settings(name: str, surface: str, lr: float, seed: int, **values: float) -> None:
    s = Settings(**values)
    start = np.random.default_rng(seed).uniform(-2, 2, 2)
    path = run_optimizer(name, SURFACES[surface], start, lr, 25, s, seed)
    np.testing.assert_allclose(path.points, torch_points(path, surface, s), atol=1e-6)


@pytest.mark.parametrize("surface", SURFACES)
def test_gradients_are_autograds(surface: str) -> None:
    x, y = np.random.default_rng(0).uniform(-2, 2, (2, 20))
    pairs = torch.tensor(np.stack([x, y], axis=1), requires_grad=True)
    losses = torch.stack([LOSSES[surface](*pair) for pair in pairs])
    losses.sum().backward()
    assert pairs.grad is not None
    np.testing.assert_allclose(SURFACES[surface].value(x, y), losses.detach().numpy())
    np.testing.assert_allclose(SURFACES[surface].gradient(x, y), pairs.grad.numpy().T, atol=1e-9)
    for minimum in SURFACES[surface].minima:
        assert np.abs(SURFACES[surface].gradient_at(np.array(minimum))).max() < 1e-6


def test_curvature_of_a_ravine() -> None:
    assert SURFACES["ravine"].curvature((0.0, 0.0)) == pytest.approx(25)


def test_a_learning_rate_that_diverges() -> None:
    below, above = run("ravine", lr=0.079, steps=400), run("ravine", lr=0.081, steps=400)
    assert below.paths[0].diverged is None and below.arrived[0] is not None
    assert above.paths[0].diverged is not None and len(above.paths[0].steps) == above.paths[0].diverged - 1
    assert np.isfinite(above.paths[0].values).all()
    lines = " ".join(above.sentences())
    assert f"gd ({above.paths[0].diverged})" in lines and "below 2 / 25 = 0.08" in lines
    assert "diverged" in above.tables()[0].texts()[0]
    nowhere = run("ravine", lr=1e300)
    assert not any(path.steps for path in nowhere.paths)  # not even one step
    assert nowhere.sentences()[0].startswith("Diverged, at step: gd (1), sgd (1)")
    nowhere.plot(Figure())
    nowhere.plot_frame(Figure(), nowhere.frames() - 1)
    above.plot(Figure())


def test_where_the_lectures_rmsprop_differs_from_torchs() -> None:
    race = run("ravine", alpha=0.96)
    first = {row[0]: row for row in race.tables()[1].rows}
    np.testing.assert_allclose(np.abs(first["rmsprop"][3:]), 0.15)
    np.testing.assert_allclose(np.abs(first["rmsprop-torch"][3:]), 5 * 0.15)
    assert any("5 times as long" in message for message in race.sentences())


def test_every_step_of_adam_is_its_formula() -> None:
    table = run("rosenbrock", steps=7, steps_of="adam").tables()[2]
    assert list(table.columns) == ["step", "axis", "w", "g", "m", "v", "m^", "v^", "change of w"]
    rows = np.array([[row[0], *row[2:]] for row in table.rows], dtype=float)
    for before, (t, _w, g, m, v, m_hat, v_hat, change) in zip([None, None, *rows], rows, strict=False):
        m_old, v_old = (0, 0) if before is None else before[3:5]
        assert m == pytest.approx(0.9 * m_old + 0.1 * g) and v == pytest.approx(0.999 * v_old + 0.001 * g**2)
        assert m_hat == pytest.approx(m / (1 - 0.9**t)) and v_hat == pytest.approx(v / (1 - 0.999**t))
        assert change == pytest.approx(-0.1 * m_hat / (np.sqrt(v_hat) + 1e-8))


def test_rmsprop_stays_where_the_gradient_is_zero() -> None:
    assert (run("saddle", start=np.zeros(2), steps=3).paths[4].points == 0).all()


def test_seeds_move_sgd_alone() -> None:
    one, two = run("line", seed=1, steps=5), run("line", seed=2, steps=5)
    moved = [a.name for a, b in zip(one.paths, two.paths, strict=True) if (a.points != b.points).any()]
    assert moved == ["sgd"]
    full = run("line", batch_size=50, steps=5)  # all rows: gradient descent
    np.testing.assert_allclose(full.paths[1].points, full.paths[0].points)


def test_the_figure_shows_the_paths() -> None:
    race, figure = run("bowl", steps=20), Figure()
    race.plot(figure)
    left, right = figure.get_axes()  # two lines before the paths: the start and the lowest point
    np.testing.assert_allclose(left.lines[2 + 2 * 6].get_xydata(), race.paths[6].points)
    assert [text.get_text() for text in right.get_legend().get_texts()] == list(RULES)
    early = Figure()
    race.plot_frame(early, 0)
    assert len(early.get_axes()[0].lines[2].get_xydata()) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": "1 2 3"}, "expected two numbers, x and y, got 3"),
        ({"lr": 0}, "lr=0 is not allowed: above 0"),
        ({"surface": "hill"}, "one of bowl, ravine"),
    ],
)
def test_wrong_options(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discern.lab("optimizer", **given)
