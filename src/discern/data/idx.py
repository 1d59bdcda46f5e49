"""The IDX files of MNIST and its relatives (LeCun, http://yann.lecun.com/exdb/mnist): big-endian sizes, then bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from discern.data.assemble import assemble, readable
from discern.data.dataset import Dataset, Part
from discern.data.raw import RawStore, Records, unpacked
from discern.errors import DataError
from discern.i18n import _

_STEMS = {Part.TRAIN: "train", Part.TEST: "t10k"}
_KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def idx_files(folder: Path) -> dict[str, Path]:
    """The IDX files in ``folder`` or its sub-folder ``raw``, packed or not, by their official name without ``.gz``."""
    found = {}
    for place in (folder / "raw", folder):
        for stem in _STEMS.values():
            for name in (f"{stem}-{kind}" for kind in _KINDS):
                for file in (place / f"{name}.gz", place / name.replace("-idx", ".idx"), place / name):
                    if file.is_file():
                        found[name] = file
    return found


def open_idx(folder: str | Path, classes: Sequence[str] = ()) -> Dataset:
    """Open a folder of IDX files: ``train-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte`` and so on, or the same .gz.

    Parameters
    ----------
    folder : str or Path
        Where they are; ``t10k`` is the test part.
    classes : sequence of str
        What the labels 0, 1, ... are called; by default their numbers.

    Raises
    ------
    DataError
        When one is missing, damaged or not IDX.
    """
    folder = Path(folder)
    files = idx_files(folder)
    sources, labels, given = [], [], []
    for part, stem in _STEMS.items():
        names = [f"{stem}-{kind}" for kind in _KINDS]
        if not any(name in files for name in names):
            continue
        missing = next((name for name in names if name not in files), None)
        if missing:
            raise DataError(_("{path} lacks the file {name}: put it there.").format(path=folder, name=missing))
        images, numbers = (_records(files[name]) for name in names)
        if images.count != numbers.count or len(images.shape) != 2 or numbers.shape:
            raise DataError(
                _("The files {first} and {second} in {path} do not belong together: download them again.").format(
                    first=names[0], second=names[1], path=folder
                )
            )
        sources.append(images)
        labels.append(numbers.map()[:, 0].astype(np.int32))
        given.append(np.full(images.count, part))
    if not sources:
        raise DataError(_("{path} holds no IDX files: put them there.").format(path=folder))
    every = np.concatenate(labels)
    if len(classes) <= every.max():
        classes = [str(number) for number in range(int(every.max()) + 1)]
    return assemble(
        origin=str(folder),
        name=readable(folder.resolve().name),
        classes=classes,
        labels=every,
        given=np.concatenate(given),
        store=RawStore(sources),
        part_names={stem: part for part, stem in _STEMS.items()},
    )


def _records(file: Path) -> Records:
    plain = unpacked(file) if file.suffix == ".gz" else file
    with plain.open("rb") as opened:
        start = opened.read(4)
        dimensions = start[3] if start[:3] == b"\0\0\x08" and len(start) == 4 else 0  # 08: unsigned bytes
        sizes = np.frombuffer(opened.read(4 * dimensions), ">u4").astype(np.int64).tolist()
    header = 4 + 4 * dimensions
    length = int(np.prod(sizes[1:], dtype=np.int64))
    whole = 0 < dimensions <= 3 and len(sizes) == dimensions and length > 0 and sizes[0] > 0
    if not whole or plain.stat().st_size != header + sizes[0] * length:
        raise DataError(_("{path} is not a whole IDX file: download it again.").format(path=file))
    name = file.name.removesuffix(".gz")
    return Records(plain, name, header, length, 0, tuple(sizes[1:]), sizes[0])
