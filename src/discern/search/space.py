"""Where a search looks: named dimensions of five kinds, and batches of points in them.

A number, a whole number or a choice is a *cell* in [0, 1], the same for every kind, so that an algorithm needs to know
one arithmetic; a permutation is an *order* of 0 to n - 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _


@dataclass(frozen=True)
class Float:
    """A number from ``low`` to ``high``; with ``log``, its logarithm is what varies evenly."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise ConfigError(_describe_range(self.low, self.high))
        if self.log and self.low <= 0:
            message = _("A logarithmic range starts above 0, not at {low}.")
            raise ConfigError(message.format(low=self.low))

    bins: ClassVar[int] = 0

    def values(self, cells: np.ndarray) -> np.ndarray:
        """Convert cells (N,) in [0, 1] to numbers (N,)."""
        if self.log:
            low, high = np.log([self.low, self.high])
            return np.clip(np.exp(low + cells * (high - low)), self.low, self.high)  # rounding may pass an end
        return np.minimum(self.low + cells * (self.high - self.low), self.high)


@dataclass(frozen=True)
class Int:
    """A whole number from ``low`` to ``high``, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ConfigError(_describe_range(self.low, self.high))

    @property
    def bins(self) -> int:
        """How many values there are."""
        return self.high - self.low + 1

    def values(self, cells: np.ndarray) -> np.ndarray:
        """Convert cells (N,) in [0, 1] to whole numbers (N,)."""
        return self.low + _to_bins(cells, self.bins)


@dataclass(frozen=True)
class Choice:
    """One of ``options``, which have no order."""

    options: Sequence[Any]

    def __post_init__(self) -> None:
        if not len(self.options):
            raise ConfigError(_("A choice needs one option at least."))

    @property
    def bins(self) -> int:
        """How many options there are."""
        return len(self.options)

    def values(self, cells: np.ndarray) -> np.ndarray:
        """Convert cells (N,) in [0, 1] to options (N,), as objects."""
        options = np.empty(len(cells), dtype=object)
        options[:] = [self.options[i] for i in _to_bins(cells, self.bins)]
        return options


@dataclass(frozen=True)
class Permutation:
    """An order of 0 to ``n`` - 1, for example of the cities of a tour."""

    n: int

    def __post_init__(self) -> None:
        if self.n < 2:
            message = _("A permutation has two elements or more, not {n}.")
            raise ConfigError(message.format(n=self.n))


Dimension = Float | Int | Choice | Permutation


@dataclass(frozen=True)
class Space:
    """Named dimensions.

    Parameters
    ----------
    dimensions : mapping
        Name -> `Float`, `Int`, `Choice` or `Permutation`.

    Raises
    ------
    ConfigError
        If there is no dimension.

    Examples
    --------
    >>> space = Space({"lr": Float(1e-4, 1e-1, log=True), "layers": Int(1, 4), "tour": Permutation(5)})
    >>> points = space.sample(np.random.default_rng(0), 3)
    >>> len(points), sorted(points[0]), points.column("tour").shape
    (3, ['layers', 'lr', 'tour'], (3, 5))
    """

    dimensions: Mapping[str, Dimension]

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ConfigError(_("A space has one dimension at least."))

    @cached_property
    def cells(self) -> list[Float | Int | Choice]:
        """The D dimensions that are cells, in order."""
        return [kind for kind in self.dimensions.values() if not isinstance(kind, Permutation)]

    @cached_property
    def lengths(self) -> list[int]:
        """The n of each permutation, in order."""
        return [kind.n for kind in self.dimensions.values() if isinstance(kind, Permutation)]

    @cached_property
    def unordered(self) -> np.ndarray:
        """(D,) whether a cell is a choice, so that near cells are not alike."""
        return np.array([isinstance(kind, Choice) for kind in self.cells], dtype=bool)

    @cached_property
    def bins(self) -> np.ndarray:
        """(D,) the values that a cell can take; 0 for a number, which takes any."""
        return np.array([kind.bins for kind in self.cells], dtype=int)

    @cached_property
    def width(self) -> int:
        """Columns of a matrix of keys: the cells, then as many as there are elements in the permutations."""
        return len(self.cells) + sum(self.lengths)

    @cached_property
    def owners(self) -> np.ndarray:
        """(width,) whose a key is: the cell k's, or the permutation's, counted on from D."""
        return np.repeat(np.arange(len(self.cells) + len(self.lengths)), [1] * len(self.cells) + self.lengths)

    def sample(self, rng: np.random.Generator, n: int) -> Points:
        """Draw ``n`` points evenly."""
        return self.from_keys(rng.random((n, self.width)))

    def from_keys(self, keys: np.ndarray) -> Points:
        """Convert keys (N, width) in [0, 1] to points: a permutation is the order that sorts its keys.

        Source: J. C. Bean, "Genetic algorithms and random keys for sequencing and optimization", ORSA Journal on
        Computing 6(2), 1994.
        """
        ends = itertools.pairwise(itertools.accumulate([len(self.cells), *self.lengths]))
        orders = tuple(keys[:, start:end].argsort(axis=1, kind="stable") for start, end in ends)
        return Points(self, keys[:, : len(self.cells)].copy(), orders)


@dataclass(frozen=True, eq=False)
class Points(Sequence[dict[str, Any]]):
    """N points of one space; as a sequence, each is a dict of values by name."""

    space: Space
    cells: np.ndarray  # (N, D) in [0, 1]
    orders: tuple[np.ndarray, ...]  # the permutations, (N, n) each

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return self.take(i)
        point = {name: column[0] for name, column in self.take([i]).columns().items()}
        return {
            name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            for name, value in point.items()
        }

    def columns(self) -> dict[str, np.ndarray]:
        """Return the values by name: (N,) each, (N, n) for a permutation."""
        cells, orders = iter(self.cells.T), iter(self.orders)
        return {
            name: next(orders) if isinstance(kind, Permutation) else kind.values(next(cells))
            for name, kind in self.space.dimensions.items()
        }

    def column(self, name: str) -> np.ndarray:
        """Return the values of one dimension: (N,), or (N, n) for a permutation."""
        return self.columns()[name]

    def take(self, indices: Any) -> Points:
        """Return the points at ``indices``, which may be a slice or a mask."""
        return Points(self.space, self.cells[indices], tuple(order[indices] for order in self.orders))

    def replace(self, indices: Any, others: Points) -> Points:
        """Return a copy in which the points at ``indices`` (one, several or a mask) are ``others``."""
        cells, orders = self.cells.copy(), tuple(order.copy() for order in self.orders)
        cells[indices] = others.cells
        for order, other in zip(orders, others.orders, strict=True):
            order[indices] = other
        return Points(self.space, cells, orders)


def join_points(*batches: Points) -> Points:
    """Join batches of one space, one after the other."""
    orders = zip(*(points.orders for points in batches), strict=True)
    return Points(batches[0].space, np.concatenate([p.cells for p in batches]), tuple(map(np.concatenate, orders)))


def _to_bins(cells: np.ndarray, n: int) -> np.ndarray:
    """Return which of ``n`` equal bins of [0, 1] each cell lies in."""
    return np.minimum((cells * n).astype(int), n - 1)


def _describe_range(low: float, high: float) -> str:
    return _("A range goes from a number to a larger one, not from {low} to {high}.").format(low=low, high=high)
