"""Which pixels a unit of a feature map depends on: its receptive field, worked out operation by operation.

Source: A. Araujo, W. Norris, J. Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019.

Along one side of a map, unit i depends on the pixels from ``i jump + first`` to ``i jump + last``. A window of k units
with stride s, padding p and dilation d makes the jump s times as large and moves the ends by -p and (k - 1) d - p
jumps. Where branches meet, the first of all first pixels and the last of all last ones count. Pixels outside the image
count too: the number belongs to the network, not to the image.

Example: a 3x3 convolution (padding 1) after a 2x2 pooling. A pixel is ``jump=1, first=0, last=0``; pooling makes it
``jump=2, first=0, last=1``; the convolution moves first by one jump of 2 to -2 and last by one to 3: 6 pixels a side.

Gates do not count: a branch that pools the whole map to scale another (squeeze-and-excitation) depends on everything,
and so would all that follows. Nor do the means of a normalization over the map. Interpolation and transposed
convolutions have no such rule, so what comes after them is unknown (None).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

Shape = Sequence[int]
Pair = Sequence[int]  # height, width; one number stands for both
SPATIAL_DIMS = 2  # the last two of a map


@dataclass(frozen=True)
class Axis:
    """One side of a map: unit i depends on the pixels from ``i jump + first`` to ``i jump + last``.

    It lies in dimension ``dim`` of its tensor, every ``inner`` numbers; ``dim`` is None when the units were summed up.
    """

    count: int
    dim: int | None
    inner: int = 1
    jump: float = 1
    first: float = 0
    last: float = 0

    @property
    def size(self) -> int:
        """Pixels along this side that one unit depends on."""
        return math.ceil(self.last - self.first) + 1

    def slide(self, kernel: int, stride: float, padding: int, dilation: int, count: int) -> Axis:
        """Return the axis after windows slid along it."""
        # Window i begins at unit i s - p and ends (k - 1) d units further on; a unit is a jump of pixels wide.
        reach = (kernel - 1) * dilation - padding
        first, last = self.first - padding * self.jump, self.last + reach * self.jump
        return Axis(count, self.dim, self.inner, self.jump * stride, first, last)

    def gather(self) -> Axis:
        """Return the axis after one number was made of all its units."""
        # The last unit lies count - 1 jumps behind the first: together they span that much more.
        return replace(self, dim=None, last=self.last + (self.count - 1) * self.jump)


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a tensor's numbers depend on."""

    axes: tuple[Axis | None, ...]  # height and width; None where no rule says which pixels
    depth: int = 0  # layers with weights on the longest path from the image
    pooled: bool = False  # whether a whole map was pooled to one number: beside a map that was not, it is a gate

    @classmethod
    def of_image(cls, shape: Shape) -> ReceptiveField:
        """Return that of the pixels themselves, of a batch (N, C, H, W)."""
        return cls((Axis(shape[2], dim=2), Axis(shape[3], dim=3)))

    @property
    def size(self) -> int | None:
        """Pixels a side that a unit depends on, along the longer side."""
        sizes = [axis.size for axis in self.axes if axis is not None]
        return max(sizes) if len(sizes) == len(self.axes) else None

    @property
    def stride(self) -> int | None:
        """Pixels from one unit to the next; None where the units lie in no map."""
        height = self.axes[0]
        return round(height.jump) if height is not None and height.dim is not None else None

    def map_axes(self, change: Callable[[Axis, int], Axis | None]) -> ReceptiveField:
        """Return the same with each axis that lies in a dimension changed: (axis, its dimension) -> axis."""
        changed = (axis if axis is None or axis.dim is None else change(axis, axis.dim) for axis in self.axes)
        return replace(self, axes=tuple(changed))

    def forget(self) -> ReceptiveField:
        """Return the same where no rule says which pixels any more."""
        return replace(self, axes=(None,) * len(self.axes))


Fields = Mapping[int, ReceptiveField]  # by position among an operation's arguments; those that depend on the image
Rule = Callable[[Sequence[Any], Fields, Tensor], ReceptiveField]  # (arguments, their fields, output) -> its field


def propagate(operation: str, args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    """Return the receptive field of the ``output`` of an operation of torch's aten, such as ``convolution``.

    Of its arguments one at least depends on the image and has a field.
    """
    name = operation.rstrip("_")  # in place or not
    rule = RULES.get(name)
    if name.startswith("_scaled_dot_product"):
        return _gather(fields[min(fields)], {2}, pooled=False)  # (N, heads, tokens, E): every token reads every other
    if rule is not None:
        return rule(args, fields, output)
    return _merge([_keep_places(args[i], field, output) for i, field in fields.items()])


def _merge(branches: list[ReceptiveField]) -> ReceptiveField:
    """Return the field where branches meet; gates are left out."""
    # Beside a map, a pooled branch only scales it: its field, the whole image, would hide that of the map.
    if not all(branch.pooled for branch in branches):
        branches = [branch for branch in branches if not branch.pooled]
    sides = zip(*(branch.axes for branch in branches), strict=True)
    axes = tuple(_unite(axes) for axes in sides)
    return ReceptiveField(axes, max(branch.depth for branch in branches), branches[0].pooled)


def _unite(axes: Sequence[Axis | None]) -> Axis | None:
    """Return one axis that depends on what any of ``axes`` depends on, where they go in the same steps."""
    known = [axis for axis in axes if axis is not None]
    if len(known) < len(axes):
        return None
    if any(axis.dim is None for axis in known):
        known = [axis if axis.dim is None else axis.gather() for axis in known]
    elif len({(axis.dim, axis.inner) for axis in known}) > 1 or (
        len({axis.jump for axis in known}) > 1 and known[0].count > 1
    ):
        return None  # unit i of one lies elsewhere than unit i of the other: no single jump describes both
    return replace(known[0], first=min(axis.first for axis in known), last=max(axis.last for axis in known))


def _keep_places(x: Tensor, field: ReceptiveField, output: Tensor) -> ReceptiveField:
    """Follow an operation that works number by number, or along dimensions that are no axis."""
    shift = output.dim() - x.dim()  # broadcasting aligns dimensions from the right

    def place(axis: Axis, before: int) -> Axis | None:
        dim = before + shift
        if 0 <= dim < output.dim() and output.shape[dim] == x.shape[before]:
            return replace(axis, dim=dim)
        return replace(axis, dim=None) if axis.count == 1 else None

    return field.map_axes(place)


def _gather(field: ReceptiveField, dims: Collection[int], pooled: bool = True) -> ReceptiveField:
    """Follow one number made of all along ``dims``; ``pooled`` if that may make a gate."""
    gone = [axis is not None and (axis.dim is None or axis.dim in dims) for axis in field.axes]
    gathered = field.map_axes(lambda axis, dim: axis.gather() if dim in dims else axis)
    return replace(gathered, pooled=field.pooled or (pooled and all(gone)))


def _convolution(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    x, weight = args[0], args[1]
    stride, padding, dilation, transposed = args[3:7]
    if transposed or x.dim() != 4:
        return fields[0].forget()
    field = _slide(x, fields[0], output, weight.shape[2:], stride, padding, dilation)
    return replace(_gather(field, {1}, pooled=False), depth=field.depth + 1)  # every filter reads all channels


def _pool(args: Sequence[Any], fields: Fields, output: Tensor, dilation: Pair = (1,)) -> ReceptiveField:
    x, kernel = args[0], args[1]
    stride = (args[2] if len(args) > 2 else None) or kernel
    padding = args[3] if len(args) > 3 else (0,)
    return _slide(x, fields[0], output, kernel, stride, padding, dilation)


def _max_pool(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    return _pool(args, fields, output, args[4] if len(args) > 4 else (1,))


def _slide(
    x: Tensor, field: ReceptiveField, output: Tensor, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> ReceptiveField:
    """Follow windows that slide along the last two dimensions."""

    def slide(axis: Axis, dim: int) -> Axis | None:
        side = dim - (x.dim() - SPATIAL_DIMS)
        if side < 0:
            return axis
        if axis.inner != 1 or axis.count != x.shape[dim]:
            return None  # the units are not one number apart: a window over them is none over the axis
        sizes = [pair[side % len(pair)] for pair in (kernel, stride, padding, dilation)]
        return axis.slide(sizes[0], sizes[1], sizes[2], sizes[3], output.shape[dim])

    return field.map_axes(slide)


def _adaptive_pool(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    """Follow windows of a given number, as even as can be; of a map that it does not divide they differ by one."""
    x = args[0]

    def spread(axis: Axis, dim: int) -> Axis:
        count = output.shape[dim]
        uneven = count > 1 and axis.count % count != 0
        return axis.slide(math.ceil(axis.count / count) + uneven, axis.count / count, 0, 1, count)

    is_global = all(side == 1 for side in output.shape[x.dim() - SPATIAL_DIMS :])
    return replace(fields[0].map_axes(spread), pooled=fields[0].pooled or is_global)


def _reduce(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    """Follow mean, sum or maximum over dimensions (all of them when none is named)."""
    x = args[0]
    named = args[1] if len(args) > 1 and args[1] else range(x.dim())
    dims = {dim % x.dim() for dim in ([named] if isinstance(named, int) else named)}
    field = _gather(fields[0], dims)
    return field if output.dim() == x.dim() else _drop_dims(field, dims)


def _drop_dims(field: ReceptiveField, dims: Collection[int]) -> ReceptiveField:
    """Move the axes to where they are once ``dims`` are gone."""

    def close_up(axis: Axis, dim: int) -> Axis | None:
        return None if dim in dims else replace(axis, dim=dim - sum(gone < dim for gone in dims))

    return field.map_axes(close_up)


def _select(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    dim = args[1] if len(args) > 1 else 0
    return _drop_dims(fields[0], {dim % args[0].dim()})


def _pad(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    pads = args[1]  # before and after, of the last dimension first

    def shift(axis: Axis, dim: int) -> Axis:
        before = 2 * (output.dim() - 1 - dim)
        if before >= len(pads):
            return axis
        pixels = pads[before] * axis.jump  # unit 0 is now one of the border, that many pixels earlier
        return replace(axis, count=output.shape[dim], first=axis.first - pixels, last=axis.last - pixels)

    return fields[0].map_axes(shift)


def _slice(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    defaults: Sequence[Any] = (0, None, None, 1)
    x, sliced, start, _end, step = (*args, *defaults[len(args) - 1 :])
    length = x.shape[sliced]
    start = min(start + length if start < 0 else start, length) if start else 0

    def cut(axis: Axis, dim: int) -> Axis | None:
        if dim != sliced % x.dim() or output.shape[dim] == length:
            return axis
        if axis.inner != 1 or axis.count != length:
            return None
        return axis.slide(1, step, -start, 1, output.shape[dim])  # as windows of one unit that begin at ``start``

    return fields[0].map_axes(cut)


def _permute(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    order = [dim % output.dim() for dim in args[1]]
    return fields[0].map_axes(lambda axis, dim: replace(axis, dim=order.index(dim)))


def _transpose(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    order = list(range(output.dim()))
    one, other = (args[1], args[2]) if len(args) > 1 else (0, 1)
    order[one], order[other] = order[other], order[one]
    return _permute((args[0], order), fields, output)


def _reshape(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    """Follow the same numbers in the same order: an axis is found again by how far apart its units are in memory."""
    before, after = args[0].shape, output.shape

    def find(axis: Axis, place: int) -> Axis | None:
        spacing = axis.inner * math.prod(before[place + 1 :])  # numbers from one unit to the next
        for dim in reversed(range(len(after))):
            inside = math.prod(after[dim + 1 :])
            # In ``dim`` numbers lie ``inside`` apart. The units are found there if they are a multiple of that apart
            # and all of them fit, a whole number of times: (8, 8) as 64 in a row has rows 8 apart, columns 1.
            if spacing % inside == 0 and (inside * after[dim]) % (spacing * axis.count) == 0:
                return replace(axis, dim=dim, inner=spacing // inside)
        return None

    return fields[0].map_axes(find)


def _product(first: int) -> Rule:
    """Make the rule of a matrix product of the arguments ``first`` and ``first + 1``.

    The dimension along which numbers are multiplied and summed up is gathered.
    """

    def rule(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
        matrices = {i: field for i, field in fields.items() if i >= first}
        dims = args[first].dim()
        if len(matrices) > 1:  # attention: each token reads all
            return _merge([_gather(field, {dims - 2, dims - 1}, pooled=False) for field in matrices.values()])
        position, field = next(iter(matrices.items()))  # the other matrix holds weights: a layer
        field = _gather(field, {dims - 1 if position == first else dims - 2}, pooled=False)
        return replace(field, depth=field.depth + 1)

    return rule


def _forget(args: Sequence[Any], fields: Fields, output: Tensor) -> ReceptiveField:
    return _merge([field.forget() for field in fields.values()])


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
    **dict.fromkeys(("roll", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d"), _forget),
}
