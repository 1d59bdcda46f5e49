"""Exceptions a person can act on: one sentence that says what, where and the remedy.

The command line prints the sentence alone and leaves with exit code 2; ``--debug`` shows the traceback as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DiscernError(Exception):
    """Base of every error that a person, not a programmer, is meant to read.

    Parameters
    ----------
    message : str
        One translated sentence: what is wrong, where, and what to do about it.
    """

    exit_code = 2


class DataError(DiscernError):
    """The data set cannot be used as it stands."""


class PictureError(DataError):
    """One picture cannot be read as what a person would call a picture.

    Parameters
    ----------
    message : str
        One translated sentence without the picture's name, which the caller knows and adds.
    kind : {"empty", "not-a-picture", "truncated", "bomb", "unreadable"}
        What is wrong, for programs.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class DownloadError(DataError):
    """A file from elsewhere did not arrive, or arrived damaged.

    Parameters
    ----------
    message : str
        One translated sentence.
    reason : str
        What went wrong, for a caller that knows a better remedy.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ConfigError(DiscernError):
    """A setting has a name or a value that is not allowed."""


class ModelError(DiscernError):
    """A network is unknown or does not fit."""


class RunError(DiscernError):
    """A run directory or a bundle is missing, incomplete or damaged."""


class DiskError(DiscernError):
    """The disk is full or may not be written."""


def nearest(name: str, allowed: Iterable[str], most: int = 3) -> list[str]:
    """The allowed names that look most like ``name``, best first.

    Examples
    --------
    >>> nearest("resnet81", ["lenet", "resnet18", "resnet34"], most=1)
    ['resnet18']
    """
    return difflib.get_close_matches(name, list(allowed), n=most, cutoff=0.51)
