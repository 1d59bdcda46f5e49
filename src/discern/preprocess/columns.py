"""What a classifier reads from a row of a table: the other half of `discern.preprocess.spec`, which is for images."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Columns(BaseModel):
    """What happens to every row: these columns are read, by name, in this order; ``target`` was learnt.

    Examples
    --------
    >>> Columns(columns=("height", "weight"), target="sex").columns
    ('height', 'weight')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1)
    target: str
