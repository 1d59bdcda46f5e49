from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydantic import ValidationError

from discern.preprocess.spec import Preprocess

SPECS = st.builds(
    Preprocess,
    size=st.integers(8, 48),
    resize=st.sampled_from(["crop", "pad", "stretch"]),
    interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"]),
    channels=st.sampled_from([1, 3]),
)
SIDE = st.integers(1, 90)


def gradient(width: int, height: int) -> Image.Image:
    """Red tells the column, green the row, both 0..255 over the image."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [columns * 255 // max(1, width - 1), rows * 255 // max(1, height - 1), np.zeros_like(rows)]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


@given(SPECS, SIDE, SIDE, st.sampled_from(["RGB", "L"]))
def test_any_image_becomes_the_same_shape_and_bytes(spec: Preprocess, width: int, height: int, mode: str) -> None:
    image = gradient(width, height).convert(mode)
    once, again = spec.apply(image), spec.apply(image)
    assert once.shape == spec.shape == (spec.size, spec.size, spec.channels)
    assert once.dtype == np.uint8
    assert np.array_equal(once, again)


@given(SPECS, SIDE, SIDE, st.integers(0, 255))
def test_one_colour_stays_one_colour(spec: Preprocess, width: int, height: int, value: int) -> None:
    assert (spec.apply(Image.new("L", (width, height), value)) == value).all()


@given(SPECS)
def test_a_image_of_the_right_size_is_not_touched(spec: Preprocess) -> None:
    image = gradient(spec.size, spec.size)
    wanted = image if spec.channels == 3 else image.convert("L")
    assert np.array_equal(spec.apply(image), np.asarray(wanted).reshape(spec.shape))


@given(st.sampled_from(["crop", "pad", "stretch"]), st.integers(8, 40))
def test_crop_of_a_wide_image_is_its_middle(interpolation: str, side: int) -> None:
    image = gradient(3 * side, side)
    middle = image.crop((side, 0, 2 * side, side))
    assert np.array_equal(Preprocess(size=side, resize="crop").apply(image), np.asarray(middle))
    turned = image.transpose(Image.Transpose.ROTATE_90)
    assert np.array_equal(
        Preprocess(size=side, resize="crop").apply(turned), np.asarray(turned.crop((0, side, side, 2 * side)))
    )


@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(2, 12))
def test_pad_keeps_the_aspect_ratio(times: int, side: int) -> None:
    ink = Image.new("RGB", (2 * times * side, side), (0, 0, 0))
    ink.paste((200, 0, 0), (1, 1, 2 * times * side - 1, side - 1))
    seen = Preprocess(size=4 * times * side, resize="pad", interpolation="nearest").apply(ink)
    painted = seen[..., 0] > 100
    height, width = np.flatnonzero(painted.any(axis=1)).size, np.flatnonzero(painted.any(axis=0)).size
    # The image was doubled: its painted inside is (2 * times * side - 2) by (side - 2) pixels, twice.
    assert (width, height) == ((2 * (2 * times * side - 2), 2 * (side - 2)) if side > 2 else (0, 0))
    assert np.array_equal(painted, painted[::-1, ::-1])


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), SIDE, SIDE)
def test_crop_is_that_of_pillow(size: int, width: int, height: int) -> None:
    image = gradient(width, height)
    expected = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    assert np.array_equal(Preprocess(size=size).apply(image), np.asarray(expected))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), SIDE, SIDE)
def test_pad_is_that_of_pillow(size: int, width: int, height: int) -> None:
    image = gradient(width, height)
    seen = Preprocess(size=size, resize="pad").apply(image)
    inside = ImageOps.contain(image, (size, size), Image.Resampling.BILINEAR)
    left, top = round((size - inside.width) / 2), round((size - inside.height) / 2)
    assert np.array_equal(seen[top : top + inside.height, left : left + inside.width], np.asarray(inside))


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["crop", "pad", "stretch"]), st.integers(8, 24), SIDE, SIDE)
def test_a_box_of_whole_pixels_shows_what_a_cut_image_would(mode: str, size: int, width: int, height: int) -> None:
    framed = Image.new("RGB", (width + 2, height + 3))
    framed.paste(gradient(width, height), (0, 0))
    spec = Preprocess(size=size, resize=mode, interpolation="nearest")
    if mode == "pad":  # the colour around it is of what was decoded
        framed.paste((9, 9, 9), (0, 0, *framed.size))
    seen = spec.apply(framed, (0, 0, width, height))
    assert np.array_equal(seen, spec.apply(framed.crop((0, 0, width, height))))


def test_pad_fills_with_the_colour_of_the_border() -> None:
    image = Image.new("RGB", (20, 10), (10, 200, 30))
    image.paste((255, 255, 255), (8, 4, 12, 6))
    seen = Preprocess(size=20, resize="pad").apply(image)
    assert (seen[:4] == (10, 200, 30)).all()
    assert (seen[-4:] == (10, 200, 30)).all()


def test_stretch_shows_the_whole_image_distorted() -> None:
    seen = Preprocess(size=10, resize="stretch", interpolation="nearest").apply(gradient(100, 10))
    assert np.array_equal(seen[..., 1], np.asarray(gradient(10, 10))[..., 1])
    assert (np.diff(seen[0, :, 0].astype(int)) > 0).all()
    assert seen[0, 0, 0] < 20 < 235 < seen[0, -1, 0]


@pytest.mark.parametrize("mode", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (1, 1)])
def test_very_thin_images(mode: str, shape: tuple[int, int]) -> None:
    assert Preprocess.model_validate({"size": 16, "resize": mode}).apply(Image.new("RGB", shape)).shape == (16, 16, 3)


@given(SPECS, st.floats(0, 1), st.floats(0.01, 1))
def test_json_round_trip(spec: Preprocess, mean: float, std: float) -> None:
    whole = spec.model_copy(update={"mean": (mean,) * spec.channels, "std": (std,) * spec.channels})
    assert Preprocess.model_validate_json(whole.model_dump_json()) == whole
    assert whole.key == spec.key


@given(SPECS, SPECS)
def test_the_key_names_what_decides_the_pixels(one: Preprocess, other: Preprocess) -> None:
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": 32, "resize": "squash"},
        {"size": 32, "channels": 4},
        {"size": 32, "mean": [0.5]},
        {"size": 32, "mean": [0.5] * 3, "std": [0.1, 0.1, 0]},
        {"size": 32, "mean": [0.5] * 3},
        {"size": 32, "std": [0.5] * 3},
        {"size": 32, "colour": "red"},
    ],
)
def test_a_wrong_spec_is_refused_when_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Preprocess.model_validate(wrong)


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Preprocess(size=32).size = 64  # type: ignore[misc]


def test_workers_that_decode_load_no_torch() -> None:
    code = "import sys, discern.preprocess.spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
