"""The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): label bytes, then 3 planes of 32 x 32 pixels.

The version for Python is pickled, which could run anything when read, and is not read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset
from discern.data.dataset import ImageDataset, Split
from discern.data.names import normalize_name
from discern.data.raw import RawStore, Records, unpack_members
from discern.errors import DataError
from discern.i18n import _

SHAPE = (3, 32, 32)


@dataclass(frozen=True)
class Layout:
    """Format of one of the two: byte ``label_at`` of the ``before`` bytes in front of the pixels is the label."""

    archive: str
    folder: str
    names: str
    train: tuple[str, ...]
    test: str
    before: int
    label_at: int

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is needed."""
        return (*self.train, self.test, self.names)


CIFAR10 = Layout(
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    names="batches.meta.txt",
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test="test_batch.bin",
    before=1,
    label_at=0,
)
CIFAR100 = Layout(
    archive="cifar-100-binary.tar.gz",
    folder="cifar-100-binary",
    names="fine_label_names.txt",
    train=("train.bin",),
    test="test.bin",
    before=2,  # one of 20 groups of classes, then the class
    label_at=1,
)


def find_cifar_layout(folder: Path) -> Layout | None:
    """Return which CIFAR is in ``folder``, unpacked or as the official archive."""
    for layout in (CIFAR10, CIFAR100):
        places = (folder / layout.test, folder / layout.folder / layout.test, folder / layout.archive)
        if any(place.is_file() for place in places):
            return layout
    return None


def open_cifar(folder: str | Path) -> ImageDataset:
    """Open a folder that holds CIFAR-10 or CIFAR-100 in its binary version, unpacked or as the official archive.

    A `DataError` says which file is missing, damaged or not of this version.
    """
    folder = Path(folder)
    layout = find_cifar_layout(folder)
    if layout is None:
        message = _("{path} has no CIFAR files: put {archive} there.")
        raise DataError(message.format(path=folder, archive=CIFAR10.archive))
    files = _find_files(folder, layout)
    classes = files[layout.names].read_text(encoding="utf-8", errors="replace").split()
    sources = [_records(name, files[name], layout) for name in (*layout.train, layout.test)]
    labels = [source.map()[:, layout.label_at].astype(np.int32) for source in sources]
    if max(int(column.max()) for column in labels) >= len(classes):
        message = _("{path} names fewer classes than there are labels: download it again.")
        raise DataError(message.format(path=files[layout.names]))
    splits = [Split.TRAIN] * len(layout.train) + [Split.TEST]
    return build_dataset(
        origin=str(folder),
        name=normalize_name(folder.resolve().name),
        classes=classes,
        labels=np.concatenate(labels),
        given_split=np.repeat(np.array(splits, np.uint8), [source.count for source in sources]),
        store=RawStore(sources),
    )


def _find_files(folder: Path, layout: Layout) -> dict[str, Path]:
    for place in (folder, folder / layout.folder):
        if (place / layout.test).is_file():
            missing = [name for name in layout.files if not (place / name).is_file()]
            if missing:
                raise DataError(_("{path} lacks the file {name}: put it there.").format(path=place, name=missing[0]))
            return {name: place / name for name in layout.files}
    return unpack_members(folder / layout.archive, layout.files)


def _records(name: str, file: Path, layout: Layout) -> Records:
    length = layout.before + int(np.prod(SHAPE))
    size = file.stat().st_size
    if not size or size % length:
        raise DataError(_("{path} is truncated or corrupt: download it again.").format(path=file))
    return Records(file, name, 0, length, layout.before, SHAPE, size // length)
