"""webdataset shards: tar files in which ``key.jpg`` and ``key.cls``, or ``key.json``, belong together.

The shards are indexed, not unpacked: a picture is one read at its place, so they are audited, split, cached and
predicted as any other source is. Only pictures and labels are read: other members, some of which other readers of this
format would run (.pyd, .pickle), are passed over, as are sources that name a command (``pipe:``) or an address.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from discern.data.assemble import assemble, class_numbers, part_named, readable, shortened
from discern.data.dataset import UNLABELLED, Dataset, Part, Store
from discern.data.paths import expanded
from discern.data.picture import is_picture_name
from discern.data.tars import Member, members, read_at
from discern.errors import DataError
from discern.i18n import _

PREFIX = "wds:"
MOST_LABEL = 1 << 20  # bytes of a .cls or .json
_FIELDS = ("label", "class", "cls")  # of a .json, in this order

Label = int | str | None


class ShardStore(Store):
    """Reads pictures at their places in tar files.

    Parameters
    ----------
    shards : sequence of Path
        The tar files.
    shard : numpy.ndarray
        int32 (N,), which of them holds each picture; ascending.
    places : numpy.ndarray
        int64 (N, 2), first byte and length of each.
    names : numpy.ndarray
        Bytes (N,), the name of each in its shard.
    """

    def __init__(self, shards: Sequence[Path], shard: np.ndarray, places: np.ndarray, names: np.ndarray) -> None:
        self.shards, self.shard = tuple(shards), shard
        self._places, self._names = places, names
        self._files = [os.fspath(path) for path in shards]
        root = os.path.commonpath([path.parent for path in shards])
        self._called = [readable(path.relative_to(root).as_posix()) for path in shards]

    def __len__(self) -> int:
        return len(self.shard)

    def read(self, index: int) -> bytes:
        offset, size = self._places[index].tolist()
        return read_at(self._files[self.shard[index]], offset, size)

    def path(self, index: int) -> str:
        return f"{self._called[self.shard[index]]}/{readable(os.fsdecode(self._names[index]))}"

    def stamp(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for path in self.shards:
            found = path.stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def open_shards(source: str) -> Dataset:
    """Open webdataset shards.

    Indexing reads the headers and labels of all shards, some 50 microseconds a picture, every time.

    A label is a number or a name, in ``key.cls`` or as ``label``, ``class`` or ``cls`` of ``key.json``; the numbers are
    lines of a ``classes.txt`` beside the shards, where there is one. A shard with train, val or test as a word of its
    name, or of its folder's, is of that part.

    Parameters
    ----------
    source : str
        ``wds:`` and a file, a folder of .tar files, or a pattern: ``wds:fruit/train-{000..009}.tar``, ``wds:*.tar``.

    Raises
    ------
    DataError
        When there is no such shard, one is compressed, damaged or without pictures, or a label is missing or none.
    """
    shards = _files(source.removeprefix(PREFIX))
    indexed = [_index(path) for path in shards]
    labels = [label for index in indexed for label in index.labels]
    if all(label is None for label in labels):
        raise DataError(
            _(
                "No picture in {path} has a label: a shard has, beside each key.jpg, a key.cls with the class, or a "
                "key.json with it as label."
            ).format(path=source)
        )
    classes, number = class_numbers(source, labels, _names_beside(shards))
    counts = [len(index.labels) for index in indexed]
    passed = sum((index.passed for index in indexed), Counter[str]())
    notes = []
    if passed:
        kinds = shortened([kind for kind, _count in passed.most_common()])
        sentence = _("Only pictures and labels are read of the shards; {n} other files are passed over: {kinds}.")
        notes.append(sentence.format(n=passed.total(), kinds=kinds))
    parts = [_part(path) for path in shards]
    return assemble(
        origin=PREFIX + os.path.abspath(Path(source.removeprefix(PREFIX)).expanduser()),  # noqa: PTH100 - a pattern
        name=_name(shards),
        classes=classes,
        labels=np.array([number.get(label, UNLABELLED) for label in labels], np.int32),
        given=np.repeat(np.array(parts, np.uint8), counts),
        store=ShardStore(
            shards,
            np.repeat(np.arange(len(shards), dtype=np.int32), counts),
            np.array([(m.offset, m.size) for index in indexed for m in index.pictures], np.int64),
            np.array([os.fsencode(m.name) for index in indexed for m in index.pictures]),
        ),
        notes=notes,
    )


@dataclass
class _Index:
    """The pictures of a shard, their labels, and how many members of which kind were passed over."""

    pictures: list[Member] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)


def _index(shard: Path) -> _Index:
    """Bring together what has one key: all of a name up to the first dot after its folders, as webdataset does."""
    found, labels, pictures = _Index(), dict[str, Label](), dict[str, Member]()
    for member in members(shard):
        folder, slash, base = member.name.rpartition("/")
        stem, _dot, kind = base.partition(".")
        key, kind = folder + slash + stem, f".{kind.lower()}"
        if stem and is_picture_name(base) and key not in pictures:
            pictures[key] = member
        elif kind in (".cls", ".json"):
            label = _label(shard, member, is_json=kind == ".json")
            if label is not None:
                labels[key] = label
        else:
            found.passed[kind] += 1
    if not pictures:
        raise DataError(_("{path} holds no pictures: leave it out, or make it again.").format(path=shard))
    found.pictures = list(pictures.values())
    found.labels = [labels.get(key) for key in pictures]
    return found


def _label(shard: Path, member: Member, is_json: bool) -> Label:
    """What a .cls or .json says; None where a .json says nothing of a class."""
    try:
        if member.size > MOST_LABEL:
            raise ValueError
        value: object = read_at(shard, member.offset, member.size).decode()
        if is_json:
            held = json.loads(str(value))
            value = next((held[name] for name in _FIELDS if name in held), None) if isinstance(held, dict) else None
        if not isinstance(value, int | str | None) or isinstance(value, bool):
            raise ValueError
    except (ValueError, RecursionError) as error:
        sentence = _("{path} has no class in {member}: write one number or one name there.")
        raise DataError(sentence.format(path=shard, member=readable(member.name))) from error
    if isinstance(value, str):
        value = readable(value.strip())
        return int(value) if re.fullmatch("-?[0-9]{1,9}", value) else value or None
    return value


def _files(pattern: str) -> list[Path]:
    if pattern.lower().startswith("pipe:"):
        raise DataError(
            _("{source} is a command, and what comes from elsewhere is never run: give the tar files it would read.")
            .format(source=PREFIX + pattern)
        )  # fmt: skip
    if re.match("[A-Za-z][A-Za-z0-9+.-]+:", pattern):
        raise DataError(
            _("{source} is an address: download the shards, and give their files.").format(source=PREFIX + pattern)
        )
    return expanded(str(Path(pattern).expanduser()), ".tar")


def _names_beside(shards: Sequence[Path]) -> tuple[str, ...]:
    """The lines of ``classes.txt``, where there is one."""
    found = shards[0].with_name("classes.txt")
    if not found.is_file():
        return ()
    try:
        lines = found.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(_("{path} is not UTF-8 text: save it as UTF-8.").format(path=found)) from error
    return tuple(readable(line.strip()) for line in lines if line.strip())


def _words(name: str) -> list[str]:
    return re.split(r"[-_. ]+", name)


def _part(shard: Path) -> Part:
    """By the first word of its name, else of its folder's, that is a part's."""
    words = [*_words(shard.name), *_words(shard.parent.name)]
    return next((part for part in map(part_named, words) if part != Part.NONE), Part.NONE)


def _name(shards: Sequence[Path]) -> str:
    """What the first shard is called, without its number and its part; else their folder."""
    words = [word for word in _words(shards[0].stem) if part_named(word) == Part.NONE and not word.isdigit()]
    meaning = "-".join(filter(None, words))
    return readable(shards[0].resolve().parent.name if meaning.lower() in ("", "shard", "part") else meaning)
