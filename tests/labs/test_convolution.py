"""Convolution against torch, receptive fields against autograd, filters found again, and what cannot be done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from torch.nn import functional

import discern
from discern.errors import ConfigError
from discern.labs.convolution.lab import Convolution, run
from discern.labs.convolution.layer import convolve
from discern.labs.convolution.recovery import recover_filter
from discern.labs.options import parse_matrix
from discern.labs.worked_examples import WORKED_EXAMPLES


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=80, deadline=None)
@given(
    groups=st.integers(1, 3),
    each=st.integers(1, 2),
    kernels=st.integers(1, 2),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    side=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same", 0, 1, 2]),
    padding_mode=st.sampled_from(["zeros", "reflect"]),
    seed=st.integers(0, 2**16),
)
def test_agrees_with_torch(
    groups: int,
    each: int,
    kernels: int,
    size: tuple[int, int],
    side: tuple[int, int],
    stride: int,
    dilation: int,
    padding: str | int,
    padding_mode: str,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(groups * each, *size))
    weights = rng.normal(size=(groups * kernels, each, *side))
    bias = rng.normal(size=groups * kernels)
    stride = 1 if padding == "same" else stride  # torch has no other
    layer = convolve(image, weights, bias, stride, padding, padding_mode, dilation, groups)
    (above, below), (left, right) = layer.pads
    mode = {"zeros": "constant", "reflect": "reflect"}[padding_mode]
    x = functional.pad(torch.tensor(image)[None], (left, right, above, below), mode=mode)
    y = functional.conv2d(x, torch.tensor(weights), torch.tensor(bias), stride, 0, dilation, groups)
    np.testing.assert_allclose(layer.output, y[0].numpy(), atol=1e-12)
    if padding_mode == "zeros":  # the cells of the border are torch's own, too
        y = functional.conv2d(
            torch.tensor(image)[None], torch.tensor(weights), torch.tensor(bias), stride, padding, dilation, groups
        )
        np.testing.assert_allclose(layer.output, y[0].numpy(), atol=1e-12)
    patch, products = layer.extract_patch(-1 % len(weights), 0, 0), layer.products[-1, 0, 0]
    np.testing.assert_allclose(patch * weights[-1], products)
    assert (
        layer.padded[layer.input_channels(0)[0]][layer.window_cells(0, 0)[-1]]
        == layer.extract_patch(0, 0, 0)[0, -1, -1]
    )


@pytest.mark.parametrize(("n", "stride", "side", "scores"), [(5, 2, 3, 3), (6, 2, 3, 3), (6, 3, 1, 2), (7, 3, 2, 3)])
def test_same_with_a_stride_keeps_a_score_for_every_step(n: int, stride: int, side: int, scores: int) -> None:
    layer = convolve(np.ones((n, n)), np.ones((side, side)), stride=stride, padding="same")
    assert layer.output.shape == (1, scores, scores)


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_what_a_score_sees_is_where_its_gradient_goes(padding: str, padding_mode: str) -> None:
    """Through a layer with every complication, a second one and a stack of two."""
    image = np.ones((2, 16, 15))
    found = run(
        image=image,
        kernels=np.ones((2, 1, 2, 3)),
        groups=2,
        stride=2,
        dilation=2,
        padding=padding,
        padding_mode=padding_mode,  # type: ignore[arg-type]
        second_kernels=np.ones((1, 2, 2, 2)),
        stack=np.array([[2.0, 1], [2, 2]]),
        position=np.array([1.0, 2]),
    )
    assert isinstance(found, Convolution)
    x = torch.tensor(image)[None].requires_grad_()
    (above, below), (left, right) = found.layers[0].pads
    y = functional.pad(x, (left, right, above, below), mode={"zeros": "constant", "reflect": "reflect"}[padding_mode])
    y = functional.conv2d(y, torch.ones(2, 1, 2, 3, dtype=torch.float64), None, 2, 0, 2, 2)
    y = functional.conv2d(y, torch.ones(1, 2, 2, 2, dtype=torch.float64))
    y = functional.avg_pool2d(functional.avg_pool2d(y, 2, 1), 2, 2)
    assert found.geometry[-1].output == tuple(y.shape[2:])
    y[0, 0, 0, 1].backward()
    assert x.grad is not None
    mask = np.zeros(image.shape[1:], bool)
    mask[np.ix_(*found.inputs[0])] = True
    assert ((x.grad[0, 0] != 0).numpy() == mask).all()


def test_the_receptive_field_of_the_usual_design() -> None:
    found = run("stack")
    assert isinstance(found, Convolution)
    assert [level.receptive_field for level in found.geometry] == [(3, 3), (4, 4), (8, 8)]
    assert [level.output for level in found.geometry] == [(6, 6), (3, 3), (1, 1)]
    assert [level.jump for level in found.geometry] == [1, 2, 2]
    assert found.inputs[0] == (tuple(range(8)), tuple(range(8)))
    assert found.tables()[-1].texts()[-1] == ["3", "3 x 3", "1", "1", "1 x 1", "8 x 8", "2"]


def test_the_steps_to_size_and_parameters() -> None:
    found = run(image=np.ones((3, 7, 6)), kernels=np.ones((4, 3, 3, 2)), bias=np.ones(4), stride=2, padding=1)
    _windows, size, parameters = (table.texts() for table in found.tables())
    assert size[-1] == ["output", "⌊(9 - 3) / 2⌋ + 1", "4", "⌊(8 - 2) / 2⌋ + 1", "4"]
    assert [row[-1] for row in parameters] == ["18", "72", "4", "76", "8,064"]


def test_a_depthwise_separable_convolution_has_fewer_weights() -> None:
    found = run("separable")
    assert isinstance(found, Convolution)
    assert sum(layer.kernels.size for layer in found.layers) == 12
    assert any("has 16 weights" in sentence for sentence in found.sentences())
    assert not any("separable" in sentence for sentence in run("parameters").sentences())


@pytest.mark.parametrize("example", WORKED_EXAMPLES)
def test_every_worked_example_is_drawn_whole(example: str) -> None:
    found = run(example)  # type: ignore[arg-type]
    assert isinstance(found, Convolution)
    figure = Figure(figsize=found.figsize)
    found.plot(figure)
    images = [ax.get_images()[0].get_array() for ax in figure.get_axes()]
    layers = found.layers
    assert len(images) == len(layers[0].padded) + sum(len(a.output) + a.kernels[:, :, 0, 0].size for a in layers)
    assert images[-1] is not None and (images[-1] == layers[-1].output[-1]).all()


def test_scores_fill_one_by_one(tmp_path: Path) -> None:
    found = run("cross")
    for frame, filled in [(0, 1), (8, 9)]:
        figure = Figure()
        found.plot_frame(figure, frame)
        scores = figure.get_axes()[-1].get_images()[0].get_array()
        assert scores is not None and np.ma.count(np.ma.masked_invalid(scores)) == filled
    found = run()
    found.save(tmp_path / "window.gif")
    with Image.open(tmp_path / "window.gif") as moving:
        assert moving.n_frames == found.frames() == 4


def test_a_long_walk_is_shortened() -> None:
    found = run(image=np.ones((12, 12)), kernels=np.ones((2, 2)))
    assert found.frames() == 60
    figure = Figure()
    found.plot_frame(figure, 59)
    scores = figure.get_axes()[-1].get_images()[0].get_array()
    assert scores is not None and np.isfinite(scores).all()


@settings(max_examples=30, deadline=None)
@given(channels=st.integers(1, 2), side=st.integers(1, 3), seed=st.integers(0, 2**16))
def test_a_filter_is_found_again(channels: int, side: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=(channels, 9, 8)), rng.normal(size=(1, channels, side, side))
    found = recover_filter(image, convolve(image, kernel).output[0])
    assert found.certainty == "exact" and not found.mismatches
    np.testing.assert_allclose(found.kernel, kernel[0], atol=1e-9)


def test_too_few_different_scores_leave_the_filter_open() -> None:
    found = recover_filter(np.random.default_rng(0).normal(size=(4, 4)), np.array([[1.0, 0], [0, 1]]))
    assert (found.rank, found.kernel.size, found.certainty) == (4, 9, "underdetermined") and not found.mismatches
    assert "Only 4 of them are independent" in found.sentences()[1]


def test_scores_that_no_filter_gives() -> None:
    rng = np.random.default_rng(0)
    found = recover_filter(rng.integers(0, 9, (9, 9)).astype(float), rng.integers(0, 50, (7, 7)).astype(float))
    assert found.certainty == "approximate" and len(found.mismatches) > 40
    assert (
        abs(found.mismatches[0].given - found.mismatches[0].computed)
        == np.abs(found.computed - found.feature_map).max()
    )
    assert "No filter gives these outputs" in found.sentences()[1]


def test_the_scoreboard_shows_where_it_disagrees() -> None:
    figure = Figure()
    run(find_filter=True).plot(figure)
    frames = figure.get_axes()[-1].patches
    assert [frame.get_xy() for frame in frames] == [(2.5, 0.5)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernels": "1 1 1 1/1 1 1 1"}, "spans 2 x 4 cells does not fit into 3 x 3 cells"),
        ({"dilation": 3}, "spans 4 x 4 cells does not fit"),
        ({"groups": 2}, "2 groups do not divide 1 channels"),
        ({"example": "two-channels", "kernels": "1|1|1", "groups": 2}, "2 groups do not divide 3 kernels"),
        (
            {"example": "two-channels", "kernels": "1|1|1"},
            "a multiple of 2 kernel planes, one for each input channel, got 3",
        ),
        ({"kernels": [[[[1]], [[1]]]]}, "kernels of 1 planes, one for each input channel, got 2"),
        ({"bias": "1 2"}, "one bias for each of 1 kernels, got 2"),
        ({"stride": -1}, "stride=-1 is not allowed: 1 or more"),
        ({"padding": "-1"}, "padding=-1 is not allowed: valid, same, or a number"),
        ({"padding": "all"}, "padding=all is not allowed"),
        ({"padding": 3, "padding_mode": "reflect"}, "Reflecting 3 cells takes more than 3"),
        ({"position": "3 1"}, "no output 3 1: give its row, 1 to 2"),
        ({"stack": "3 1"}, "Layer 2 of the stack, 3 x 3, does not fit into 2 x 2"),
        ({"stack": "2.5 1"}, "integers from 1"),
        ({"image": np.ones((600, 600)), "kernels": np.ones((9, 9))}, "products, more than the 5,000,000"),
        ({"image": [[[[1]]]]}, "one image of one or more channels"),
        ({"feature_map": "1"}, "add find_filter"),
        ({"find_filter": True, "image": "1 2"}, "give both the image and its feature map"),
        ({"find_filter": True, "stride": 2}, "stride 1 without padding"),
        ({"find_filter": True, "image": "1 2", "feature_map": "1/2"}, "of 2 x 1 is larger than its image of 1 x 2"),
        ({"find_filter": True, "image": "1 2", "feature_map": "1|2"}, "one feature map of one channel"),
    ],
)
def test_wrong_options_are_explained(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discern.lab("convolution", **given)


def test_an_own_kernel_brings_no_bias_of_the_example() -> None:
    found = run(kernels=parse_matrix("1 0/0 0"))
    assert isinstance(found, Convolution)
    assert found.layers[0].bias is None and found.layers[0].output.tolist() == [[[2, 4], [8, 10]]]


def test_a_image_from_a_csv_file_and_one_with_text_in_it(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("2,4,6\r\n8,10,12\r\n14,16,18\r\n")
    (tmp_path / "words.csv").write_text("2,4\n8,ten\n")
    found = discern.lab("convolution", image=str(tmp_path / "numbers.csv"))
    assert found.layers[0].output.tolist() == [[[129, 161], [225, 257]]]
    with pytest.raises(ConfigError, match=r"words\.csv' is not numbers: write spaces"):
        discern.lab("convolution", image=str(tmp_path / "words.csv"))
