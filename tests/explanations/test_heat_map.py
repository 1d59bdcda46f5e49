"""A heat map stands beside its image, and on the original where the network saw only a part of it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from discern.explanations.drawing import DIMMED, draw_heat
from discern.explanations.explain_input import ORIGINAL_SIDE, load_original
from discern.explanations.heat_map import Grid, HeatMap
from discern.explanations.methods import explain
from discern.preprocess.spec import Preprocess, Resize
from tests.explanations.inputs import classifier, image


@pytest.mark.parametrize(("width", "height"), [(90, 60), (60, 90)])
@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_the_box_is_where_preprocessing_looks(resize: Resize, width: int, height: int) -> None:
    spec = Preprocess(size=30, resize=resize, channels=1)
    left, top, right, bottom = spec.visible_box(width, height)
    ramp = np.tile(np.arange(width, dtype=np.uint8) * 2, (height, 1))  # brightness tells the column
    row = spec.apply(Image.fromarray(ramp))[15, :, 0].astype(float) / 2
    centers = left + (np.arange(30) + 0.5) * (right - left) / 30
    inside = (centers > 3) & (centers < width - 3)
    np.testing.assert_allclose(row[inside], centers[inside] - 0.5, atol=1.5)
    assert (right - left) / (bottom - top) == (1 if resize != "stretch" else width / height)


def test_the_original_is_small_enough_to_draw() -> None:
    wide = np.zeros((300, 3 * ORIGINAL_SIDE, 3), np.uint8)
    assert load_original(wide).shape == (100, ORIGINAL_SIDE, 3)
    assert load_original(image(40)).shape == (40, 40, 3)
    assert load_original(np.zeros((5, 7), np.uint8)).shape == (5, 7, 1)


@pytest.mark.parametrize(("shape", "panels"), [((40, 40), 2), ((40, 60), 3)])
def test_a_heat_map_beside_its_image(shape: tuple[int, int], panels: int) -> None:
    pixels = np.resize(image(60), (*shape, 3))
    heat_map = explain(classifier("resnet18-narrow", 32), pixels, "gradcam")
    assert isinstance(heat_map, HeatMap)
    figure = Figure()
    heat_map.plot(figure)
    assert len(figure.axes) == panels + 1  # and the color bar
    assert [len(ax.images) for ax in figure.axes[:panels]] == [1, 2, 2][:panels]
    if panels == 3:
        extent = figure.axes[2].images[1].get_extent()
        assert tuple(extent) == (10, 50, 40, 0) and figure.axes[2].get_xlim() == (0, 60)


def test_what_the_network_never_saw_is_dimmed() -> None:
    ax = Figure().subplots()
    draw_heat(ax, np.full((4, 8, 3), 200, np.uint8), np.zeros((4, 4)), box=(2, 0, 6, 4))
    drawn = np.asarray(ax.images[0].get_array())
    assert (drawn[:, [0, 1, 6, 7]] == 200 * DIMMED).all() and (drawn[:, 2:6] > 150).all()


def test_all_methods_in_one_grid() -> None:
    grid = explain(classifier("lenet", 28), image(32), "all")
    assert isinstance(grid, Grid)
    figure = Figure()
    grid.plot(figure)
    assert [ax.get_title().split("\n")[0] for ax in figure.axes[1:7]] == [map.method for map in grid.maps]
    (table,) = grid.tables()
    assert all(len(cell.partition(".")[2]) == 3 for row in table.texts() for cell in row[2:])
    assert grid.sentences()[-1].startswith("cam: lenet does not average")
