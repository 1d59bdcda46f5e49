"""Drawings of a small network: values forward in black, gradients backward in red.

A drawing has stages, from the inputs to the loss: ``done`` stages are filled in, first with the values of the forward
pass, from left to right, then with the gradients of the backward pass, from right to left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.figures import INK, PAPER
from discern.i18n import _
from discern.labs.backprop.graph import Node, Nodes, to_array
from discern.labs.backprop.tiny_networks import name_node
from discern.labs.drawing import draw_matrix
from discern.result import cell_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MAX_LABELS = 6  # connections between two layers: the numbers of more would overlap
MAX_CELLS = 28  # side by side, for numbers of full size
FORWARD, BACKWARD = INK, "crimson"
STAGES = {"image": 0, "kernel": 1, "map": 1, "relu": 2, "pool": 3, "dense": 4, "unit": 4}  # of the tiny CNN

Point = tuple[float, float]


def count_stages(nodes: Nodes) -> int:
    """Return the number of stages of a network, from its inputs to its loss."""
    if any(node.kind == "map" for node in nodes.values()):
        return STAGES["unit"] + 2
    return max(node.index[0] for node in nodes.values() if node.kind == "unit") + 2


def draw_dense(figure: FigureBase, nodes: Nodes, done: int) -> None:
    """Draw units as boxes, layer by layer, and their connections, with ``done`` stages filled in."""
    axes = figure.subplots()
    count = count_stages(nodes)
    forward, backward = done, 2 * count - 1 - done  # last stage that has values, first stage that has gradients
    units = [node for node in nodes.values() if node.kind in ("input", "unit", "loss")]
    widths = [sum(_stage(node, count) == stage for node in units) for stage in range(count)]
    points: dict[str, Point] = {}
    for node in units:
        stage, unit = _stage(node, count), 0 if node.kind == "loss" else node.index[1]
        points[node.name] = (stage, (widths[stage] - 1) / 2 - unit)
    size = float(np.clip(50 / max(widths), 5, 10))
    _draw_weights(axes, nodes, points, widths, (backward, size))
    for output in nodes["L"].edges:
        axes.plot(*zip(points[output.source], points["L"], strict=True), color="silver")
    for node in units:
        stage = _stage(node, count)
        x, y = points[node.name]
        text = f"{node.name} = {node.value:.4g}" if stage <= forward else node.name
        fill, color = ("moccasin", "black") if stage in (forward, backward) else (PAPER, INK)
        box = {"boxstyle": "round,pad=0.5", "facecolor": fill, "edgecolor": INK}
        axes.text(x, y, text, ha="center", va="center", fontsize=size + 1, color=color, bbox=box, zorder=3)
        if node.kind == "unit":
            bias = nodes["b" + node.name[1:]]
            gradient = f" ({bias.gradient:.3g})" if stage >= backward else ""
            _label(axes, (x, y), 2.6 * size, f"{bias.name} = {bias.value:.3g}{gradient}", "gray", size)
        if stage >= backward:
            _label(axes, (x, y), -2.6 * size, f"{node.gradient:.3g}", BACKWARD, size)
    half = 0.6 + (max(widths) - 1) / 2
    legend = _("values black, gradients dL/d. red; lines: blue positive weights, brown negative weights")
    axes.set(xlim=(-0.4, count - 0.6), ylim=(-half, half), title=_title(done, count, legend))
    axes.axis("off")


def _draw_weights(
    axes: Axes, nodes: Nodes, points: Mapping[str, Point], widths: list[int], style: tuple[int, float]
) -> None:
    """Draw a line for each weight, wider for larger ones, with its value and gradient where there is room."""
    backward, size = style
    for weight in (node for node in nodes.values() if node.kind == "weight"):
        layer, unit, source = weight.index
        sources, targets = widths[layer : layer + 2]
        has_room = sources * targets <= MAX_LABELS
        value = f"{weight.name} = {weight.value:.3g}" if has_room else ""
        gradient = f"{weight.gradient:.3g}" if has_room and layer + 1 >= backward else ""
        start, end = points[name_node("z", layer + 1, source + 1)], points[name_node("z", layer + 2, unit + 1)]
        color = "tab:blue" if weight.value > 0 else "tab:brown"
        axes.plot(*zip(start, end, strict=True), color=color, linewidth=0.7 + min(abs(weight.value), 3), alpha=0.5)
        fraction = 1 / (targets + 1) if sources >= targets else 1 - 1 / (sources + 1)  # where lines are farthest apart
        spot = (start[0] + fraction * (end[0] - start[0]), start[1] + fraction * (end[1] - start[1]))
        _label(axes, spot, 0.7 * size, value, FORWARD, size)
        _label(axes, spot, -0.7 * size, gradient, BACKWARD, size)


def draw_cnn(figure: FigureBase, nodes: Nodes, done: int) -> None:
    """Draw every layer as a matrix, values above and gradients below, with ``done`` stages filled in."""
    count = count_stages(nodes)
    forward, backward = done, 2 * count - 1 - done
    titles = {
        "image": _("image x"),
        "kernel": _("kernel k"),
        "map": _("feature map m"),
        "relu": _("ReLU r"),
        "pool": _("pooled p"),
        "dense": _("dense v"),
    }
    widths = [max(to_array(nodes, kind).shape[1], 2) for kind in titles]
    panels = figure.subplots(2, len(titles) + 1, squeeze=False, width_ratios=[*widths, 3])
    figure.suptitle(_title(done, count, _("values above, gradients below; framed: the maxima that pooling selects")))
    maxima = [nodes[node.edges[0].source].index for node in nodes.values() if node.kind == "pool"]
    for is_gradient, row in zip((False, True), panels, strict=True):
        for axes, (kind, title) in zip(row, titles.items(), strict=False):
            stage = STAGES[kind]
            if not (stage >= backward if is_gradient else stage <= forward or kind in ("kernel", "dense")):
                axes.axis("off")
                continue
            values = to_array(nodes, kind, is_gradient)
            limit = float(np.abs(values).max()) or 1.0
            framed = [(i, j) for i, j in maxima] if kind == "relu" else ()
            if is_gradient:
                draw_matrix(axes, values, f"dL/d{title[-1]}", framed, "coolwarm", (-limit, limit))
            else:
                draw_matrix(axes, values, title, framed)
            for text in list(axes.texts):
                text.set_fontsize(8 * min(1.0, MAX_CELLS / sum(widths)))
                if sum(widths) > 1.5 * MAX_CELLS:
                    text.remove()
        _list_numbers(row[-1], nodes, is_gradient, (forward, backward, count))


def draw_losses(axes: Axes, losses: np.ndarray, lr: float) -> None:
    """Draw the loss before the first step and after each."""
    from matplotlib.ticker import MaxNLocator

    finite = losses[np.isfinite(losses)]
    axes.plot(finite, marker=".", color="tab:blue")
    axes.set(xlabel=_("steps"), ylabel="L", title=_("loss at learning rate {lr}").format(lr=cell_text(lr)))
    axes.grid(alpha=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if (finite > 0).all() and finite.max() > 100 * finite.min():
        axes.set_yscale("log")


def _title(done: int, count: int, complete: str) -> str:
    if done >= 2 * count:
        return complete
    return _("forward pass: values") if done < count else _("backward pass: gradients")


def _stage(node: Node, count: int) -> int:
    return count - 1 if node.kind == "loss" else node.index[0]


def _label(axes: Axes, point: Point, offset: float, text: str, color: str, size: float) -> None:
    """Write text ``offset`` points above a point."""
    if text:
        box = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8}
        style: dict[str, Any] = {
            "textcoords": "offset points",
            "ha": "center",
            "va": "center",
            "zorder": 4,
            "bbox": box,
        }
        axes.annotate(text, point, (0, offset), fontsize=size, color=color, **style)


def _list_numbers(axes: Axes, nodes: Nodes, is_gradient: bool, stages: tuple[int, int, int]) -> None:
    """Write the sums, outputs and the loss as lines of text."""
    forward, backward, count = stages
    axes.axis("off")
    lines = []
    for node in (node for node in nodes.values() if node.kind in ("bias", "sum", "unit", "loss")):
        stage = {"L": count - 1, "bk": 1}.get(node.name, STAGES["unit"])
        if is_gradient and stage >= backward:
            lines.append(f"dL/d{node.name} = {node.gradient:.4g}")
        if not is_gradient and stage <= forward:
            lines.append(f"{node.name} = {node.value:.4g}")
    size = float(np.clip(90 / max(len(lines), 1), 5, 10))
    axes.text(0, 0.5, "\n".join(lines), va="center", fontsize=size, color=BACKWARD if is_gradient else FORWARD)
