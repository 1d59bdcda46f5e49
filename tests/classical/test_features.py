"""Features against values worked out by hand, by loops, and by the standard library."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from discern.classical.features import (
    Extractor,
    check_features,
    compute_handcrafted,
    count_colors,
    flatten_pixels,
    name_handcrafted,
)
from discern.classical.hog import BLOCK, CLIP, DIRECTIONS, cell_side, compute_hog
from discern.errors import ConfigError


def noise(n: int, side: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def test_pixels_are_scaled() -> None:
    assert flatten_pixels(np.full((2, 3, 3, 1), 255, dtype=np.uint8)).tolist() == [[1.0] * 9] * 2


def test_colour_counts_as_colorsys_does() -> None:
    pixels = noise(1, 12)
    wanted = np.zeros((16, 4, 4))
    for red, green, blue in pixels.reshape(-1, 3) / 255:
        h, s, v = colorsys.rgb_to_hsv(red, green, blue)
        wanted[int(h * 16 + 0.5 + 1e-6) % 16, min(int(s * 4 + 1e-6), 3), min(int(v * 4 + 1e-6), 3)] += 1 / 144
    found = count_colors(pixels)[0]
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - wanted.ravel()).sum() <= 4 / 144  # a value on an edge may fall to either side


def test_colour_of_plain_images() -> None:
    pixels = np.zeros((3, 4, 4, 3), dtype=np.uint8)
    pixels[0, ..., 0] = pixels[1, ..., 2] = 255
    found = count_colors(pixels)
    assert found.argmax(axis=1).tolist() == [15, 11 * 16 + 15, 0]  # red, blue (hue 2/3), black
    assert (found.max(axis=1) == 1).all()


def slow_hog(image: np.ndarray) -> np.ndarray:
    """As the paper tells it, pixel by pixel."""
    x = image.astype(float) / 255
    side = cell_side(len(x))
    count = len(x) // side
    cells = np.zeros((count, count, DIRECTIONS))
    for i in range(count * side):
        for j in range(count * side):
            best = (-1.0, 0.0)
            for c in range(x.shape[2]):
                across = x[i, j + 1, c] - x[i, j - 1, c] if 0 < j < len(x) - 1 else 0.0
                down = x[i + 1, j, c] - x[i - 1, j, c] if 0 < i < len(x) - 1 else 0.0
                best = max(best, (float(np.hypot(across, down)), float(np.arctan2(down, across) % np.pi)))
            place = best[1] / (np.pi / DIRECTIONS) - 0.5
            low = int(np.floor(place))
            cells[i // side, j // side, low % DIRECTIONS] += best[0] * (low + 1 - place)
            cells[i // side, j // side, (low + 1) % DIRECTIONS] += best[0] * (place - low)
    blocks = []
    for i in range(count - 1):
        for j in range(count - 1):
            block = np.concatenate([cells[i + a, j + b] for a in range(BLOCK) for b in range(BLOCK)])
            block = np.minimum(block / np.sqrt((block**2).sum() + 1e-10), CLIP)
            blocks.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.concatenate(blocks)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (20, 3), (32, 1)])
def test_hog_is_the_papers(side: int, channels: int) -> None:
    pixels = noise(2, side, channels)
    found = compute_hog(pixels)
    for image, row in zip(pixels, found, strict=True):
        assert np.abs(slow_hog(image) - row).max() < 1e-4


def test_hog_tells_which_way_an_edge_runs() -> None:
    pixels = np.zeros((2, 16, 16, 1), dtype=np.uint8)
    pixels[0, :, 8:], pixels[1, 8:, :] = 200, 200
    directions = compute_hog(pixels).reshape(2, -1, DIRECTIONS).sum(axis=1)
    assert set(directions[0].argsort()[-2:].tolist()) == {0, 8}  # a gradient to the right: 0 = 180 degrees
    assert directions[1].argmax() == 4  # downwards: 90 degrees


def test_hog_does_not_see_the_light() -> None:
    pixels = noise(1, 24, 1) // 2
    assert np.abs(compute_hog(pixels) - compute_hog(pixels * 2)).max() < 1e-4


def test_hand_made_numbers() -> None:
    pixels = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    pixels[:, :, 4:] = 255
    found = dict(zip(name_handcrafted(3), compute_handcrafted(pixels)[0].tolist(), strict=True))
    assert found["mean red"] == found["contrast blue"] == 0.5
    assert found["edge density"] == pytest.approx(2 / 6)
    assert found["left-right asymmetry"] == 1.0 and found["up-down asymmetry"] == 0.0
    assert compute_handcrafted(noise(3, 8, 1)).shape == (3, len(name_handcrafted(1)))


def test_several_features_are_joined_in_order() -> None:
    pixels = noise(5, 16)
    found = Extractor(("handcrafted", "color"))(pixels, [4, 0])
    assert np.array_equal(found, np.concatenate([compute_handcrafted(pixels), count_colors(pixels)], axis=1)[[4, 0]])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour", r'Unknown features "colour" \(did you mean color'),
        ("xyzzy", r'Unknown features "xyzzy": choose one of pixels'),
        ("embedding:", r'Unknown features "embedding:" \(did you mean embedding:'),
        ("hog,hog", "named twice"),
    ],
)
def test_features_there_are_not(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_features(text)
