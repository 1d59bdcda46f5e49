"""webdataset shards: tar files in which ``key.jpg`` and ``key.cls``, or ``key.json``, belong together.

The shards are indexed, not unpacked: an image is one read at its offset, so they are audited, split, cached and
predicted as any other source is. Only images and labels are read: other members, some of which other readers of this
format would run (.pyd, .pickle), are ignored; sources that name a command (``pipe:``) or an address are refused.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.dataset import ImageDataset, Split, Store, hash_versions
from discern.data.file_pattern import expand_pattern
from discern.data.image import is_image_name
from discern.data.names import abbreviate, normalize_name, split_from_name
from discern.data.tar_file import Member, list_members, read_at
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

PREFIX = "wds:"
MAX_LABEL_BYTES = 1 << 20  # of a .cls or .json
_FIELDS = ("label", "class", "cls")  # of a .json, in this order

Label = int | str | None


class ShardStore(Store):
    """Reads images at their offsets in tar files.

    Of each image: int32 (N,) its position in ``shards``, ascending; int64 (N, 2) offset and length; bytes (N,) its
    name in the shard.
    """

    def __init__(self, shards: Sequence[Path], shard: np.ndarray, extents: np.ndarray, names: np.ndarray) -> None:
        self.shards, self.shard = tuple(shards), shard
        self._extents, self._names = extents, names
        self._files = [os.fspath(path) for path in shards]
        root = os.path.commonpath([path.parent for path in shards])
        self._shard_names = [normalize_name(path.relative_to(root).as_posix()) for path in shards]

    def __len__(self) -> int:
        return len(self.shard)

    def read(self, index: int) -> bytes:
        offset, size = self._extents[index].tolist()
        return read_at(self._files[self.shard[index]], offset, size)

    def path(self, index: int) -> str:
        return f"{self._shard_names[self.shard[index]]}/{normalize_name(os.fsdecode(self._names[index]))}"

    def version_key(self) -> str:
        return hash_versions((path,) for path in self.shards)


def open_shards(source: str) -> ImageDataset:
    """Open webdataset shards.

    Indexing reads the headers and labels of all shards, some 50 microseconds an image, every time.

    A label is a number or a name, in ``key.cls`` or as ``label``, ``class`` or ``cls`` of ``key.json``; the numbers are
    lines of a ``classes.txt`` beside the shards, where there is one. A shard with train, val or test as a word of its
    name, or of its folder's, is of that split.

    ``source`` is ``wds:`` and a file, a folder of .tar files, or a pattern: ``wds:fruit/train-{000..009}.tar``,
    ``wds:*.tar``. A `DataError` says where there is no such shard, one is compressed, corrupt or without images, or a
    label is missing or invalid.
    """
    shards = _find_files(source.removeprefix(PREFIX))
    indexed = [_index(path) for path in shards]
    labels = [label for index in indexed for label in index.labels]
    if all(label is None for label in labels):
        message = _(
            "No image in {path} has a label: a shard has, beside each key.jpg, a key.cls with the class, or a "
            "key.json with it as label."
        )
        raise DataError(message.format(path=source))
    classes, numbers = number_classes(source, labels, _read_class_names(shards))
    counts = [len(index.labels) for index in indexed]
    ignored = sum((index.ignored for index in indexed), Counter[str]())
    notices = []
    if ignored:
        kinds = abbreviate([kind for kind, _count in ignored.most_common()])
        notices.append(Notice("data.shard_members_ignored", {"n": ignored.total(), "kinds": kinds}))
    members = [member for index in indexed for member in index.images]
    return build_dataset(
        origin=PREFIX + os.path.abspath(Path(source.removeprefix(PREFIX)).expanduser()),  # noqa: PTH100 - a pattern
        name=_dataset_name(shards),
        classes=classes,
        labels=numbers,
        given_split=np.repeat(np.array([_split_of(path) for path in shards], np.uint8), counts),
        store=ShardStore(
            shards,
            np.repeat(np.arange(len(shards), dtype=np.int32), counts),
            np.array([(member.offset, member.size) for member in members], np.int64),
            np.array([os.fsencode(member.name) for member in members]),
        ),
        notices=notices,
    )


@dataclass
class _Index:
    """The images of a shard, their labels, and how many members of which kind were ignored."""

    images: list[Member] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def _index(shard: Path) -> _Index:
    """Join what has one key: all of a name up to the first dot after its folders, as webdataset does."""
    index, labels, images = _Index(), dict[str, Label](), dict[str, Member]()
    dotted: dict[str, bool] = {}  # names up to their last dot, where that is not the first: whether one is an image's
    for member in list_members(shard):
        folder, slash, base = member.name.rpartition("/")
        if base.count(".") > 1 and (is_image_name(base) or base.endswith((".cls", ".json"))):
            _check_key(shard, member, dotted)
        stem, _dot, kind = base.partition(".")
        key, kind = folder + slash + stem, f".{kind.lower()}"
        if stem and is_image_name(base) and key not in images:
            images[key] = member
        elif kind in (".cls", ".json"):
            label = _read_label(shard, member, is_json=kind == ".json")
            if label is not None:
                labels[key] = label
        else:
            index.ignored[kind] += 1
    if not images:
        raise DataError(_("{path} has no images: leave it out, or create it again.").format(path=shard))
    index.images = list(images.values())
    index.labels = [labels.get(key) for key in images]
    return index


def _check_key(shard: Path, member: Member, dotted: dict[str, bool]) -> None:
    """Raise a `DataError` where an image and its label share a name with dots: their key ends before it does."""
    name, is_image = member.name.rpartition(".")[0], is_image_name(member.name)
    if dotted.setdefault(name, is_image) != is_image:
        message = _(
            "{path} has keys with dots ({member}): a key of webdataset ends at its first dot, so images and labels do "
            "not find each other; create the shards again with another character for the dots."
        )
        raise DataError(message.format(path=shard, member=normalize_name(member.name)))


def _read_label(shard: Path, member: Member, is_json: bool) -> Label:
    """Read the class from a .cls or .json; None where a .json has none."""
    try:
        if member.size > MAX_LABEL_BYTES:
            raise ValueError
        value: object = read_at(shard, member.offset, member.size).decode()
        if is_json:
            content = json.loads(str(value))
            fields = content if isinstance(content, dict) else {}
            value = next((fields[name] for name in _FIELDS if name in fields), None)
        if not isinstance(value, int | str | None) or isinstance(value, bool):
            raise ValueError
    except (ValueError, RecursionError) as error:
        message = _("{path} has no class in {member}: write one number or one name there.")
        raise DataError(message.format(path=shard, member=normalize_name(member.name))) from error
    if isinstance(value, str):
        value = normalize_name(value.strip())
        return int(value) if re.fullmatch("-?[0-9]{1,9}", value) else value or None
    return value


def _find_files(pattern: str) -> list[Path]:
    if pattern.lower().startswith("pipe:"):
        message = _("{source} is a command, and discern never runs what it reads: name the tar files it would read.")
        raise DataError(message.format(source=PREFIX + pattern))
    if re.match("[A-Za-z][A-Za-z0-9+.-]+:", pattern):
        message = _("{source} is an address: download the shards, and name their files.")
        raise DataError(message.format(source=PREFIX + pattern))
    return expand_pattern(str(Path(pattern).expanduser()), ".tar")


def _read_class_names(shards: Sequence[Path]) -> tuple[str, ...]:
    """Read the lines of ``classes.txt``, where there is one."""
    file = shards[0].with_name("classes.txt")
    if not file.is_file():
        return ()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(_("{path} is not UTF-8 text: save it as UTF-8.").format(path=file)) from error
    return tuple(normalize_name(line.strip()) for line in lines if line.strip())


def _words(name: str) -> list[str]:
    return re.split(r"[-_. ]+", name)


def _split_of(shard: Path) -> Split:
    """Return the split that the first such word of its name means, else of its folder's."""
    words = [*_words(shard.name), *_words(shard.parent.name)]
    return next((split for split in map(split_from_name, words) if split != Split.NONE), Split.NONE)


def _dataset_name(shards: Sequence[Path]) -> str:
    """Return the name of the first shard without its number and its split; else that of their folder."""
    words = [word for word in _words(shards[0].stem) if split_from_name(word) == Split.NONE and not word.isdigit()]
    name = "-".join(filter(None, words))
    return normalize_name(shards[0].resolve().parent.name if name.lower() in ("", "shard", "part") else name)
