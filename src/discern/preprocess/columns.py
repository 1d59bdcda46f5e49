"""What a classifier reads of a row of a table: the other half of `discern.preprocess.spec`, which is for pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal["classification", "regression"]


class Columns(BaseModel):
    """What happens to every row: these columns are read, by name, in this order.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns of numbers.
    target : str
        Name of the column that was learnt.
    task : {"classification", "regression"}
        Whether the target names a class or is a number.

    Examples
    --------
    >>> Columns(columns=("height", "weight"), target="sex", task="classification").columns
    ('height', 'weight')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[str, ...] = Field(min_length=1)
    target: str
    task: Task
