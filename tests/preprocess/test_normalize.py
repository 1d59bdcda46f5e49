from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from discern.preprocess.normalize import compute_mean_std, normalize, to_float
from discern.preprocess.spec import Preprocess

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3]))


@given(arrays.arrays(np.uint8, SHAPES))
def test_to_float_is_a_255th_channels_first(pixels: np.ndarray) -> None:
    x = to_float(torch.from_numpy(pixels))
    assert np.array_equal(x.numpy(), (pixels.astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2))


def test_to_float_is_channels_last_and_leaves_the_bytes() -> None:
    pixels = torch.full((2, 4, 5, 3), 255, dtype=torch.uint8)
    x = to_float(pixels)
    assert x.is_contiguous(memory_format=torch.channels_last)
    x.zero_()
    assert (pixels == 255).all()


@given(arrays.arrays(np.uint8, SHAPES), st.data())
def test_statistics_are_numpys_over_the_rows(pixels: np.ndarray, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(pixels) - 1), min_size=1, unique=True)))
    mean, std = compute_mean_std(pixels, rows)
    chosen = pixels[rows].astype(np.float64) / 255
    assert mean == pytest.approx(chosen.mean(axis=(0, 1, 2)), abs=1e-6)
    spread = chosen.std(axis=(0, 1, 2))
    for found, wanted in zip(std, spread, strict=True):
        assert found == pytest.approx(wanted if wanted * 255 >= 1 else 1.0, abs=2e-6) or abs(wanted * 255 - 1) < 1e-6


def test_statistics_of_many_images_read_only_some() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 2, 2, 1), dtype=np.uint8)
    some, every = (compute_mean_std(pixels, np.arange(3000), most) for most in (1500, 10_000))
    assert some != every
    assert some[0] == pytest.approx(every[0], abs=0.01)


def test_normalise_gives_the_training_part_mean_0_and_spread_1() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    mean, std = compute_mean_std(pixels, np.arange(50))
    spec = Preprocess(size=8, mean=mean, std=std)
    x = normalize(to_float(torch.from_numpy(pixels)), spec)
    assert x.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert (x.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3


@given(arrays.arrays(np.uint8, SHAPES), st.booleans())
def test_normalise_is_the_same_in_either_layout_and_in_place(pixels: np.ndarray, last: bool) -> None:
    channels = pixels.shape[-1]
    spec = Preprocess(size=8, channels=channels, mean=(0.1, 0.5, 0.7)[:channels], std=(0.2, 0.3, 0.25)[:channels])
    x = to_float(torch.from_numpy(pixels))
    x = x if last else x.contiguous()
    mean, std = (np.float32(values)[:, None, None] for values in (spec.mean, spec.std))
    wanted = (x.numpy() - mean) / std
    assert normalize(x, spec) is x
    assert np.array_equal(x.numpy(), wanted)


def test_without_a_mean_nothing_is_subtracted() -> None:
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(normalize(x.clone(), Preprocess(size=8)), x)
