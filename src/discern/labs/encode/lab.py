"""Encoding: a class becomes a number or a column, a person a number by a rule, an image a vector by a network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

import discern.labs.encode.labels as labels
import discern.labs.encode.national_id as national_id
from discern.i18n import N_
from discern.result import Result


def run(
    what: Annotated[
        Literal["id", "labels", "features"],
        N_("An ID number, words as labels, or features of images."),
    ] = "id",
    number: Annotated[str, N_("An ID number to check, a letter and nine digits.")] = "A234567890",
    make: Annotated[int, Field(ge=0, le=1000), N_("How many valid ID numbers to draw.")] = 3,
    words: Annotated[str, N_("Words to encode, with commas between.")] = "dog, cat, bird, cat",
    images: Annotated[str, N_("Images to see features of: fruit, digits, a folder, any data set.")] = "fruit",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), N_("Of everything drawn at random.")] = 0,
) -> Result:
    """Encode a person, words or images.

    Raises
    ------
    ConfigError
        When the number has not the form of an ID number, or there are no words.
    DataError
        When there are no such images.

    Examples
    --------
    >>> run(number="A123456789").sentences()[0]
    'A123456789 is valid: the sum 130 is a multiple of 10.'
    >>> run("labels", words="dog, cat").codes.tolist()
    [1, 0]
    """
    match what:
        case "id":
            return national_id.check(number, make, seed)
        case "labels":
            return labels.encode(words)
    from discern.labs.encode.separability import compare

    return compare(images, seed)
