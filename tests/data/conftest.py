"""Sets of images made up for one test."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageFilter

from discern.data.dataset import ImageDataset, Split, Store


class MemoryStore(Store):
    """Encoded images in a list; counts how often it was read."""

    def __init__(self, files: Sequence[bytes | np.ndarray], names: Sequence[str]) -> None:
        self.files, self.names, self.reads = list(files), list(names), 0

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> bytes | np.ndarray:
        self.reads += 1
        return self.files[index]

    def path(self, index: int) -> str:
        return self.names[index]

    def version_key(self) -> str:
        return str([hash(bytes(file)) for file in self.files])


Encode = Callable[..., bytes]
MakeDataset = Callable[..., ImageDataset]


@pytest.fixture
def encode() -> Encode:
    """``encode(image, "PNG", **options)``: the bytes of a file."""

    def to_bytes(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
        target = io.BytesIO()
        image.save(target, kind, **options)
        return target.getvalue()

    return to_bytes


@pytest.fixture
def photo() -> Callable[..., Image.Image]:
    """``photo(seed)``: colored, smooth, and like no other: what a photo is to a perceptual hash."""

    def build(seed: int, size: tuple[int, int] = (120, 90), blobs: int = 12) -> Image.Image:
        noise = np.random.default_rng(seed).integers(0, 256, (blobs, blobs, 3), dtype=np.uint8)
        return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))

    return build


@pytest.fixture
def make_dataset() -> MakeDataset:
    """``make_dataset(files, labels, given_split, names, task)``: a data set in memory."""

    def build(
        files: Sequence[bytes | np.ndarray],
        labels: Sequence[int] | None = None,
        given_split: Sequence[int] | None = None,
        names: Sequence[str] | None = None,
        task: str = "classification",
    ) -> ImageDataset:
        count = len(files)
        labels = [0] * count if labels is None else labels
        given_split = [Split.NONE] * count if given_split is None else given_split
        return ImageDataset(
            name="made",
            origin="made",
            classes=tuple(f"class{number}" for number in range(max(labels, default=0) + 1)),
            labels=np.array(labels, dtype=np.int32),
            given_split=np.array(given_split, dtype=np.uint8),
            store=MemoryStore(files, names or [f"{number}.png" for number in range(count)]),
            task=task,
        )

    return build
