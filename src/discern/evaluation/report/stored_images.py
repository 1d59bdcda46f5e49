"""images.npz: small copies of the images that the report shows, stored in the run so that it needs no others.

One .npz of encoded bytes, end to end, and not a folder of files: it is written completely or not at all, moves with the
run as one thing, and a thousand thumbnails do not take a thousand blocks of the disk.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from discern.arrays import ArrayLike
from discern.evaluation.predictions import Predictions, open_arrays
from discern.evaluation.report.selection import condense_matrix, select_images
from discern.files import atomic_write
from discern.i18n import _
from discern.preprocess.augment import Augmentation, augment
from discern.runtime import make_generator

FORMAT = 2
SIDE = 128  # pixels of a thumbnail
LOSSLESS = 48  # pixels a side up to which JPEG would show
MAX_BYTES = 1_400_000  # of held-out images; a page takes 4/3 of it
EXAMPLES, VERSIONS, BATCH = 4, 5, 16  # training images shown, how often each, and among how many they are mixed


@dataclass(frozen=True)
class AugmentedExamples:
    """Training images, and what augmentation makes of them."""

    classes: tuple[str, ...]  # (N,) what they show
    images: tuple[tuple[bytes, ...], ...]  # N rows of encoded images: the original, then versions of it


NO_EXAMPLES = AugmentedExamples((), ())


@dataclass(frozen=True)
class StoredImages:
    """What images.npz holds."""

    split: str  # the one that the images are of
    images: dict[int, bytes]  # index in the predictions -> PNG or JPEG
    examples: AugmentedExamples = NO_EXAMPLES  # empty where images were not augmented


def encode_thumbnail(pixels: np.ndarray) -> bytes:
    """Encode an image uint8 (H, W, C) as it is shown: at most 128 pixels a side, PNG where it is tiny, else JPEG.

    Examples
    --------
    >>> encode_thumbnail(np.zeros((8, 8, 1), np.uint8))[1:4]
    b'PNG'
    """
    pil_image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    pil_image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    if max(pil_image.size) <= LOSSLESS:
        pil_image.save(data, "PNG", optimize=True)
    else:
        pil_image.save(data, "JPEG", quality=80, optimize=True)
    return data.getvalue()


def sample_augmentations(
    pixels: ArrayLike,
    labels: np.ndarray,
    train: np.ndarray,
    classes: Sequence[str],
    augmentation: Augmentation,
    seed: int,
) -> AugmentedExamples:
    """Return some training images as they are, and as the network sees them in training.

    Pixels are uint8 (N, H, W, C), labels int (N,) positions in ``classes``, ``train`` the indices of those that train.
    """
    if augmentation == Augmentation():
        return NO_EXAMPLES
    random = make_generator(seed, "report")
    indices = train[torch.randperm(len(train), generator=random)[:BATCH].numpy()]
    _classes, first = np.unique(labels[indices], return_index=True)  # of different classes, as far as there are
    indices = indices[list(dict.fromkeys([*first.tolist(), *range(len(indices))]))]
    batch, truth = torch.from_numpy(np.ascontiguousarray(pixels[indices])), torch.from_numpy(labels[indices])
    versions = [batch[:EXAMPLES].numpy()]
    for _version in range(VERSIONS):
        x, _targets = augment(batch, truth, augmentation, random)
        versions.append(_to_bytes(x[:EXAMPLES]))
    images = tuple(tuple(encode_thumbnail(version[i]) for version in versions) for i in range(len(versions[0])))
    return AugmentedExamples(tuple(classes[label] for label in labels[indices[:EXAMPLES]].tolist()), images)


def _to_bytes(x: torch.Tensor) -> np.ndarray:
    """Convert float32 (N, C, H, W) in 0..1 to uint8 (N, H, W, C)."""
    pixels: np.ndarray = x.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def store_images(
    path: str | os.PathLike[str],
    split: str,
    predictions: Predictions,
    pixels: ArrayLike,
    indices: np.ndarray,
    examples: AugmentedExamples,
) -> None:
    """Write the images that a report of the ``predictions`` of ``split`` shows, as far as its size allows.

    ``pixels`` are images as the model sees them, uint8 (N, H, W, C), and ``indices`` the place of each predicted image
    among them. A `DiskError` says where the disk is full or not writable.
    """
    count = len(predictions.classes)
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (predictions.labels, predictions.predicted), 1)
    images: dict[int, bytes] = {}
    free = MAX_BYTES
    for image in select_images(predictions, condense_matrix(confusion)).order:
        data = encode_thumbnail(np.asarray(pixels[indices[image]]))
        free -= len(data)
        if free < 0:
            break
        images[image] = data
    save_images(path, StoredImages(split, images, examples))


def save_images(path: str | os.PathLike[str], stored: StoredImages) -> None:
    """Write images.npz, complete or not at all."""
    versions = [image for row in stored.examples.images for image in row]
    arrays = {
        "format": np.array(FORMAT),
        "split": np.array(stored.split),
        "indices": np.array(list(stored.images), dtype=np.int64),
        "classes": np.array(stored.examples.classes, dtype=np.str_),
    }
    for name, images in (("images", list(stored.images.values())), ("examples", versions)):
        arrays[name] = np.frombuffer(b"".join(images), dtype=np.uint8)
        arrays[f"{name}_ends"] = np.cumsum([len(data) for data in images], dtype=np.int64)
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)  # compressed already


def load_images(path: str | os.PathLike[str]) -> StoredImages | None:
    """Read what `save_images` wrote; None where there is no file, as for a table; a `RunError` where it is damaged."""
    if not Path(path).is_file():
        return None
    message = _("{path} is truncated or corrupt: copy it again, or move it away for a report without images.")
    with open_arrays(path, FORMAT, message) as arrays:
        classes = tuple(arrays["classes"].tolist())
        images = dict(zip(arrays["indices"].tolist(), _cut(arrays["images"], arrays["images_ends"]), strict=True))
        versions = _cut(arrays["examples"], arrays["examples_ends"])
        count = len(versions) // max(1, len(classes))
        rows = tuple(tuple(versions[i * count : (i + 1) * count]) for i in range(len(classes)))
        return StoredImages(str(arrays["split"]), images, AugmentedExamples(classes, rows))


def _cut(data: np.ndarray, ends: np.ndarray) -> list[bytes]:
    if data.dtype != np.uint8 or ends.dtype != np.int64 or len(data) != (ends[-1] if len(ends) else 0):
        raise ValueError("images do not fit")
    return [piece.tobytes() for piece in np.split(data, ends)[:-1]]
