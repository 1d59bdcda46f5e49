"""Encoding: a class becomes a number or a column, a person a number by a rule, a picture a vector by a network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from discern.i18n import _
from discern.lab import labels, national_id
from discern.lab.result import Result


def summary() -> str:
    """What this lab shows."""
    return _("Taiwan's ID number and its check digit; words as labels and one-hot; pictures as features.")


def run(
    what: Annotated[
        Literal["id", "labels", "features"],
        Field(description=_("An ID number, words as labels, or features of pictures.")),
    ] = "id",
    number: Annotated[str, Field(description=_("An ID number to check, a letter and nine digits."))] = "A234567890",
    make: Annotated[int, Field(ge=0, le=1000, description=_("How many valid ID numbers to draw."))] = 3,
    words: Annotated[str, Field(description=_("Words to encode, with commas between."))] = "dog, cat, bird, cat",
    pictures: Annotated[
        str, Field(description=_("Pictures to see features of: fruit, digits, a folder, any data set."))
    ] = "fruit",
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description=_("Of everything drawn at random."))] = 0,
) -> Result:
    """Encode a person, words or pictures.

    Raises
    ------
    ConfigError
        When the number has not the form of an ID number, or there are no words.
    DataError
        When there are no such pictures.

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
    from discern.lab.separability import compare

    return compare(pictures, seed)
