"""NASNet-A.

Paper: B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le, "Learning Transferable Architectures for Scalable Image Recognition",
CVPR 2018, arXiv:1707.07012 (figure 2 the network, figure 4 the cells).

Idea: a search on CIFAR-10 chose which operations two small cells are made of, a normal one that keeps the size of the
map and a reduction one that halves it. The same two cells, repeated and widened, make a network for any image size.

Deviation: ScheduledDropPath and the auxiliary head, which the paper uses in training, are left out, as Keras and timm
leave them out. Reduction pools pad as timm's do: with minus infinity before a maximum, with zeros before an average.
Parameter names are timm's, so weights of its `nasnetalarge` load; mobile is as Keras has it (there a reduction cell
hands its own input on; in large, the map before that). Small images: stem="small" gives the first convolution
stride 1. The paper's CIFAR form has no stem cells either, at 16 times the arithmetic; with them weights fit both forms.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, check_size, is_small

T = TypeVar("T")
EPSILON = 1e-3  # of batch normalization
MIN_SIZE = 3  # pixels a side that the unpadded first convolution needs

# Figure 4. Each row adds two maps: an operation and what it reads, twice. "x" is the last map after a 1x1 convolution,
# "p" the map before it made to fit, a number the sum of that row.
Row = tuple[str, str | int, str, str | int]
NORMAL: tuple[Row, ...] = (
    ("separable 5", "x", "separable 3", "p"),
    ("separable 5", "p", "separable 3", "p"),
    ("average 3", "x", "identity", "p"),
    ("average 3", "p", "average 3", "p"),
    ("separable 3", "x", "identity", "x"),
)
REDUCTION: tuple[Row, ...] = (
    ("separable 5", "x", "separable 7", "p"),
    ("maximum 3", "x", "separable 7", "p"),
    ("average 3", "x", "separable 5", "p"),
    ("identity", 1, "average 3", 0),
    ("separable 3", 0, "maximum 3", "x"),
)
OUTPUTS: dict[bool, tuple[str | int, ...]] = {False: ("p", 0, 1, 2, 3, 4), True: (1, 2, 3, 4)}  # of a reduction cell?


def pad_same(x: Tensor, kernel: int, value: float = 0.0) -> Tensor:
    """Pad as TensorFlow's SAME before a window of stride 2: an even side gets one less at its near end."""
    height, width = x.shape[2:]
    near, far = kernel // 2 - 1, kernel // 2
    return F.pad(x, (near + width % 2, far, near + height % 2, far), value=value)


class MaxPool(nn.MaxPool2d):
    """A maximum of stride 2: (N, C, H, W) -> (N, C, H / 2, W / 2)."""

    def __init__(self, kernel: int) -> None:
        super().__init__(kernel, stride=2)
        self.side = kernel

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.side, float("-inf")))


class AvgPool(nn.AvgPool2d):
    """An average: (N, C, H, W) -> (N, C, H / stride, W / stride)."""

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__(kernel, stride, padding=kernel // 2 if stride == 1 else 0, count_include_pad=False)
        self.side = kernel

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.side) if self.stride == 2 else x)


class Depthwise(nn.Conv2d):
    """Each channel with a filter of its own: (N, C, H, W) -> (N, C, H / stride, W / stride)."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.kernel_size[0]) if self.stride[0] == 2 else x)


class Separable(nn.Sequential):
    """Depthwise, then 1x1: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.depthwise_conv2d = Depthwise(inputs, kernel, stride)
        self.pointwise_conv2d = nn.Conv2d(inputs, outputs, 1, bias=False)


class Branch(nn.Sequential):
    """A cell's separable convolution, applied twice: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.act_1 = nn.ReLU()  # not in place: other branches read the same map
        self.separable_1 = Separable(inputs, outputs, kernel, stride)
        self.bn_sep_1 = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.act_2 = nn.ReLU(inplace=True)
        self.separable_2 = Separable(outputs, outputs, kernel, stride=1)
        self.bn_sep_2 = nn.BatchNorm2d(outputs, eps=EPSILON)


class Squeeze(nn.Sequential):
    """ReLU, 1x1 convolution and normalization: (N, inputs, H, W) -> (N, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)


def build_operation(name: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Build what a word of the tables above stands for."""
    kind, _space, kernel = name.partition(" ")
    if kind == "separable":
        return Branch(inputs, outputs, int(kernel), stride)
    if kind == "average":
        return AvgPool(int(kernel), stride)
    return MaxPool(int(kernel)) if kind == "maximum" else nn.Identity()


class Map(NamedTuple):
    """What a cell needs to know of a map before it is there."""

    channels: int
    halvings: int  # since the first convolution


class Cell(nn.Module):
    """Five sums of two operations, with ``filters`` channels each, and some of them side by side.

    A reduction halves the map. A cell reads two maps, the last and the one before; the first of all reads one twice.
    """

    def __init__(self, reduction: bool, filters: int, last: Map, before: Map) -> None:
        super().__init__()
        self.rows = REDUCTION if reduction else NORMAL
        self.outputs = OUTPUTS[reduction]
        self.out = Map(len(self.outputs) * filters, last.halvings + reduction)
        self.conv_1x1 = Squeeze(last.channels, filters)
        self.halves = before.halvings < last.halvings
        if self.halves:
            self.path_1 = nn.Sequential(OrderedDict(conv=nn.Conv2d(before.channels, filters // 2, 1, bias=False)))
            self.path_2 = nn.Sequential(OrderedDict(conv=nn.Conv2d(before.channels, filters // 2, 1, bias=False)))
            self.final_path_bn = nn.BatchNorm2d(filters, eps=EPSILON)
        else:
            self.conv_prev_1x1 = nn.Identity() if before is last else Squeeze(before.channels, filters)
        channels: dict[str | int, int] = {"p": before.channels} if before is last else {}
        for i, (left, of, right, and_of) in enumerate(self.rows):
            for side, name, read in (("left", left, of), ("right", right, and_of)):
                stride = 2 if reduction and isinstance(read, str) else 1
                module = build_operation(name, channels.get(read, filters), filters, stride)
                self.add_module(f"comb_iter_{i}_{side}", module)

    def fit(self, before: Tensor) -> Tensor:
        """Make the map before the last as large as that, with as many channels as it has after its 1x1."""
        if not self.halves:
            return self.conv_prev_1x1(before)
        x = before.relu()
        offset = F.pad(x, (-1, 1, -1, 1))  # by a pixel: the two paths read different quarters of the map
        halves = self.path_1(x[:, :, ::2, ::2]), self.path_2(offset[:, :, ::2, ::2])
        return self.final_path_bn(torch.cat(halves, dim=1))

    def forward(self, last: Tensor, before: Tensor) -> Tensor:
        maps: dict[str | int, Tensor] = {"x": self.conv_1x1(last), "p": self.fit(before)}
        for i, (_left, of, _right, and_of) in enumerate(self.rows):
            left, right = (self.get_submodule(f"comb_iter_{i}_{side}") for side in ("left", "right"))
            maps[i] = left(maps[of]) + right(maps[and_of])
        return torch.cat([maps[name] for name in self.outputs], dim=1)


class NASNet(Network):
    """A convolution, two reduction cells, three rows of normal cells with a reduction cell between, a linear head.

    Parameters
    ----------
    cells : int
        Normal cells in a row, 1 or more: the N of the paper's "NASNet-A (N @ filters)".
    filters : int
        Channels that the head reads, a multiple of 96.
    stem_filters : int
        Of the first convolution.
    skip_reduction : bool
        Whether the cell after a reduction cell reads the map that the reduction cell read second, not its last.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     network = NASNet()
    >>> sum(p.numel() for p in network.parameters())
    5289978
    """

    head_name = "last_linear"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        cells: int = 4,
        filters: int = 1056,
        stem_filters: int = 32,
        skip_reduction: bool = False,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if cells < 1 or filters < 96 or filters % 96:
            message = _(
                "A nasnet cannot have {cells} cells and {filters} filters: give 1 or more and a multiple of 96."
            )
            raise ModelError(message.format(cells=cells, filters=filters))
        small = is_small(stem, size)
        if not small:
            check_size("nasnet", size, MIN_SIZE)
        first = nn.Conv2d(channels, stem_filters, 3, 1 if small else 2, padding=1 if small else 0, bias=False)
        self.conv0 = nn.Sequential(OrderedDict(conv=first, bn=nn.BatchNorm2d(stem_filters, eps=EPSILON)))
        self.skip_reduction = skip_reduction
        self.cells: dict[str, list[str]] = {}
        last = before = Map(stem_filters, 0)
        for stage, rows in list_cells(cells, filters // 24).items():
            self.cells[stage] = [name for name, _reduction, _width in rows]
            for name, reduction, width in rows:
                cell = Cell(reduction, width, last, before)
                self.add_module(name, cell)
                last, before = cell.out, self.next_before(name, last, before)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.last_linear = nn.Linear(last.channels, classes)
        init_convolutions(self, "fan_in")  # torch's fan_out of a depthwise layer is its channels too large

    def next_before(self, cell: str, last: T, before: T) -> T:
        """Return which of the two maps that ``cell`` read the next cell reads again."""
        return before if self.skip_reduction and cell.startswith("reduction") else last

    def body(self) -> Body:
        """Return the stages of one pass: cells read two maps, so each stage leaves one to the next."""
        waiting: list[Tensor] = []

        def run(names: list[str], x: Tensor) -> Tensor:
            for name in names:
                before = waiting.pop() if waiting else x
                waiting.append(self.next_before(name, x, before))
                x = self.get_submodule(name)(x, before)
            return x

        return {"stem": self.conv0, **{stage: partial(run, names) for stage, names in self.cells.items()}}

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x.relu()).flatten(1)  # (N, 1056, 7, 7) -> (N, 1056)


def list_cells(cells: int, filters: int) -> dict[str, list[tuple[str, bool, int]]]:
    """List, by stage as in figure 2, each cell's name, whether it halves the map, and its filters.

    Examples
    --------
    >>> list_cells(1, 44)["stage3"]
    [('reduction_cell_0', True, 88), ('cell_1', False, 88)]
    """
    stages = {
        "stage1": [("cell_stem_0", True, filters // 4)],  # H / 4
        "stage2": [("cell_stem_1", True, filters // 2)],  # H / 8
        "stage3": [("reduction_cell_0", True, filters * 2)],  # H / 16
        "stage4": [("reduction_cell_1", True, filters * 4)],  # H / 32
    }
    for i, stage in enumerate(("stage2", "stage3", "stage4")):
        stages[stage] += [(f"cell_{cells * i + j}", False, filters * 2**i) for j in range(cells)]
    return stages
