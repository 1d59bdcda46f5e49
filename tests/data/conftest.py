"""Sets of pictures made up for one test."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageFilter

from discern.data.dataset import Dataset, Part, Store


class MemoryStore(Store):
    """Encoded pictures in a list; counts how often it was read."""

    def __init__(self, files: Sequence[bytes | np.ndarray], names: Sequence[str]) -> None:
        self.files, self.names, self.reads = list(files), list(names), 0

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> bytes | np.ndarray:
        self.reads += 1
        return self.files[index]

    def path(self, index: int) -> str:
        return self.names[index]

    def stamp(self) -> str:
        return str([hash(bytes(file)) for file in self.files])


Encode = Callable[..., bytes]
MakeDataset = Callable[..., Dataset]


@pytest.fixture
def encode() -> Encode:
    """``encode(image, "PNG", **options)``: the bytes of a file."""

    def encoded(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
        target = io.BytesIO()
        image.save(target, kind, **options)
        return target.getvalue()

    return encoded


@pytest.fixture
def photo() -> Callable[..., Image.Image]:
    """``photo(seed)``: coloured, smooth, and like no other: what a photo is to a perceptual hash."""

    def made(seed: int, size: tuple[int, int] = (120, 90), blobs: int = 12) -> Image.Image:
        noise = np.random.default_rng(seed).integers(0, 256, (blobs, blobs, 3), dtype=np.uint8)
        return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))

    return made


@pytest.fixture
def make_dataset() -> MakeDataset:
    """``make_dataset(files, labels, given, names)``: a data set held in memory."""

    def made(
        files: Sequence[bytes | np.ndarray],
        labels: Sequence[int] | None = None,
        given: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
    ) -> Dataset:
        count = len(files)
        labels = [0] * count if labels is None else labels
        return Dataset(
            name="made",
            origin="made",
            classes=tuple(f"class{number}" for number in range(max(labels, default=0) + 1)),
            labels=np.array(labels, dtype=np.int32),
            given=np.full(count, Part.NONE, np.uint8) if given is None else np.array(given, dtype=np.uint8),
            store=MemoryStore(files, names or [f"{number}.png" for number in range(count)]),
        )

    return made
