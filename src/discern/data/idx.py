"""The IDX files of MNIST and its relatives (LeCun, http://yann.lecun.com/exdb/mnist): big-endian sizes, then bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset
from discern.data.dataset import ImageDataset, Split
from discern.data.names import normalize_name
from discern.data.raw import RawStore, Records, unpack_gzip
from discern.errors import DataError
from discern.i18n import _

_STEMS = {Split.TRAIN: "train", Split.TEST: "t10k"}
_KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def find_idx_files(folder: Path) -> dict[str, Path]:
    """Find the IDX files in ``folder`` or its sub-folder ``raw``, packed or not, by official name without ``.gz``."""
    files = {}
    for place in (folder / "raw", folder):
        for stem in _STEMS.values():
            for name in (f"{stem}-{kind}" for kind in _KINDS):
                for file in (place / f"{name}.gz", place / name.replace("-idx", ".idx"), place / name):
                    if file.is_file():
                        files[name] = file
    return files


def open_idx(folder: str | Path, classes: Sequence[str] = ()) -> ImageDataset:
    """Open a folder of IDX files: ``train-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte`` and so on, or the same .gz.

    ``t10k`` is the test split; ``classes`` names the labels 0, 1, ..., by default with their numbers. A `DataError`
    says which file is missing, damaged or not IDX.
    """
    folder = Path(folder)
    files = find_idx_files(folder)
    sources, labels, given_split = [], [], []
    for split, stem in _STEMS.items():
        names = [f"{stem}-{kind}" for kind in _KINDS]
        missing = [name for name in names if name not in files]
        if len(missing) == len(names):
            continue
        if missing:
            raise DataError(_("{path} lacks the file {name}: put it there.").format(path=folder, name=missing[0]))
        images, numbers = (_records(files[name]) for name in names)
        if images.count != numbers.count or len(images.shape) != 2 or numbers.shape:
            message = _("The files {first} and {second} in {path} do not belong together: download them again.")
            raise DataError(message.format(first=names[0], second=names[1], path=folder))
        sources.append(images)
        labels.append(numbers.map()[:, 0].astype(np.int32))
        given_split.append(np.full(images.count, split))
    if not sources:
        raise DataError(_("{path} has no IDX files: put them there.").format(path=folder))
    all_labels = np.concatenate(labels)
    if len(classes) <= all_labels.max():
        classes = [str(number) for number in range(int(all_labels.max()) + 1)]
    return build_dataset(
        origin=str(folder),
        name=normalize_name(folder.resolve().name),
        classes=classes,
        labels=all_labels,
        given_split=np.concatenate(given_split),
        store=RawStore(sources),
        split_names={stem: split for split, stem in _STEMS.items()},
    )


def _records(file: Path) -> Records:
    plain = unpack_gzip(file) if file.suffix == ".gz" else file
    with plain.open("rb") as opened:
        start = opened.read(4)
        dimensions = start[3] if start[:3] == b"\0\0\x08" and len(start) == 4 else 0  # 08: unsigned bytes
        sizes = np.frombuffer(opened.read(4 * dimensions), ">u4").astype(np.int64).tolist()
    header = 4 + 4 * dimensions
    length = int(np.prod(sizes[1:], dtype=np.int64))
    is_valid = 0 < dimensions <= 3 and len(sizes) == dimensions and length > 0 and sizes[0] > 0
    if not is_valid or plain.stat().st_size != header + sizes[0] * length:
        raise DataError(_("{path} is truncated or corrupt: download it again.").format(path=file))
    name = file.name.removesuffix(".gz")
    return Records(plain, name, header, length, 0, tuple(sizes[1:]), sizes[0])
