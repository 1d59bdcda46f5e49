"""A network in numbers: every layer in the form of the MobileNet paper's table 1, every stage, and the totals.

Data first: `summary` gives numbers, ``str()`` of them draws the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from rich.cells import cell_len
from torch import Tensor, nn

from discern.i18n import _
from discern.models.counting import Layer, map_size, times
from discern.models.network import Model, Network
from discern.models.receptive import Seen
from discern.models.walk import Walk

LONGEST_REPEAT = 8  # layers in a group that the drawn table folds into one
NUMBERS = (5, 6)  # columns of the drawn table that end alike
LAYOUTS = (  # whether sizes have blanks, and the columns: widest first
    (True, range(8)),
    (True, range(7)),
    (False, range(7)),
    (False, range(6)),
)


@dataclass(frozen=True)
class Stage:
    """What a stage makes of a picture.

    Attributes
    ----------
    name : str
        As `discern.models.network.Network.body` calls it.
    height, width : int or None
        Units a side; None where the numbers are not laid out as a map any more.
    channels : int
        Numbers in each place.
    stride : int or None
        Pixels of the picture from one unit to the next.
    receptive_field : int or None
        Pixels a side of the picture that one unit sees; more than the picture has where its border is seen too.
    """

    name: str
    height: int | None
    width: int | None
    channels: int
    stride: int | None
    receptive_field: int | None


@dataclass(frozen=True)
class Summary:
    """Every layer of a network, its stages, and the totals.

    Attributes
    ----------
    layers : tuple of Layer
        In the order in which a picture passes them.
    stages : tuple of Stage
        The maps that `stages` gives; empty for a module that is no `discern.models.network.Model`.
    trainable : int
        Parameters that training changes.
    total : int
        Those, frozen ones, and the running statistics of batch normalisation (what Keras calls total).
    aside : int
        Of the trainable ones, those that only training uses: auxiliary heads.
    multiply_adds : int
        For one picture.
    depth : int
        Layers with weights (convolutions, fully connected) on the longest way from the picture to the logits; the
        gates of squeeze-and-excitation lie beside it.
    bytes : int
        Size of all tensors of a weights file.
    """

    layers: tuple[Layer, ...]
    stages: tuple[Stage, ...]
    trainable: int
    total: int
    aside: int
    multiply_adds: int
    depth: int
    bytes: int

    @property
    def gated(self) -> bool:
        """Whether a map is scaled by numbers pooled from the whole of it, as in squeeze-and-excitation."""
        pooled = [i for i, layer in enumerate(self.layers) if "Pool" in layer.kind and layer.output[:2] == (1, 1)]
        return bool(pooled) and any(layer.output[0] > 1 for layer in self.layers[pooled[0] :])

    def folded(self) -> list[tuple[int, tuple[Layer, ...]]]:
        """The layers in groups: (how often the group is repeated, its layers)."""
        groups = []
        start = 0
        while start < len(self.layers):
            length, count = _repeat(self.layers, start)
            groups.append((count, self.layers[start : start + length]))
            start += length * count
        return groups

    def table(self, width: int | None = None) -> str:
        """The layers as text; to fit into ``width`` columns names, blanks and costs are left out, in this order."""
        for blanks, columns in LAYOUTS:
            lines = _aligned([[row[i] for i in columns] for row in self.rows(blanks)], columns)
            if width is None or max(map(cell_len, lines)) <= width:
                break
        return "\n".join(lines)

    def rows(self, blanks: bool = True) -> list[tuple[str, ...]]:
        """The titles and the layers as cells of text, repeated groups once; sizes with ``blanks`` or close together."""
        sizes = (_("Filter shape"), _("Input size"), _("Output size"))
        rows: list[tuple[str, ...]] = [
            ("", _("Type / stride"), *sizes, _("Parameters"), _("Multiply-adds"), _("Layer")),
        ]
        for count, layers in self.folded():
            for i, layer in enumerate(layers):
                mark = "" if count == 1 else f"{count} x" if i == 0 else "  |"
                shapes = [layer.filter, times(layer.input), times(layer.output)]
                if not blanks:
                    shapes = [shape.replace(" x ", "x") for shape in shapes]
                rows.append(
                    (mark, layer.type, *shapes, f"{layer.parameters:,}", f"{layer.multiply_adds:,}", layer.name)
                )
        return rows

    def totals(self) -> tuple[str, str]:
        """Parameters, work and size in two sentences."""
        return (
            _("{trainable} trainable parameters, {total} with running statistics").format(
                trainable=f"{self.trainable:,}", total=f"{self.total:,}"
            ),
            _("{multiply_adds} multiply-adds a picture, weights of {megabytes} MB").format(
                multiply_adds=f"{self.multiply_adds:,}", megabytes=f"{self.bytes / 1e6:,.1f}"
            ),
        )

    def __str__(self) -> str:
        return "\n".join((self.table(), *self.totals()))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Summary:
        """What `dataclasses.asdict` made of a summary, after it was JSON."""
        shapes = [{**row, "input": tuple(row["input"]), "output": tuple(row["output"])} for row in value["layers"]]
        layers, stages = (Layer(**row) for row in shapes), (Stage(**row) for row in value["stages"])
        return cls(**{**value, "layers": tuple(layers), "stages": tuple(stages)})


def summary(network: nn.Module, size: int, channels: int = 3) -> Summary:
    """Run one empty picture through ``network`` and write down every layer it passes.

    Works on the meta device as well, where it costs no memory and no arithmetic; the network is left as it was.

    Parameters
    ----------
    network : torch.nn.Module
        Takes (N, channels, size, size), gives logits (N, classes).
    size, channels : int
        Pixels a side and colour channels.

    Examples
    --------
    >>> from discern.models.table import build
    >>> with torch.device("meta"):
    ...     network = build("mobilenet", classes=1000)
    >>> facts = summary(network, size=224)
    >>> facts.layers[1].type, facts.layers[1].filter, facts.layers[1].input
    ('Conv dw / s1', '3 x 3 x 32 dw', (112, 112, 32))
    >>> facts.total, facts.multiply_adds, facts.depth
    (4253864, 568740352, 28)
    >>> facts.stages[-1]
    Stage(name='stage5', height=7, width=7, channels=1024, stride=32, receptive_field=315)
    """
    like = next(network.parameters())
    picture = torch.zeros(1, channels, size, size, dtype=like.dtype, device=like.device)
    walk = Walk(network, picture)
    with torch.no_grad(), _resting(network):
        with walk.places(), walk:
            logits, maps = _run(network, picture)
        rows, unused = tuple(walk.layers), walk.unused
        if isinstance(network, Model) and not maps:
            with walk:
                maps = network.stages(picture)
    classes = (1, 1, logits.shape[-1])
    state = network.state_dict().values()
    return Summary(
        layers=(*rows, Layer("", "Softmax", 1, "Classifier", classes, classes)),
        stages=tuple(_stage(name, map, walk.seen[map]) for name, map in maps.items()),
        trainable=sum(p.numel() for p in network.parameters() if p.requires_grad),
        total=sum(t.numel() for t in state if t.is_floating_point()),
        aside=unused,
        multiply_adds=sum(row.multiply_adds for row in rows),
        depth=walk.seen[logits].depth,
        bytes=sum(t.numel() * t.element_size() for t in state),
    )


def _run(network: nn.Module, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The logits and, where one pass gives both, the maps of the stages."""
    if not isinstance(network, Network):
        return network(picture), {}
    maps = network.stages(picture)
    return network.answer(network.embed(next(reversed(maps.values())))), maps


@contextmanager
def _resting(network: nn.Module) -> Iterator[None]:
    """Inside the block the network is in evaluation mode."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _stage(name: str, map: Tensor, seen: Seen) -> Stage:
    if map.dim() < 3:
        return Stage(name, None, None, map.shape[1], None, seen.field)
    return Stage(name, *map_size(map, seen), seen.stride, seen.field)


def _repeat(layers: Sequence[Layer], start: int) -> tuple[int, int]:
    """The group at ``start``: how many layers long, and how often it comes in a row."""
    roles = [layer.role for layer in layers[start:]]
    for length in range(1, LONGEST_REPEAT + 1):
        count = 1
        while roles[:length] == roles[count * length : (count + 1) * length]:
            count += 1
        if count > 1:
            return length, count
    return 1, 1


def _aligned(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> list[str]:
    """Columns as wide as their widest cell, a Chinese character counted as two; those of `NUMBERS` end alike."""
    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for cell, width, column in zip(row, widths, columns, strict=True):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if column in NUMBERS else cell + blank)
        lines.append("  ".join(cells).rstrip())
    return lines
