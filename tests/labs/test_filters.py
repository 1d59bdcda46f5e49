"""The classical filters against their definitions and torch, noise, and what cannot be filtered."""

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
from discern.errors import ConfigError, ImageError
from discern.labs.filters.lab import FILTERS, Filtered, get_label, run
from discern.labs.filters.scipy_filters import (
    KERNELS,
    add_noise,
    build_gaussian_kernel,
    compute_psnr,
    correlate,
    draw_scene,
    filter_bilateral,
    filter_median,
    shrink,
)

images = st.builds(
    lambda seed, height, width, planes: np.random.default_rng(seed).integers(0, 256, (height, width, 3)[:planes]) * 1.0,
    st.integers(0, 2**16),
    st.integers(4, 9),
    st.integers(4, 9),
    st.sampled_from([2, 3]),
)


def _named(name: str, **given: object) -> Filtered:
    (found,) = discern.lab("filters", show=name, **given).filtered
    assert isinstance(found, Filtered) and found.name == name
    return found


@settings(max_examples=30, deadline=None)
@given(image=images, seed=st.integers(0, 99), side=st.sampled_from([1, 3, 5]))
def test_a_kernel_is_a_networks_convolution(image: np.ndarray, seed: int, side: int) -> None:
    kernel = np.random.default_rng(seed).normal(size=(side, side))
    found = correlate(image, kernel)[side // 2 : -(side // 2) or None, side // 2 : -(side // 2) or None]
    planes = torch.tensor(image.reshape(*image.shape[:2], -1)).permute(2, 0, 1)[:, None]
    if min(image.shape[:2]) >= side:
        wanted = functional.conv2d(planes, torch.tensor(kernel)[None, None])[:, 0].permute(1, 2, 0)
        np.testing.assert_allclose(found.reshape(wanted.shape), wanted.numpy(), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(image=images, size=st.sampled_from([1, 3, 5]))
def test_the_bilateral_lies_between_the_gaussian_and_nothing(image: np.ndarray, size: int) -> None:
    blurred = correlate(image, build_gaussian_kernel(size, 1.0))
    np.testing.assert_allclose(filter_bilateral(image, size, 1.0, 1e9), blurred, atol=1e-6)
    np.testing.assert_allclose(filter_bilateral(image, size, 1.0, 1e-3), image, atol=1e-6)


def test_the_bilateral_by_its_definition() -> None:
    image = np.array([[10.0, 10, 10], [10, 20, 90], [10, 10, 90]])
    near = build_gaussian_kernel(3, 1.0)
    weights = near * np.exp(-((image - 20) ** 2) / (2 * 15.0**2))
    assert filter_bilateral(image, 3, 1.0, 15.0)[1, 1] == pytest.approx((weights * image).sum() / weights.sum())


def test_the_median_of_a_window() -> None:
    image = np.array([[1.0, 2, 3], [4, 255, 6], [7, 8, 9]])
    assert filter_median(image, 3)[1, 1] == 6
    assert filter_median(np.stack([image, image + 1, image], axis=2), 3)[1, 1].tolist() == [6, 7, 6]


def test_edges_stand_out_where_they_run() -> None:
    halves = np.repeat([[0], [100]], 4, axis=0) * np.ones((1, 6))  # dark above, light below
    across, down, both = (
        _named(f"sobel-{way}", image=halves.astype(np.uint8)).image for way in ("horizontal", "vertical", "magnitude")
    )
    assert across[3:5].tolist() == [[-400] * 6] * 2 and not across[[0, 1, 6, 7]].any()
    assert not down.any() and (both == abs(across)).all()
    assert not _named("laplacian", image=np.full((5, 5), 77, np.uint8)).image.any()


def test_edges_of_a_colored_image_are_those_of_its_gray() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)
    gray = image @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(_named("laplacian", image=image).image, correlate(gray, KERNELS["laplacian"]))
    assert _named("average", image=image).image.shape == (6, 7, 3)


def test_psnr() -> None:
    clean = np.zeros((4, 4))
    assert compute_psnr(clean + 255, clean) == 0
    assert compute_psnr(clean + 25.5, clean) == pytest.approx(20)
    assert compute_psnr(clean, clean) == float("inf")
    assert compute_psnr(clean - 9, clean) == float("inf")  # there is nothing darker than black


def test_noise_is_as_much_as_was_asked_for_and_can_be_had_again() -> None:
    clean = np.full((200, 200), 120.0)
    pepper = add_noise(clean, "salt-pepper", 0.1, seed=3)
    assert set(np.unique(pepper)) == {0, 120, 255}
    assert (pepper != clean).mean() == pytest.approx(0.1, abs=0.01)
    assert (add_noise(clean, "gaussian", 20, seed=3) - clean).std() == pytest.approx(20, abs=0.5)
    assert (add_noise(clean, "gaussian", 20, 3) == add_noise(clean, "gaussian", 20, 3)).all()
    assert (add_noise(clean, "gaussian", 20, 3) != add_noise(clean, "gaussian", 20, 4)).any()


@pytest.mark.parametrize(("noise", "best"), [("salt-pepper", "median"), ("gaussian", "bilateral")])
def test_which_filter_takes_which_noise_away(noise: str, best: str) -> None:
    found = discern.lab("filters", noise=noise)
    judged = {one.name: one.psnr for one in found.filtered if one.psnr is not None}
    assert max(judged, key=lambda name: judged[name]) == best and judged[best] > found.psnr > judged["sharpen"]
    assert found.sentences()[0].startswith(f"Best at removing the noise: {best}")
    assert found.tables()[0].texts()[0][-1] == f"{found.psnr:.1f}"


def test_without_noise_there_is_nothing_to_judge() -> None:
    found = run()
    assert found.psnr is None and all(one.psnr is None for one in found.filtered)
    assert found.tables()[0].columns == ("filter", "weights", "effect")
    assert {one.name for one in found.filtered} == set(FILTERS) - {"own"}


def test_an_own_kernel() -> None:
    found = _named("own", kernel="0 0 0/0 0 1/0 0 0", image=draw_scene())
    assert found.range == "image" and (found.image[:, :-1] == draw_scene()[:, 1:]).all()
    assert _named("own", kernel="1 -1").range == "signed"


def test_a_image_file_of_any_size(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((400, 600, 3), np.uint8)).save(tmp_path / "night.png")
    found = discern.lab("filters", image=str(tmp_path / "night.png"), show="median")
    assert found.image.shape == (171, 256, 3)
    assert shrink(np.zeros((1, 900), np.uint8), 64).shape == (1, 64)


def test_the_figure_shows_every_filter_beside_the_image() -> None:
    found = run(noise="gaussian")
    figure = Figure()
    found.plot(figure)
    shown = [ax for ax in figure.get_axes() if ax.get_images()]
    titles = [ax.get_title().split("\n")[0] for ax in shown]
    assert titles == ["image", "with noise", *(get_label(one.name) for one in found.filtered)]
    assert all(not ax.axison for ax in figure.get_axes())
    pixels = shown[-1].get_images()[0].get_array()
    assert pixels is not None and (pixels == found.filtered[-1].image).all()


def test_a_wide_image_makes_a_flat_figure() -> None:
    wide, square = (run(np.zeros((side, 64), np.uint8), show="median") for side in (16, 64))
    assert wide.figsize[0] == square.figsize[0] and wide.figsize[1] < square.figsize[1] / 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 4}, "size=4 is not allowed: a window has a center pixel"),
        ({"size": 0}, "size=0 is not allowed: 1 or more"),
        ({"sigma": 0}, "sigma=0 is not allowed: above 0"),
        ({"show": "own"}, "no own kernel to show"),
        ({"kernel": "1|1"}, "Your own kernel has one channel"),
        ({"noise": "salt-pepper", "amount": 20}, "amount=20.0 is not allowed: it is a fraction of the pixels"),
        ({"amount": 20}, "An amount needs a kind of noise"),
        ({"image": "nowhere.png"}, "nowhere.png is not readable"),
    ],
)
def test_wrong_options_are_explained(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discern.lab("filters", **given)


def test_a_image_that_is_not_one(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no pixels here")
    with pytest.raises(ImageError, match=r"notes\.png: it is not an image"):
        discern.lab("filters", image=str(tmp_path / "notes.png"))
