"""What images are taken from, whether an array holds them or they are decoded when asked for."""

from __future__ import annotations

from typing import Any, Protocol


class ArrayLike(Protocol):
    """As much of an array (N, ...) as decoded images need.

    A `numpy.ndarray` or a `discern.data.streamed.StreamedPixels`.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def ndim(self) -> int: ...

    @property
    def nbytes(self) -> int: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any:
        """Return the elements at an index, a slice or an array of indices."""
