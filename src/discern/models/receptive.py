"""Which pixels a unit of a feature map sees: its receptive field, worked out operation by operation.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

Along one side of a map, unit i sees the pixels from ``i jump + first`` to ``i jump + last``. A window of k units with
stride s, padding p and dilation d makes the jump s times as large and moves the ends by -p and (k - 1) d - p jumps.
Where branches meet, the first of all first pixels and the last of all last ones count. Pixels outside the picture
count too: the number belongs to the network, not to the picture.

Gates do not count: a branch that pools the whole map to scale another (squeeze-and-excitation) sees everything, and so
would all that follows. Nor do the means of a normalisation over the map. Interpolation and turned-back convolutions
have no such rule, so what comes after them is unknown (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

Shape = Sequence[int]
Pair = Sequence[int]  # height, width; one number stands for both
MATRIX = 2


@dataclass(frozen=True)
class Axis:
    """One side of a map: unit i sees the pixels from ``i jump + first`` to ``i jump + last``.

    It lies in dimension ``dim`` of its tensor, every ``inner`` numbers; ``dim`` is None when the units were summed up.
    """

    count: int
    dim: int | None
    inner: int = 1
    jump: float = 1
    first: float = 0
    last: float = 0

    @property
    def field(self) -> int:
        """Pixels along this side that one unit sees."""
        return math.ceil(self.last - self.first) + 1

    def window(self, kernel: int, stride: float, padding: int, dilation: int, count: int) -> Axis:
        """The axis after windows slid along it."""
        reach = (kernel - 1) * dilation - padding
        first, last = self.first - padding * self.jump, self.last + reach * self.jump
        return Axis(count, self.dim, self.inner, self.jump * stride, first, last)

    def gathered(self) -> Axis:
        """The axis after one number was made of all its units."""
        return replace(self, dim=None, last=self.last + (self.count - 1) * self.jump)


@dataclass(frozen=True)
class Seen:
    """What a tensor's numbers come from.

    Attributes
    ----------
    axes : tuple of Axis or None
        Height and width; None where no rule says what a unit sees.
    depth : int
        Layers with weights on the longest way from the picture.
    pooled : bool
        Whether a whole map was pooled to one number: beside a map that was not, it is a gate.
    """

    axes: tuple[Axis | None, ...]
    depth: int = 0
    pooled: bool = False

    @classmethod
    def picture(cls, shape: Shape) -> Seen:
        """What the pixels themselves see, of a batch (N, C, H, W)."""
        return cls((Axis(shape[2], dim=2), Axis(shape[3], dim=3)))

    @property
    def field(self) -> int | None:
        """Pixels a side that a unit sees, along the longer side."""
        fields = [axis.field for axis in self.axes if axis is not None]
        return max(fields) if len(fields) == len(self.axes) else None

    @property
    def stride(self) -> int | None:
        """Pixels from one unit to the next; None where the units lie in no map."""
        height = self.axes[0]
        return round(height.jump) if height is not None and height.dim is not None else None

    def along(self, change: Callable[[Axis], Axis | None]) -> Seen:
        """The same with each axis changed; an unknown one stays unknown."""
        return replace(self, axes=tuple(None if axis is None else change(axis) for axis in self.axes))


def after(operation: str, args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    """What ``output`` sees.

    Parameters
    ----------
    operation : str
        Name in torch's aten, such as ``convolution``.
    args : sequence
        Its arguments; those in ``seen`` (by position) come from the picture, one at least.
    output : Tensor
        What it gave.
    """
    plain = operation.rstrip("_")
    rule = RULES.get(plain)
    if plain.startswith("_scaled_dot_product"):
        return _gather(seen[min(seen)], {2}, pooled=False)  # (N, heads, tokens, E): every token reads every other
    if rule is not None:
        return rule(args, seen, output)
    return _met([_same_places(args[i], each, output) for i, each in seen.items()])


def _met(branches: list[Seen]) -> Seen:
    """What is seen where branches come together; gates are left out."""
    if not all(branch.pooled for branch in branches):
        branches = [branch for branch in branches if not branch.pooled]
    sides = zip(*(branch.axes for branch in branches), strict=True)
    axes = tuple(_widest(axes) for axes in sides)
    return Seen(axes, max(branch.depth for branch in branches), branches[0].pooled)


def _widest(axes: Sequence[Axis | None]) -> Axis | None:
    """One axis that sees what any of ``axes`` sees, where they go in the same steps."""
    known = [axis for axis in axes if axis is not None]
    if len(known) < len(axes):
        return None
    if any(axis.dim is None for axis in known):
        known = [axis if axis.dim is None else axis.gathered() for axis in known]
    elif len({(axis.dim, axis.inner) for axis in known}) > 1 or (
        len({axis.jump for axis in known}) > 1 and known[0].count > 1
    ):
        return None
    return replace(known[0], first=min(axis.first for axis in known), last=max(axis.last for axis in known))


def _same_places(x: Tensor, seen: Seen, output: Tensor) -> Seen:
    """Of an operation that works number by number, or along dimensions that are no axis: broadcast from the right."""
    moved = output.dim() - x.dim()

    def place(axis: Axis) -> Axis | None:
        if axis.dim is None:
            return axis
        dim = axis.dim + moved
        if 0 <= dim < output.dim() and output.shape[dim] == x.shape[axis.dim]:
            return replace(axis, dim=dim)
        return replace(axis, dim=None) if axis.count == 1 else None

    return seen.along(place)


def _gather(seen: Seen, dims: Collection[int], pooled: bool = True) -> Seen:
    """One number of all along ``dims``; ``pooled`` if that may make a gate."""
    gone = [axis is not None and (axis.dim is None or axis.dim in dims) for axis in seen.axes]
    left = seen.along(lambda axis: axis.gathered() if axis.dim in dims else axis)
    return replace(left, pooled=seen.pooled or (pooled and all(gone)))


def _convolution(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    x, weight = args[0], args[1]
    stride, padding, dilation, turned_back = args[3:7]
    if turned_back or x.dim() != 4:
        return seen[0].along(lambda axis: None)
    found = _slid(x, seen[0], output, weight.shape[2:], stride, padding, dilation)
    return replace(_gather(found, {1}, pooled=False), depth=found.depth + 1)


def _pool(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    x, kernel = args[0], args[1]
    stride = (args[2] if len(args) > 2 else None) or kernel
    padding = args[3] if len(args) > 3 else (0,)
    return _slid(x, seen[0], output, kernel, stride, padding, (1,))


def _max_pool(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    dilation = args[4] if len(args) > 4 else (1,)
    x, kernel = args[0], args[1]
    stride = (args[2] if len(args) > 2 else None) or kernel
    return _slid(x, seen[0], output, kernel, stride, args[3] if len(args) > 3 else (0,), dilation)


def _slid(x: Tensor, seen: Seen, output: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Seen:
    """Windows slid along the last two dimensions."""

    def slide(axis: Axis) -> Axis | None:
        side = None if axis.dim is None else axis.dim - (x.dim() - MATRIX)
        if side is None or side < 0 or axis.dim is None:
            return axis
        if axis.inner != 1 or axis.count != x.shape[axis.dim]:
            return None
        here = [each[side % len(each)] for each in (kernel, stride, padding, dilation)]
        return axis.window(here[0], here[1], here[2], here[3], output.shape[axis.dim])

    return seen.along(slide)


def _adaptive_pool(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    """Windows as many as asked for, as even as can be; of a map of another size they differ by one."""
    x = args[0]

    def spread(axis: Axis) -> Axis | None:
        if axis.dim is None:
            return axis
        count = output.shape[axis.dim]
        uneven = count > 1 and axis.count % count != 0
        return axis.window(math.ceil(axis.count / count) + uneven, axis.count / count, 0, 1, count)

    whole = all(side == 1 for side in output.shape[x.dim() - MATRIX :])
    return replace(seen[0].along(spread), pooled=seen[0].pooled or whole)


def _reduce(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    """Mean, sum or maximum over dimensions (all of them when none is named)."""
    x = args[0]
    named = args[1] if len(args) > 1 and args[1] else range(x.dim())
    dims = {dim % x.dim() for dim in ([named] if isinstance(named, int) else named)}
    found = _gather(seen[0], dims)
    return found if output.dim() == x.dim() else _without(found, dims)


def _without(seen: Seen, dims: Collection[int]) -> Seen:
    """The axes' places once ``dims`` are no more."""

    def closer(axis: Axis) -> Axis | None:
        if axis.dim is None:
            return axis
        return None if axis.dim in dims else replace(axis, dim=axis.dim - sum(dim < axis.dim for dim in dims))

    return seen.along(closer)


def _select(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    dim = args[1] if len(args) > 1 else 0
    return _without(seen[0], {dim % args[0].dim()})


def _pad(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    pads = args[1]

    def shift(axis: Axis) -> Axis | None:
        if axis.dim is None or (before := 2 * (output.dim() - 1 - axis.dim)) >= len(pads):
            return axis
        moved = pads[before] * axis.jump
        return replace(axis, count=output.shape[axis.dim], first=axis.first - moved, last=axis.last - moved)

    return seen[0].along(shift)


def _slice(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    absent: Sequence[Any] = (0, None, None, 1)
    x, dim, start, _end, step = (*args, *absent[len(args) - 1 :])
    length = x.shape[dim]
    start = min(start + length if start < 0 else start, length) if start else 0

    def cut(axis: Axis) -> Axis | None:
        if axis.dim is None or axis.dim != dim % x.dim() or output.shape[dim] == length:
            return axis
        if axis.inner != 1 or axis.count != length:
            return None
        return axis.window(1, step, -start, 1, output.shape[dim])

    return seen[0].along(cut)


def _permute(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    order = [dim % output.dim() for dim in args[1]]
    return seen[0].along(lambda axis: axis if axis.dim is None else replace(axis, dim=order.index(axis.dim)))


def _transpose(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    order = list(range(output.dim()))
    one, other = (args[1], args[2]) if len(args) > 1 else (0, 1)
    order[one], order[other] = order[other], order[one]
    return _permute((args[0], order), seen, output)


def _reshape(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    """The same numbers in the same order: an axis is found again by how far apart its units are."""
    before, now = args[0].shape, output.shape

    def find(axis: Axis) -> Axis | None:
        if axis.dim is None:
            return axis
        apart = axis.inner * math.prod(before[axis.dim + 1 :])
        for dim in reversed(range(len(now))):
            inside = math.prod(now[dim + 1 :])
            if apart % inside == 0 and (inside * now[dim]) % (apart * axis.count) == 0:
                return replace(axis, dim=dim, inner=apart // inside)
        return None

    return seen[0].along(find)


def _product(first: int) -> Callable[[Sequence[Any], Mapping[int, Seen], Tensor], Seen]:
    """Matrix product of the arguments ``first`` and ``first + 1``: what is multiplied and summed up is gathered."""

    def rule(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
        matrices = {i: each for i, each in seen.items() if i >= first}
        dims = args[first].dim()
        if len(matrices) > 1:  # attention: each token reads all
            return _met([_gather(each, {dims - 2, dims - 1}, pooled=False) for each in matrices.values()])
        place, found = next(iter(matrices.items()))
        found = _gather(found, {dims - 1 if place == first else dims - 2}, pooled=False)
        return replace(found, depth=found.depth + 1)

    return rule


def _unknown(args: Sequence[Any], seen: Mapping[int, Seen], output: Tensor) -> Seen:
    return _met([each.along(lambda axis: None) for each in seen.values()])


Rule = Callable[[Sequence[Any], Mapping[int, Seen], Tensor], Seen]
RULES: dict[str, Rule] = {
    "convolution": _convolution,
    "max_pool2d_with_indices": _max_pool,
    "avg_pool2d": _pool,
    "_adaptive_avg_pool2d": _adaptive_pool,
    "adaptive_max_pool2d": _adaptive_pool,
    **dict.fromkeys(("mean", "sum", "amax", "amin"), _reduce),
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _pad),
    "slice": _slice,
    **dict.fromkeys(("select", "unbind"), _select),
    "permute": _permute,
    **dict.fromkeys(("transpose", "t"), _transpose),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "squeeze", "unsqueeze"), _reshape),
    **dict.fromkeys(("mm", "bmm"), _product(0)),
    **dict.fromkeys(("addmm", "baddbmm"), _product(1)),
    **dict.fromkeys(("roll", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d"), _unknown),
}
