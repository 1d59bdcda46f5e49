"""The members of a tar file and their offsets: headers are read once, and each member is then one read.

Nothing is unpacked, no link is followed, and nothing is decoded here: names, offsets, and the few bytes of labels.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from discern.errors import DataError
from discern.files import check_regular
from discern.i18n import _

_UNPACKERS = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ\0": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}


class Member(NamedTuple):
    """A file in a tar: its name, and the bytes it takes of the tar."""

    name: str
    offset: int
    size: int


def list_members(tar: Path) -> Iterator[Member]:
    """Yield the files in ``tar``, in their order; some 20 microseconds each.

    A `DataError` says where it is compressed, no tar, truncated, corrupt, or not readable.
    """
    try:
        check_regular(tar)
        length = tar.stat().st_size
        with tarfile.open(tar, "r:") as opened:
            for item in opened:
                if item.size < 0 or item.offset_data + item.size > length:
                    raise tarfile.ReadError
                if item.isreg() and not item.issparse():
                    yield Member(item.name, item.offset_data, item.size)
            if read_at(tar, opened.offset, min(tarfile.BLOCKSIZE, length - opened.offset)).strip(b"\0"):
                raise tarfile.ReadError  # tarfile takes a damaged header for the end
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise DataError(_describe_damage(tar)) from error
    except OSError as error:
        message = _("{path} is not readable ({reason}): check its name and permissions.")
        raise DataError(message.format(path=tar, reason=error.strerror or error)) from error


def read_at(path: str | os.PathLike[str], offset: int, size: int) -> bytes:
    """Read ``size`` bytes of a file; an OSError where there are not so many."""
    with open(path, "rb") as file:  # noqa: PTH123 - a million of them
        file.seek(offset)
        data = file.read(size)
    if len(data) < size:
        raise OSError(f"{path} was truncated")
    return data


def _describe_damage(tar: Path) -> str:
    """Say why ``tar`` is not read."""
    with tar.open("rb") as file:
        opening = file.read(8)
    for signature, unpacker in _UNPACKERS.items():
        if opening.startswith(signature):
            message = _(
                "{path} is compressed, so no image in it can be read directly: unpack it with {unpacker}, which "
                "costs little, since images are compressed already."
            )
            return message.format(path=tar, unpacker=unpacker)
    return _("{path} is truncated or corrupt: copy or download it again.").format(path=tar)
