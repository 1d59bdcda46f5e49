"""What an algorithm is, and the kinds of its settings."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

import numpy as np
from pydantic import Field

from discern.search.space import Points

Walk = Generator[Points, np.ndarray, None]
"""Yields batches to be valued, without end; is sent their values (N,), each finite."""

Count = Annotated[int, Field(ge=1)]
Several = Annotated[int, Field(ge=2)]
Share = Annotated[float, Field(gt=0, lt=1)]
Amount = Annotated[float, Field(gt=0)]
"""Kinds of settings, with the bounds that are checked when a search is made."""
