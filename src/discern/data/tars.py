"""What lies where in a tar file: its headers are read once, and each member is then one read at its place.

Nothing is unpacked, no link is followed, and nothing is decoded here: names, places, and the few bytes of labels.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from discern.errors import DataError
from discern.i18n import _

_PACKERS = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}


@dataclass(frozen=True)
class Member:
    """A file in a tar: its name, and the bytes it takes of the tar."""

    name: str
    offset: int
    size: int


def members(tar: Path) -> Iterator[Member]:
    """The files in ``tar``, in their order; some 20 microseconds each.

    Raises
    ------
    DataError
        When it is compressed, no tar, cut off, damaged, or may not be read.
    """
    try:
        length = tar.stat().st_size
        with tarfile.open(tar, "r:") as opened:
            for found in opened:
                if found.size < 0 or found.offset_data + found.size > length:
                    raise tarfile.ReadError
                if found.isreg() and not found.issparse():
                    yield Member(found.name, found.offset_data, found.size)
            if read_at(tar, opened.offset, min(tarfile.BLOCKSIZE, length - opened.offset)).strip(b"\0"):
                raise tarfile.ReadError  # tarfile takes a damaged header for the end
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise DataError(_refusal(tar)) from error
    except OSError as error:
        raise DataError(
            _("{path} may not be read ({reason}): check its name and permissions.").format(
                path=tar, reason=error.strerror or error
            )
        ) from error


def read_at(path: str | os.PathLike[str], offset: int, size: int) -> bytes:
    """``size`` bytes of a file.

    Raises
    ------
    OSError
        When there are not so many.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - a million of them
        file.seek(offset)
        found = file.read(size)
    if len(found) < size:
        raise OSError(f"{path} was cut off")
    return found


def _refusal(tar: Path) -> str:
    """A sentence on why ``tar`` is not read."""
    with tar.open("rb") as file:
        opening = file.read(8)
    for start, packer in _PACKERS.items():
        if opening.startswith(start):
            return _(
                "{path} is compressed, so no picture in it can be read at its place: unpack it with {packer}, which "
                "costs little, for pictures are compressed already."
            ).format(path=tar, packer=packer)
    return _("{path} is no whole tar file: copy or download it again.").format(path=tar)
