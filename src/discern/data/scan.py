"""One pass over every picture: is it whole, how large is it, and what does it look like in a few bytes.

Everything that compares pictures (audit, near-duplicate search, split, the pixel cache's key) reads these columns, so
the files themselves are read once. The answer is kept in the cache folder while the store's stamp stays the same.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from discern.data.dataset import Dataset, Store
from discern.data.picture import decode_reduced
from discern.data.workers import each_batch
from discern.errors import PictureError
from discern.files import cache_folder, replacing
from discern.i18n import _
from discern.progress import Progress, silent

PROBLEMS = ("", "unreadable", "truncated", "empty", "not-a-picture", "bomb")
FORMATS = ("raw", "other", "jpeg", "png", "gif", "bmp", "webp", "tiff")
VERSION = 2  # raise it when a column changes its meaning
SIDE = 32  # side of the grey picture from which the hash and the columns about looks are computed
_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"RIFF", "webp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)


@dataclass(frozen=True, eq=False)
class Facts:
    """What was seen of every picture, one row a picture.

    Attributes
    ----------
    problem : numpy.ndarray
        uint8 (N,), position in `PROBLEMS`; 0 is a good picture. The columns about looks are 0 where there is a problem.
    digest : numpy.ndarray
        uint8 (N, 16), BLAKE2b of the file's bytes, or of the pixels where the source holds them raw.
    size : numpy.ndarray
        int64 (N,), bytes of the file.
    format : numpy.ndarray
        uint8 (N,), position in `FORMATS`.
    width, height : numpy.ndarray
        int32 (N,), pixels, as a person sees the picture (EXIF orientation applied).
    channels : numpy.ndarray
        uint8 (N,), 1 for grey, 3 for colour, 0 where there is a problem.
    phash : numpy.ndarray
        uint64 (N,), perceptual hash: which of the 8 x 8 lowest frequencies of the 32 x 32 grey picture lie above their
        median (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, section 3.2).
    thumbnail : numpy.ndarray
        uint8 (N, 16, 16), grey.
    colour : numpy.ndarray
        uint8 (N, 3), mean red, green and blue.
    deviation : numpy.ndarray
        float32 (N,), standard deviation of the grey levels, 0 to 127.5.
    flat : numpy.ndarray
        float32 (N,), share of the picture within 4 levels of its commonest grey level, 0 to 1.
    vivid : numpy.ndarray
        float32 (N,), mean distance between the strongest and the weakest of red, green and blue, 0 to 255.
    """

    problem: np.ndarray
    digest: np.ndarray
    size: np.ndarray
    format: np.ndarray
    width: np.ndarray
    height: np.ndarray
    channels: np.ndarray
    phash: np.ndarray
    thumbnail: np.ndarray
    colour: np.ndarray
    deviation: np.ndarray
    flat: np.ndarray
    vivid: np.ndarray

    def __len__(self) -> int:
        return len(self.problem)

    @classmethod
    def blank(cls, n: int) -> Facts:
        """``n`` rows of zeros, to be filled."""
        return cls(**{name: np.zeros((n, *shape), dtype) for name, (dtype, shape) in _COLUMNS.items()})

    def put(self, indices: np.ndarray, rows: Facts) -> None:
        """Copy ``rows`` into the rows at ``indices``."""
        for name in _COLUMNS:
            getattr(self, name)[indices] = getattr(rows, name)

    def fingerprint(self, indices: Sequence[int] | np.ndarray | None = None) -> str:
        """32 hexadecimal digits that change when the content or the order of the pictures does.

        Parameters
        ----------
        indices : sequence of int, optional
            The pictures meant; all without it.
        """
        chosen = self.digest if indices is None else self.digest[np.asarray(indices, dtype=np.int64)]
        return hashlib.blake2b(np.ascontiguousarray(chosen).data, digest_size=16).hexdigest()


_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "problem": (np.uint8, ()),
    "digest": (np.uint8, (16,)),
    "size": (np.int64, ()),
    "format": (np.uint8, ()),
    "width": (np.int32, ()),
    "height": (np.int32, ()),
    "channels": (np.uint8, ()),
    "phash": (np.uint64, ()),
    "thumbnail": (np.uint8, (16, 16)),
    "colour": (np.uint8, (3,)),
    "deviation": (np.float32, ()),
    "flat": (np.float32, ()),
    "vivid": (np.float32, ()),
}
assert tuple(_COLUMNS) == tuple(field.name for field in fields(Facts))


def scan(dataset: Dataset, progress: Progress = silent) -> Facts:
    """Look at every picture once, in parallel; a second call reads the answer from the cache folder.

    Broken pictures are recorded in ``problem``, never raised.

    Parameters
    ----------
    dataset : Dataset
        N pictures.
    progress : Progress
        Told after every batch.

    Returns
    -------
    Facts
        N rows.

    Raises
    ------
    DiskError
        When the cache folder may not be written or is full.
    """
    stamp = hashlib.blake2b(f"{VERSION} {len(dataset)} {dataset.store.stamp()}".encode(), digest_size=16).hexdigest()
    kept = cache_folder() / "scan" / f"{stamp}.npz"
    found = _load(kept, len(dataset))
    if found is not None:
        return found
    facts = Facts.blank(len(dataset))
    done = 0
    progress(_("looking at the pictures"), done, len(dataset))
    for indices, rows in each_batch(look, dataset.store, np.arange(len(dataset))):
        facts.put(indices, rows)
        done += len(indices)
        progress(_("looking at the pictures"), done, len(dataset))
    with replacing(kept) as temporary, temporary.open("wb") as file:
        np.savez(file, **{name: getattr(facts, name) for name in _COLUMNS})
    return facts


def _load(path: Path, n: int) -> Facts | None:
    """The columns kept at ``path``; None where they are missing, damaged or of another shape."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            facts = Facts(**{name: arrays[name] for name in _COLUMNS})
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    fits = all(
        getattr(facts, name).shape == (n, *shape) and getattr(facts, name).dtype == dtype
        for name, (dtype, shape) in _COLUMNS.items()
    )
    return facts if fits else None


def look(store: Store, indices: np.ndarray) -> Facts:
    """The rows of `Facts` for the pictures at ``indices``, read here and now."""
    facts = Facts.blank(len(indices))
    small = np.zeros((len(indices), SIDE, SIDE, 3), np.uint8)
    grey = np.zeros((len(indices), SIDE, SIDE), np.uint8)
    for row, index in enumerate(indices.tolist()):
        try:
            data = store.read(index)
        except OSError:
            facts.problem[row] = PROBLEMS.index("unreadable")
            continue
        _weigh(facts, row, data)
        try:
            image, box = decode_reduced(data, 2 * SIDE)
        except PictureError as error:
            facts.problem[row] = PROBLEMS.index(error.kind)
            continue
        facts.width[row], facts.height[row] = _seen_size(data, image)
        facts.channels[row] = len(image.getbands())
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
        grey[row] = np.asarray(image if image.mode == "L" else image.convert("L"))
        small[row] = np.asarray(image).reshape(SIDE, SIDE, -1)
    _describe(facts, grey, small)
    return facts


def _weigh(facts: Facts, row: int, data: bytes | np.ndarray) -> None:
    raw = isinstance(data, np.ndarray)
    encoded = str(data.shape).encode() + data.tobytes() if isinstance(data, np.ndarray) else data
    facts.digest[row] = np.frombuffer(hashlib.blake2b(encoded, digest_size=16).digest(), np.uint8)
    facts.size[row] = data.nbytes if isinstance(data, np.ndarray) else len(data)
    kind = "raw" if raw else next((name for start, name in _SIGNATURES if encoded.startswith(start)), "other")
    facts.format[row] = FORMATS.index(kind)


def _seen_size(data: bytes | np.ndarray, image: Image.Image) -> tuple[int, int]:
    """Width and height of the whole picture, of which ``image`` may be a reduced decoding."""
    if isinstance(data, np.ndarray) or not data.startswith(b"\xff\xd8") or min(image.size) < 2 * SIDE:
        return image.size
    with Image.open(io.BytesIO(data)) as header:
        width, height = header.size
        turned = header.getexif().get(0x0112, 1) >= 5  # EXIF orientations 5 to 8 lie on their side
    return (height, width) if turned else (width, height)


def _describe(facts: Facts, grey: np.ndarray, small: np.ndarray) -> None:
    """Fill the columns about looks from the grey (B, 32, 32) and coloured (B, 32, 32, 3) small pictures."""
    good = facts.problem == 0
    wide = grey.astype(np.uint16)
    rows = wide[:, 0::2] + wide[:, 1::2]
    facts.thumbnail[:] = (rows[:, :, 0::2] + rows[:, :, 1::2] + 2) // 4
    facts.phash[:] = np.where(good, perceptual_hash(grey), 0)
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    facts.colour[:] = np.rint(np.stack([plane.mean(axis=(1, 2)) for plane in (red, green, blue)], axis=1))
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    facts.vivid[:] = (strongest - weakest).mean(axis=(1, 2))
    levels = grey.reshape(len(grey), -1).astype(np.float32)
    levels -= levels.mean(axis=1, keepdims=True)
    facts.deviation[:] = np.sqrt(np.einsum("bp,bp->b", levels, levels) / SIDE**2)
    bins = np.arange(len(grey), dtype=np.int64)[:, None] * 256 + grey.reshape(len(grey), -1)
    histogram = np.bincount(bins.ravel(), minlength=256 * len(grey)).reshape(-1, 256)
    cumulated = np.pad(histogram.cumsum(axis=1), ((0, 0), (5, 4)), mode="edge")
    cumulated[:, :5] = 0
    facts.flat[:] = np.where(good, (cumulated[:, 9:] - cumulated[:, :-9]).max(axis=1) / SIDE**2, 0)


@functools.cache
def _cosines() -> np.ndarray:
    """The 8 lowest rows of the 32-point DCT-II, (8, 32)."""
    frequency, place = np.arange(8)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE)).astype(np.float32)


def perceptual_hash(grey: np.ndarray) -> np.ndarray:
    """64-bit perceptual hash of small grey pictures, changed little by resizing, recompression and brightness.

    Parameters
    ----------
    grey : numpy.ndarray
        uint8 (B, 32, 32).

    Returns
    -------
    numpy.ndarray
        uint64 (B,).

    Examples
    --------
    >>> ramp = np.tile(np.arange(0, 128, 4, dtype=np.uint8), (1, 32, 1))
    >>> bool(perceptual_hash(ramp)[0] == perceptual_hash(ramp + 5)[0])
    True
    """
    low = _cosines() @ grey.astype(np.float32) @ _cosines().T  # (B, 32, 32) -> (B, 8, 8)
    low = np.rint(low.reshape(-1, 64))  # what is flat is 0, not the noise of rounding
    low[:, 0] = 0  # the mean brightness says nothing about what is in the picture
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()
