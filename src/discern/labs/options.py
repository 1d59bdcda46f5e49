"""The types of values that labs take, each parsed from what a person types: numbers, matrices, images."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from discern.data.image import decode
from discern.errors import ConfigError, ImageError
from discern.files import read_file
from discern.i18n import _

MAX_VALUES = 64  # of an array that the help still writes out


def parse_numbers(value: Any) -> np.ndarray:
    """Parse ``"1, 2 3"`` or a sequence into float64 (n,).

    Examples
    --------
    >>> parse_numbers("1, 2 3.5")
    array([1. , 2. , 3.5])
    """
    return _to_array(value, value.replace(",", " ").split() if isinstance(value, str) else value, 1)


def parse_matrix(value: Any) -> np.ndarray:
    """Parse rows with ``/`` between them, channels with ``|``, JSON, a .csv file or nested sequences into float64.

    The array is (H, W) of one channel, (C, H, W) where ``|`` or nesting says so.

    Examples
    --------
    >>> parse_matrix("1 3/5 7")
    array([[1., 3.],
           [5., 7.]])
    >>> parse_matrix("1 1/1 1 | 2 2/2 2").shape
    (2, 2, 2)
    """
    if not isinstance(value, str):
        return _to_array(value, value, 2, 3, 4)
    text = value
    if Path(value).suffix.lower() == ".csv":
        text = read_named_file(value).decode("utf-8-sig", "replace").strip().replace("\n", "/")
    if text.lstrip().startswith("["):
        try:
            return _to_array(value, json.loads(text), 2, 3, 4)
        except ValueError as error:
            raise _not_a_matrix(value) from error
    channels = [
        [row.replace(",", " ").split() for row in channel.split("/") if row.strip()] for channel in text.split("|")
    ]
    return _to_array(value, channels if len(channels) > 1 else channels[0], 2, 3)


def load_image(value: Any) -> np.ndarray:
    """Read a file, or take pixels, as uint8 (H, W, 3), or (H, W) where the image is gray."""
    if isinstance(value, np.ndarray) and value.ndim in (2, 3):
        return np.asarray(decode(value.astype(np.uint8)))
    try:
        return np.asarray(decode(read_named_file(value)))
    except ImageError as error:
        raise ImageError(f"{value}: {error}", error.kind) from error


def read_named_file(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file that a person named; raises `ConfigError` when it is missing or not readable."""
    try:
        return read_file(path)
    except OSError as error:
        message = _("{path} is not readable ({reason}): check the name.")
        raise ConfigError(message.format(path=path, reason=error.strerror)) from error


def format_value(value: Any) -> str:
    """Write a value as a person would type it.

    Examples
    --------
    >>> format_value(np.array([[1.0, 3.0], [5.0, 7.5]]))
    '1 3/5 7.5'
    """
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if not isinstance(value, np.ndarray):
        return str(value)
    if value.size > MAX_VALUES:
        return "x".join(map(str, value.shape))
    if value.ndim == 1:
        return " ".join(f"{number:g}" for number in value)
    return ("/" if value.ndim == 2 else " | ").join(format_value(inner) for inner in value)


def _to_array(source: Any, value: Any, *dimensions: int) -> np.ndarray:
    """Convert ``value``, which ``source`` was parsed into, to finite float64 of one of these numbers of dimensions."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _not_a_matrix(source) from error
    if array.ndim not in dimensions or not array.size or not np.isfinite(array).all():
        raise _not_a_matrix(source)
    return array


def _not_a_matrix(source: Any) -> ConfigError:
    message = _("{value} is not numbers: write spaces between numbers, / between rows (1 2/3 4).")
    return ConfigError(message.format(value=repr(source)))


Numbers = Annotated[np.ndarray, BeforeValidator(parse_numbers)]
Matrix = Annotated[np.ndarray, BeforeValidator(parse_matrix)]
ImageOption = Annotated[np.ndarray, BeforeValidator(load_image)]
