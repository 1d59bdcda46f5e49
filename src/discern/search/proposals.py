"""The type of an algorithm at work, and the types of its settings."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

import numpy as np
from pydantic import Field

from discern.search.space import Points

Proposals = Generator[Points, np.ndarray, None]
"""Yields batches of points to be evaluated, without end; is sent their values (N,), each finite."""

Count = Annotated[int, Field(ge=1)]
MinTwo = Annotated[int, Field(ge=2)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
"""Types of settings, with the bounds that are checked when a search is built."""
