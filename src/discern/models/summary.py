"""A network in numbers: every layer in the form of the MobileNet paper's table 1, every stage, and the totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from discern.i18n import _
from discern.models.network import Model, Network
from discern.models.operation import LayerInfo, format_shape, map_size
from discern.models.receptive_field import ReceptiveField
from discern.models.tracer import LayerTracer
from discern.result import Table

MAX_GROUP = 8  # layers in a group that the table prints once with how often it is repeated


@dataclass(frozen=True)
class StageInfo:
    """The map that a stage makes of an image."""

    name: str  # as `discern.models.network.Network.body` calls it
    height: int | None  # units a side; None where the numbers are not laid out as a map any more
    width: int | None
    channels: int  # numbers in each place
    stride: int | None  # pixels of the image from one unit to the next
    receptive_field: (
        int | None
    )  # pixels a side that one unit depends on; above the image's where its border is included


@dataclass(frozen=True)
class ModelSummary:
    """Every layer of a network, its stages, and the totals.

    Its depth is how many layers with weights (convolutions, fully connected) lie on the longest path from the image to
    the logits; the gates of squeeze-and-excitation lie beside it.
    """

    layers: tuple[LayerInfo, ...]  # in the order in which an image passes them
    stages: tuple[StageInfo, ...]  # empty for a module that is no `discern.models.network.Model`
    trainable: int  # parameters that training changes
    total: int  # those, frozen ones, and the running statistics of batch normalization (what Keras calls total)
    auxiliary: int  # of the trainable ones, those that only training uses: auxiliary heads
    multiply_adds: int  # for one image
    depth: int
    bytes: int  # size of all tensors of a weights file

    @property
    def has_gates(self) -> bool:
        """Whether a map is scaled by numbers pooled from all of it, as in squeeze-and-excitation."""
        pooled = [i for i, layer in enumerate(self.layers) if "Pool" in layer.kind and layer.output[:2] == (1, 1)]
        return bool(pooled) and any(layer.output[0] > 1 for layer in self.layers[pooled[0] :])

    def group_repeats(self) -> list[tuple[int, tuple[LayerInfo, ...]]]:
        """Return the layers in groups: (how often the group is repeated, its layers)."""
        groups = []
        start = 0
        while start < len(self.layers):
            length, count = _find_repeat(self.layers, start)
            groups.append((count, self.layers[start : start + length]))
            start += length * count
        return groups

    def layer_table(self, title: str = "") -> Table:
        """Return the layers as a table, repeated groups once."""
        shapes = (_("Filter shape"), _("Input size"), _("Output size"))
        columns = ("", _("Type / stride"), *shapes, _("Layer"), _("Parameters"), _("Multiply-adds"))
        rows = []
        for count, layers in self.group_repeats():
            for i, layer in enumerate(layers):
                mark = "" if count == 1 else f"{count} x" if i == 0 else "  |"
                sizes = (layer.filter, format_shape(layer.input), format_shape(layer.output))
                rows.append((mark, layer.type, *sizes, layer.name, layer.parameters, layer.multiply_adds))
        return Table(title, columns, rows, text_columns=6)

    def totals(self) -> list[str]:
        """Return parameters, work and size in sentences."""
        parameters = _("{trainable:,} parameters, all trainable.")
        if self.total != self.trainable:
            parameters = _("{trainable:,} trainable parameters, {total:,} with the running statistics.")
        sentences = [parameters.format(trainable=self.trainable, total=self.total)]
        if self.auxiliary:
            sentences.append(_("{n:,} of them in auxiliary heads, which only training uses.").format(n=self.auxiliary))
        large = self.bytes >= 1e6
        size = f"{self.bytes / 1e6:,.1f} MB" if large else f"{self.bytes / 1e3:,.1f} kB"
        work = _("{multiply_adds:,} multiply-adds per image; weights file: {size}.")
        return [*sentences, work.format(multiply_adds=self.multiply_adds, size=size)]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ModelSummary:
        """Read what `dataclasses.asdict` made of a summary, after it was JSON."""
        shapes = [{**row, "input": tuple(row["input"]), "output": tuple(row["output"])} for row in value["layers"]]
        layers, stages = (LayerInfo(**row) for row in shapes), (StageInfo(**row) for row in value["stages"])
        return cls(**{**value, "layers": tuple(layers), "stages": tuple(stages)})


def summarize(network: nn.Module, size: int, channels: int = 3) -> ModelSummary:
    """Run one empty image through ``network`` and write down every layer it passes.

    Works on the meta device as well, where it costs no memory and no arithmetic; the network is left as it was.

    Parameters
    ----------
    network : torch.nn.Module
        Takes (N, channels, size, size), gives logits (N, classes).
    size, channels : int
        Pixels a side and color channels.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> with torch.device("meta"):
    ...     network = build_model("mobilenet", classes=1000)
    >>> summary = summarize(network, size=224)
    >>> summary.layers[1].type, summary.layers[1].filter, summary.layers[1].input
    ('Conv dw / s1', '3 x 3 x 32 dw', (112, 112, 32))
    >>> summary.total, summary.multiply_adds, summary.depth
    (4253864, 568740352, 28)
    >>> summary.stages[-1]
    StageInfo(name='stage5', height=7, width=7, channels=1024, stride=32, receptive_field=315)
    """
    like = next(network.parameters())
    image = torch.zeros(1, channels, size, size, dtype=like.dtype, device=like.device)
    tracer = LayerTracer(network, image)
    with torch.no_grad(), _evaluation_mode(network):
        with tracer.name_by_module(), tracer:
            logits, maps = _run(network, image)
        rows, unused = tuple(tracer.layers), tracer.unused
        if isinstance(network, Model) and not maps:
            with tracer:
                maps = network.stages(image)
    classes = (1, 1, logits.shape[-1])
    state = network.state_dict().values()
    return ModelSummary(
        layers=(*rows, LayerInfo("", "Softmax", 1, "Classifier", classes, classes)),
        stages=tuple(_describe_stage(name, map, tracer.fields[map]) for name, map in maps.items()),
        trainable=sum(p.numel() for p in network.parameters() if p.requires_grad),
        total=sum(t.numel() for t in state if t.is_floating_point()),
        auxiliary=unused,
        multiply_adds=sum(row.multiply_adds for row in rows),
        depth=tracer.fields[logits].depth,
        bytes=sum(t.numel() * t.element_size() for t in state),
    )


def _run(network: nn.Module, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the logits and, where one pass gives both, the maps of the stages."""
    if not isinstance(network, Network):
        return network(image), {}
    maps = network.stages(image)
    return network.forward_head(network.pool(next(reversed(maps.values())))), maps


@contextmanager
def _evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode inside the block, each module back into its own mode after it."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _describe_stage(name: str, map: Tensor, field: ReceptiveField) -> StageInfo:
    if map.dim() < 3:
        return StageInfo(name, None, None, map.shape[1], None, field.size)
    return StageInfo(name, *map_size(map, field), field.stride, field.size)


def _find_repeat(layers: Sequence[LayerInfo], start: int) -> tuple[int, int]:
    """Return how many layers long the group at ``start`` is, and how often it comes in a row.

    The shortest group that repeats is taken: of a b a b a b, that is a b three times.
    """
    roles = [layer.role for layer in layers[start:]]
    for length in range(1, MAX_GROUP + 1):
        count = 1
        while roles[:length] == roles[count * length : (count + 1) * length]:
            count += 1
        if count > 1:
            return length, count
    return 1, 1
