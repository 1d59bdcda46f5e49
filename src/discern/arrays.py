"""What pictures are taken from, whether an array holds them or they are decoded when they are asked for."""

from __future__ import annotations

from typing import Any, Protocol


class Rows(Protocol):
    """As much of an array (N, ...) as decoded pictures need: a `numpy.ndarray` or `discern.data.streamed.Streamed`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def ndim(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any:
        """The rows at an index, a slice or an array of indices."""
