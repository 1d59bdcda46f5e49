"""pictures.npz: small copies of the pictures that the report shows, kept in the run so that it needs no others.

One .npz of encoded bytes, end to end, and not a folder of files: it is written whole or not at all, moves with the run
as one thing, and a thousand thumbnails do not take a thousand blocks of the disk.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from discern.arrays import Rows
from discern.errors import RunError
from discern.evaluation.predictions import Predictions
from discern.evaluation.report.choice import choose, shown
from discern.files import replacing
from discern.i18n import _
from discern.preprocess.augment import Augmentation, augment
from discern.runtime import generator

FORMAT = 1
SIDE = 96  # pixels of a thumbnail
LOSSLESS = 48  # pixels a side up to which JPEG would show
MOST_BYTES = 1_400_000  # of held-out pictures; a page takes 4/3 of it
EXAMPLES, VERSIONS, BATCH = 4, 5, 16  # training pictures shown, how often each, and among how many they are mixed


@dataclass(frozen=True)
class Samples:
    """Training pictures, and what augmentation makes of them.

    Attributes
    ----------
    classes : tuple of str
        (N,) what they show.
    pictures : tuple
        N rows of encoded pictures: as it is, then versions of it.
    """

    classes: tuple[str, ...]
    pictures: tuple[tuple[bytes, ...], ...]


NO_SAMPLES = Samples((), ())


@dataclass(frozen=True)
class Kept:
    """What pictures.npz holds.

    Attributes
    ----------
    part : str
        The part that ``pictures`` are of.
    pictures : dict
        Row of the predictions -> PNG or JPEG.
    samples : Samples
        Empty where pictures were not augmented.
    """

    part: str
    pictures: dict[int, bytes]
    samples: Samples = NO_SAMPLES


def encoded(pixels: np.ndarray) -> bytes:
    """A picture uint8 (H, W, C) as it is shown: at most 96 pixels a side, PNG where it is tiny, else JPEG.

    Examples
    --------
    >>> encoded(np.zeros((8, 8, 1), np.uint8))[1:4]
    b'PNG'
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(data, "PNG", optimize=True)
    else:
        image.save(data, "JPEG", quality=80, optimize=True)
    return data.getvalue()


def augmented(
    pixels: Rows,
    labels: np.ndarray,
    train: np.ndarray,
    classes: Sequence[str],
    settings: Augmentation,
    seed: int,
) -> Samples:
    """Some training pictures as they are, and as the network sees them in training.

    Parameters
    ----------
    pixels : Rows
        uint8 (N, H, W, C).
    labels : numpy.ndarray
        int (N,) positions in ``classes``.
    train : numpy.ndarray
        int rows of the training part.
    """
    if settings == Augmentation():
        return NO_SAMPLES
    picked = generator(seed, "report")
    rows = train[torch.randperm(len(train), generator=picked)[:BATCH].numpy()]
    _classes, first = np.unique(labels[rows], return_index=True)  # of different classes, as far as there are
    rows = rows[list(dict.fromkeys([*first.tolist(), *range(len(rows))]))]
    batch, truth = torch.from_numpy(np.ascontiguousarray(pixels[rows])), torch.from_numpy(labels[rows])
    turns = [batch[:EXAMPLES].numpy()]
    for _version in range(VERSIONS):
        x, _targets = augment(batch, truth, settings, picked)
        turns.append(_bytes(x[:EXAMPLES]))
    pictures = tuple(tuple(encoded(turn[i]) for turn in turns) for i in range(len(turns[0])))
    return Samples(tuple(classes[label] for label in labels[rows[:EXAMPLES]].tolist()), pictures)


def _bytes(x: torch.Tensor) -> np.ndarray:
    """float32 (N, C, H, W) in 0..1 -> uint8 (N, H, W, C)."""
    found: np.ndarray = x.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return found


def keep(
    path: str | os.PathLike[str],
    part: str,
    predictions: Predictions,
    pixels: Rows,
    rows: np.ndarray,
    samples: Samples,
) -> None:
    """Write the pictures that a report of ``predictions`` shows, as far as its size allows.

    Parameters
    ----------
    part : str
        The part that was predicted.
    pixels : Rows
        uint8 (N, H, W, C): pictures as the model sees them.
    rows : numpy.ndarray
        int (len(predictions),): where each predicted picture stands in ``pixels``.

    Raises
    ------
    DiskError
        When the disk is full or may not be written.
    """
    count = len(predictions.classes)
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (predictions.labels, predictions.predicted), 1)
    found: dict[int, bytes] = {}
    room = MOST_BYTES
    for picture in choose(predictions, shown(confusion)).order:
        data = encoded(np.asarray(pixels[rows[picture]]))
        room -= len(data)
        if room < 0:
            break
        found[picture] = data
    save_kept(path, Kept(part, found, samples))


def save_kept(path: str | os.PathLike[str], kept: Kept) -> None:
    """Write pictures.npz, whole or not at all."""
    versions = [picture for row in kept.samples.pictures for picture in row]
    arrays = {
        "format": np.array(FORMAT),
        "part": np.array(kept.part),
        "rows": np.array(list(kept.pictures), dtype=np.int64),
        "classes": np.array(kept.samples.classes, dtype=np.str_),
    }
    for name, pictures in (("pictures", list(kept.pictures.values())), ("samples", versions)):
        arrays[name] = np.frombuffer(b"".join(pictures), dtype=np.uint8)
        arrays[f"{name}_ends"] = np.cumsum([len(data) for data in pictures], dtype=np.int64)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)  # compressed already


def load_kept(path: str | os.PathLike[str]) -> Kept | None:
    """What `save_kept` wrote; None in a run of before there was such a file.

    Raises
    ------
    RunError
        When it is damaged.
    """
    if not Path(path).is_file():
        return None
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            if int(held["format"]) != FORMAT:
                raise ValueError(f"format {held['format']}")
            classes = tuple(held["classes"].tolist())
            pictures = dict(zip(held["rows"].tolist(), _cut(held["pictures"], held["pictures_ends"]), strict=True))
            versions = _cut(held["samples"], held["samples_ends"])
            many = len(versions) // max(1, len(classes))
            rows = tuple(tuple(versions[i * many : (i + 1) * many]) for i in range(len(classes)))
            return Kept(str(held["part"]), pictures, Samples(classes, rows))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        sentence = _("{path} is damaged: delete it, and the report is made without pictures.")
        raise RunError(sentence.format(path=path)) from error


def _cut(data: np.ndarray, ends: np.ndarray) -> list[bytes]:
    if data.dtype != np.uint8 or ends.dtype != np.int64 or len(data) != (ends[-1] if len(ends) else 0):
        raise ValueError("pictures do not fit")
    return [piece.tobytes() for piece in np.split(data, ends)[:-1]]
