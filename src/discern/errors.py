"""Exceptions a person can act on: one sentence that says what, where and the remedy.

The command line prints the sentence alone and leaves with exit code 2; ``--debug`` shows the traceback as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from discern.i18n import _
from discern.printable import escape_controls


class DiscernError(Exception):
    """Base of every error that a person, not a programmer, is meant to read.

    Its message is one translated sentence: what is wrong, where, and what to do about it.
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        super().__init__(escape_controls(message))  # of names from elsewhere, which may hold anything


class DataError(DiscernError):
    """The data set cannot be used as it stands."""


class ImageError(DataError):
    """One image cannot be read as what a person would call an image; the caller adds its name to the message.

    ``kind`` is what is wrong, for programs: empty, not_an_image, truncated, decompression_bomb or unreadable.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class DownloadError(DataError):
    """A file from elsewhere did not arrive, or arrived damaged; a caller may know a better remedy for ``reason``."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ConfigError(DiscernError):
    """A setting has a name or a value that is not allowed."""


class ModelError(DiscernError):
    """A network is unknown or does not fit."""


class RunError(DiscernError):
    """A run directory or a bundle is missing, incomplete or damaged."""


class Interrupted(Exception):
    """Training was stopped by a signal, and everything needed to resume it was saved; the message says how."""

    exit_code = 130


class DiskError(DiscernError):
    """The disk is full, fails, or may not be read or written."""


class OutputError(DiscernError):
    """What is printed could not be written, as to a full disk."""

    exit_code = 1


def nearest(name: str, allowed: Iterable[str], max_names: int = 3) -> list[str]:
    """Return the allowed names that look most like ``name``, best first; `suggest` makes a hint of them."""
    return difflib.get_close_matches(name, list(allowed), n=max_names, cutoff=0.51)


def suggest(name: str, allowed: Iterable[str], listed: str = "", max_names: int = 3) -> str:
    """Return the end of a sentence about an unknown name: the nearest names, else where names are listed, or all.

    Examples
    --------
    >>> suggest("resnet81", ["lenet", "resnet18", "resnet34"], max_names=1)
    ' (did you mean resnet18?)'
    >>> suggest("zzz", ["crop", "pad"])
    ': choose one of crop, pad'
    >>> suggest("zzz", ["crop", "pad"], listed="discern models")
    ': `discern models` lists them all'
    """
    names = list(allowed)
    if close := nearest(name, names, max_names):
        return _(" (did you mean {names}?)").format(names=", ".join(close))
    if listed:
        return _(": `{command}` lists them all").format(command=listed)
    return _(": choose one of {names}").format(names=", ".join(names)) if names else ""
