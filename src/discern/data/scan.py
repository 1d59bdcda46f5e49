"""One pass over every image: is it valid, how large is it, and what does it look like in a few bytes.

Everything that compares images (audit, duplicate search, split, the pixel cache's key) reads these columns, so the
files themselves are read once. They are cached while the store's version key stays the same.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
from PIL import Image

from discern.data.dataset import Dataset, Store
from discern.data.image import decode_reduced
from discern.data.workers import map_batches
from discern.errors import ImageError
from discern.files import atomic_write, cache_folder
from discern.i18n import _
from discern.progress import Progress, ignore_progress

PROBLEMS = ("", "unreadable", "truncated", "empty", "not_an_image", "decompression_bomb", "missing")
FORMATS = ("raw", "other", "jpeg", "png", "gif", "bmp", "webp", "tiff")
VERSION = 4  # raise it when a column changes its meaning
SIDE = 32  # side of the small image from which the hash and the appearance are computed
_SIGNATURES: dict[str, bytes | tuple[bytes, ...]] = {
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG",
    "gif": b"GIF8",
    "bmp": b"BM",
    "webp": b"RIFF",
    "tiff": (b"II*\0", b"MM\0*"),
}


@dataclass(frozen=True, eq=False)
class ImageStats:
    """Statistics of N images: columns, annotated with the type of one image's element, as numpy writes it.

    The columns of appearance are 0 where there is a problem.
    """

    problem: Annotated[np.ndarray, "uint8"]  # position in `PROBLEMS`; 0 is a good image
    digest: Annotated[np.ndarray, "16uint8"]  # BLAKE2b of the file, or of the pixels where the source holds them raw
    size: Annotated[np.ndarray, "int64"]  # bytes of the file
    format: Annotated[np.ndarray, "uint8"]  # position in `FORMATS`
    width: Annotated[np.ndarray, "int32"]  # pixels of the upright image (EXIF orientation applied)
    height: Annotated[np.ndarray, "int32"]
    channels: Annotated[np.ndarray, "uint8"]  # 1 for gray, 3 for color, 0 where there is a problem
    phash: Annotated[np.ndarray, "uint64"]  # perceptual hash, see `compute_phash`
    thumbnail: Annotated[np.ndarray, "(16,16)uint8"]  # gray
    mean_color: Annotated[np.ndarray, "3uint8"]  # mean red, green and blue
    deviation: Annotated[np.ndarray, "float32"]  # standard deviation of the gray levels, 0 to 127.5
    flat: Annotated[np.ndarray, "float32"]  # fraction within 4 levels of the most common gray level, 0 to 1
    colorfulness: Annotated[np.ndarray, "float32"]  # mean distance from weakest to strongest of R, G and B, 0 to 255

    def __len__(self) -> int:
        return len(self.problem)

    @classmethod
    def blank(cls, n: int) -> ImageStats:
        """Return ``n`` elements of zeros, to be filled."""
        annotations = get_type_hints(cls, include_extras=True)
        return cls(**{name: np.zeros(n, kind.__metadata__[0]) for name, kind in annotations.items()})

    def columns(self) -> dict[str, Any]:
        """Return the columns by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    def fingerprint(self, indices: Sequence[int] | np.ndarray | None = None) -> str:
        """Return 32 hexadecimal digits that change when content or order of the images at ``indices`` (all) does."""
        digests = self.digest if indices is None else self.digest[np.asarray(indices, dtype=np.int64)]
        return hashlib.blake2b(np.ascontiguousarray(digests).data, digest_size=16).hexdigest()


def scan_images(dataset: Dataset, progress: Progress = ignore_progress) -> ImageStats:
    """Read every image once, in parallel; a second call reads the statistics from the cache folder.

    Broken images are recorded in ``problem``, never raised; a `DiskError` says where the cache folder is not writable
    or full. ``progress`` is called after every batch.
    """
    version = f"{VERSION} {len(dataset)} {dataset.store.version_key()}"
    key = hashlib.blake2b(version.encode(), digest_size=16).hexdigest()
    cache_file = cache_folder() / "scan" / f"{key}.npz"
    cached = _load(cache_file, len(dataset))
    if cached is not None:
        return cached
    stats = ImageStats.blank(len(dataset))
    what = _("scanning the images")
    for indices, batch in map_batches(scan_batch, dataset.store, np.arange(len(dataset)), what, progress):
        for name, column in stats.columns().items():
            column[indices] = getattr(batch, name)
    with atomic_write(cache_file) as temporary, temporary.open("wb") as file:
        np.savez(file, **stats.columns())
    return stats


def _load(path: Path, n: int) -> ImageStats | None:
    """Read the columns at ``path``; None where they are missing, damaged or of another shape."""
    blank = ImageStats.blank(n).columns()
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            columns = {name: arrays[name] for name in blank}
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    fits = all(
        columns[name].shape == zeros.shape and columns[name].dtype == zeros.dtype for name, zeros in blank.items()
    )
    return ImageStats(**columns) if fits else None


def scan_batch(store: Store, indices: np.ndarray) -> ImageStats:
    """Compute the statistics of the images at ``indices``, here and now."""
    stats = ImageStats.blank(len(indices))
    color = np.zeros((len(indices), SIDE, SIDE, 3), np.uint8)
    gray = np.zeros((len(indices), SIDE, SIDE), np.uint8)
    for position, index in enumerate(indices.tolist()):
        try:
            data = store.read(index)
        except OSError as error:
            problem = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
            stats.problem[position] = PROBLEMS.index(problem)
            continue
        _fill_file_columns(stats, position, data)
        try:
            pil_image, box = decode_reduced(data, 2 * SIDE)
        except ImageError as error:
            stats.problem[position] = PROBLEMS.index(error.kind)
            continue
        stats.width[position], stats.height[position] = _full_size(data, pil_image)
        stats.channels[position] = len(pil_image.getbands())
        pil_image = pil_image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        gray[position] = np.asarray(pil_image if pil_image.mode == "L" else pil_image.convert("L"))
        color[position] = np.asarray(pil_image).reshape(SIDE, SIDE, -1)
    _fill_appearance(stats, gray, color)
    return stats


def _fill_file_columns(stats: ImageStats, position: int, data: bytes | np.ndarray) -> None:
    """Fill digest, size and format of one image from what the store gives."""
    if isinstance(data, np.ndarray):
        encoded, size, name = str(data.shape).encode() + data.tobytes(), data.nbytes, "raw"
    else:
        name = next((name for name, signature in _SIGNATURES.items() if data.startswith(signature)), "other")
        encoded, size = data, len(data)
    stats.digest[position] = np.frombuffer(hashlib.blake2b(encoded, digest_size=16).digest(), np.uint8)
    stats.size[position], stats.format[position] = size, FORMATS.index(name)


def _full_size(data: bytes | np.ndarray, pil_image: Image.Image) -> tuple[int, int]:
    """Return width and height of the image, of which ``pil_image`` may be a reduced decoding."""
    if isinstance(data, np.ndarray) or not data.startswith(b"\xff\xd8") or min(pil_image.size) < 2 * SIDE:
        return pil_image.size
    with Image.open(io.BytesIO(data)) as header:
        width, height = header.size
        is_turned = header.getexif().get(0x0112, 1) >= 5  # EXIF orientations 5 to 8 lie on their side
    return (height, width) if is_turned else (width, height)


def _fill_appearance(stats: ImageStats, gray: np.ndarray, color: np.ndarray) -> None:
    """Fill the columns of appearance from the small images: gray (B, 32, 32) and color (B, 32, 32, 3)."""
    good = stats.problem == 0
    wide = gray.astype(np.uint16)
    halved = wide[:, 0::2] + wide[:, 1::2]
    stats.thumbnail[:] = (halved[:, :, 0::2] + halved[:, :, 1::2] + 2) // 4  # rounded mean of 2 x 2
    stats.phash[:] = np.where(good, compute_phash(gray), 0)
    red, green, blue = color[..., 0], color[..., 1], color[..., 2]
    stats.mean_color[:] = np.rint(np.stack([plane.mean(axis=(1, 2)) for plane in (red, green, blue)], axis=1))
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    stats.colorfulness[:] = (strongest - weakest).mean(axis=(1, 2))
    levels = gray.reshape(len(gray), -1).astype(np.float32)
    levels -= levels.mean(axis=1, keepdims=True)
    stats.deviation[:] = np.sqrt(np.einsum("bp,bp->b", levels, levels) / SIDE**2)
    # One bincount for all images: each has 256 bins of its own. Differences of the cumulated histogram then are the
    # pixels in every window of 9 neighboring levels, and the fullest window is the flat part.
    bins = np.arange(len(gray), dtype=np.int64)[:, None] * 256 + gray.reshape(len(gray), -1)
    histogram = np.bincount(bins.ravel(), minlength=256 * len(gray)).reshape(-1, 256)
    cumulated = np.pad(histogram.cumsum(axis=1), ((0, 0), (5, 4)), mode="edge")
    cumulated[:, :5] = 0
    stats.flat[:] = np.where(good, (cumulated[:, 9:] - cumulated[:, :-9]).max(axis=1) / SIDE**2, 0)


@functools.cache
def _dct_rows() -> np.ndarray:
    """Return the 8 lowest rows of the 32-point DCT-II, (8, 32)."""
    frequency, position = np.arange(8)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * frequency * (2 * position + 1) / (2 * SIDE)).astype(np.float32)


def compute_phash(gray: np.ndarray) -> np.ndarray:
    """Compute the 64-bit perceptual hash of small gray images: uint8 (B, 32, 32) -> uint64 (B,).

    It says which of the 8 x 8 lowest frequencies lie above their median (Zauner, "Implementation and Benchmarking of
    Perceptual Image Hash Functions", 2010, section 3.2), which resizing, recompression and brightness change little.

    Examples
    --------
    >>> ramp = np.tile(np.arange(0, 128, 4, dtype=np.uint8), (1, 32, 1))
    >>> bool(compute_phash(ramp)[0] == compute_phash(ramp + 5)[0])
    True
    """
    low = _dct_rows() @ gray.astype(np.float32) @ _dct_rows().T  # (B, 32, 32) -> (B, 8, 8)
    low = np.rint(low.reshape(-1, 64))  # what is flat is 0, not the noise of rounding
    low[:, 0] = 0  # the mean brightness says nothing about what is in the image
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()
