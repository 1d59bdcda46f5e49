"""The race as a lab: its numbers are the race's own, its figure draws them, its animation follows one search."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import discern
from discern.errors import ConfigError
from discern.labs.search.lab import Animated, SearchRace, run
from discern.labs.search.recording import FRAMES, record_search
from discern.search import ALGORITHMS, race
from discern.search.problems import build_function, build_tour
from discern.search.space import Points

FEW = ("random", "sa", "pso")


@pytest.fixture(scope="module")
def found() -> SearchRace:
    return run(("sphere", "tour"), FEW, seeds=4, evaluations=400, dimensions=4, cities=9, animated="ga")


def test_the_numbers_are_the_races(found: SearchRace) -> None:
    alone = race(["sphere", "tour"], FEW, seeds=4, budget=400, dimensions=4, cities=9)
    np.testing.assert_array_equal(found.best, alone.best)
    np.testing.assert_allclose(found.quartiles, np.moveaxis(np.percentile(alone.best, [25, 50, 75], axis=-1), 0, -1))
    np.testing.assert_array_equal(found.curves, alone.curves[..., found.evaluations - 1])
    assert (found.evaluations[0], found.evaluations[-1], len(found.evaluations)) == (1, 400, 100)
    assert found.ahead == {"sphere": ("sa", "pso"), "tour": ("sa", "pso")}


def test_the_tables_hold_every_quartile(found: SearchRace) -> None:
    sphere, way, algorithms = found.tables()
    assert [row[0] for row in sphere.rows] == [row[0] for row in algorithms.rows] == list(FEW)
    assert [list(row[1:]) for row in way.rows] == [[f"{value:.4g}" for value in row] for row in found.quartiles[1]]


def test_the_sentences_name_the_first_and_those_behind(found: SearchRace) -> None:
    lines = found.sentences()
    first = FEW[int(found.quartiles[0, :, 1].argmin())]
    assert lines[0] == "4 runs of 400 evaluations each; smaller values are better."
    assert lines[1].startswith(f"sphere: {first} has the lowest median")
    assert lines[3].startswith("All beat random search")
    behind = dataclasses.replace(found, ahead={"sphere": ("pso",), "tour": ()}).sentences()
    assert behind[3] == "Not clearly better than random search within this budget: sphere: sa; tour: sa, pso."


def test_the_figure_draws_the_medians_and_the_tour(found: SearchRace) -> None:
    figure = Figure(figsize=found.figsize)
    found.plot(figure)
    _sphere, lengths, drawn = figure.get_axes()
    assert [line.get_label() for line in lengths.lines] == list(FEW)
    for line, curves in zip(lengths.lines, found.curves[1], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), np.median(curves, axis=0))
    (way,) = drawn.lines
    np.testing.assert_array_equal(way.get_xydata(), found.cities[[*found.tour, found.tour[0]]])
    length = build_tour(9).value(Points(build_tour(9).space, np.empty((1, 0)), (np.array([found.tour]),)))
    assert length[0] == pytest.approx(found.best[1].min())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_recorded_search_gets_better(name: str) -> None:
    recording = record_search(name, budget=250, cities=8)
    assert recording.evaluated.shape == (250, 2)
    assert len(recording.evaluations) == len(recording.tours) == FRAMES
    assert (np.diff(recording.lengths) <= 0).all()
    surface = build_function("rastrigin", 2)
    keys = (recording.best / 5.12 + 1) / 2
    assert (np.diff(surface.value(surface.space.from_keys(keys))) <= 1e-9).all()
    assert all(sorted(order) == list(range(8)) for order in recording.tours.tolist())


def test_a_frame_draws_the_last_points(found: SearchRace) -> None:
    figure = Figure(figsize=found.figsize)
    found.plot_frame(figure, 20)
    surface, way = figure.get_axes()
    done = found.recording.evaluations[20]
    np.testing.assert_array_equal(surface.lines[0].get_xydata(), found.recording.evaluated[done - 30 : done])
    assert f"{found.recording.lengths[20]:.3f}" in way.get_title()


def test_the_animation_is_a_gif(tmp_path: Path) -> None:
    few = run(("sphere",), ("random",), seeds=1, evaluations=3, cities=5)
    few.save(tmp_path / "race.gif")
    with Image.open(tmp_path / "race.gif") as image:
        assert getattr(image, "n_frames", 1) == 3


def test_names_come_from_a_line_and_wrong_ones_are_refused() -> None:
    assert get_args(Animated) == tuple(ALGORITHMS)
    few = discern.lab("search", problems="sphere, ackley", algorithms="ts", seeds=1, evaluations=50)
    assert isinstance(few, SearchRace)
    assert (few.problems, few.algorithms, few.tour, few.ahead) == (("sphere", "ackley"), ("ts",), (), {})
    with pytest.raises(ConfigError, match="did you mean tour"):
        discern.lab("search", problems="tours")
    with pytest.raises(ConfigError, match="one problem, algorithm"):
        discern.lab("search", algorithms=" ")
