"""Encoding: a class becomes a number or a column, a person a number by a rule, an image a vector by a network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from discern.i18n import N_
from discern.labs.encode.labels import encode_words
from discern.labs.encode.national_id import check_number
from discern.result import Result


def run(
    what: Annotated[
        Literal["id", "labels", "features"], N_("Encode an ID number, words as labels, or images as features.")
    ] = "id",
    number: Annotated[str, N_("ID number to check: a letter and nine digits.")] = "A234567890",
    generate: Annotated[int, Field(ge=0, le=1000), N_("Number of valid ID numbers to generate.")] = 3,
    words: Annotated[str, N_("Words to encode, separated by commas.")] = "dog, cat, bird, cat",
    images: Annotated[str, N_("Images to compare features on: fruit, digits, a folder, any data set.")] = "fruit",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), N_("Random seed.")] = 0,
) -> Result:
    """Encode a person, words or images.

    Raises `ConfigError` when the number does not have the form of an ID number, there are no words, or fewer than two
    classes of images; `DataError` when there are no such images.

    Examples
    --------
    >>> run(number="A123456789").sentences()[0]
    'A123456789 is valid: the sum 130 is a multiple of 10.'
    >>> run("labels", words="dog, cat").codes.tolist()
    [1, 0]
    """
    if what == "id":
        return check_number(number, generate, seed)
    if what == "labels":
        return encode_words(words)
    from discern.labs.encode.separability import compare_features

    return compare_features(images, seed)
