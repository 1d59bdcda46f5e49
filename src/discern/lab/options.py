"""The kinds of values that labs take, each from what a person types: numbers, matrices, pictures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from discern.data.picture import decode
from discern.errors import ConfigError, PictureError
from discern.i18n import _


def numbers(value: Any) -> np.ndarray:
    """``"1, 2 3"`` or a sequence -> float64 (n,).

    Examples
    --------
    >>> numbers("1, 2 3.5")
    array([1. , 2. , 3.5])
    """
    return _array(value, value.replace(",", " ").split() if isinstance(value, str) else value, 1)


def matrix(value: Any) -> np.ndarray:
    """Rows with ``/`` between them, channels with ``|``, JSON, a .csv file or nested sequences -> float64.

    Returns
    -------
    numpy.ndarray
        (H, W) of one channel, (C, H, W) where ``|`` or nesting says so.

    Examples
    --------
    >>> matrix("1 3/5 7")
    array([[1., 3.],
           [5., 7.]])
    >>> matrix("1 1/1 1 | 2 2/2 2").shape
    (2, 2, 2)
    """
    if not isinstance(value, str):
        return _array(value, value, 2, 3, 4)
    told = value
    if Path(value).suffix.lower() == ".csv":
        value = read(value).decode("utf-8-sig", "replace").strip().replace("\n", "/")
    if value.lstrip().startswith("["):
        try:
            return _array(told, json.loads(value), 2, 3, 4)
        except ValueError as error:
            raise _no_matrix(told) from error
    channels = [
        [row.replace(",", " ").split() for row in channel.split("/") if row.strip()] for channel in value.split("|")
    ]
    return _array(told, channels if len(channels) > 1 else channels[0], 2, 3)


def picture(value: Any) -> np.ndarray:
    """A file or pixels -> uint8 (H, W, 3), or (H, W) where it is grey."""
    if isinstance(value, np.ndarray) and value.ndim in (2, 3):
        return np.asarray(decode(value.astype(np.uint8)))
    try:
        return np.asarray(decode(read(value)))
    except PictureError as error:
        raise PictureError(f"{value}: {error}", error.kind) from error


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file that a person named.

    Raises
    ------
    ConfigError
        When it is not there or may not be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        sentence = _("{path} cannot be read ({reason}): check the name.")
        raise ConfigError(sentence.format(path=path, reason=error.strerror)) from error


def written(value: Any) -> str:
    """A value as a person would type it, for the help.

    Examples
    --------
    >>> written(np.array([[1.0, 3.0], [5.0, 7.5]]))
    '1 3/5 7.5'
    """
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.size > 64:
        return "x".join(map(str, value.shape))
    if value.ndim == 1:
        return " ".join(f"{number:g}" for number in value)
    if value.ndim == 2:
        return "/".join(written(row) for row in value)
    return " | ".join(written(part) for part in value)


def _array(told: Any, value: Any, *sides: int) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _no_matrix(told) from error
    if array.ndim not in sides or not array.size or not np.isfinite(array).all():
        raise _no_matrix(told)
    return array


def _no_matrix(told: Any) -> ConfigError:
    sentence = _("{value} is not what is needed here: write numbers with spaces between, rows with / (1 2/3 4).")
    return ConfigError(sentence.format(value=repr(told)))


Numbers = Annotated[np.ndarray, BeforeValidator(numbers)]
Matrix = Annotated[np.ndarray, BeforeValidator(matrix)]
Picture = Annotated[np.ndarray, BeforeValidator(picture)]
