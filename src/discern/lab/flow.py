"""Drawings of a small network: values forward in black, gradients backward in red."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.lab.draw import show_matrix
from discern.lab.graph import Node, Nodes, grid
from discern.lab.result import cell_text
from discern.lab.small import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST_LABELS = 6  # connections between two layers: the numbers of more would cover each other
FITTING = 28  # columns of cells beside each other, for numbers of full size
FORWARD, BACK = "black", "crimson"
STAGES = {"picture": 0, "kernel": 1, "map": 1, "relu": 2, "pool": 3, "dense": 4, "unit": 4}  # of the tiny CNN


def stages(nodes: Nodes) -> int:
    """In how many stages a network calculates, from its inputs to its loss."""
    if any(node.kind == "map" for node in nodes.values()):
        return STAGES["unit"] + 2
    return max(node.place[0] for node in nodes.values() if node.kind == "unit") + 2


def draw_dense(figure: FigureBase, nodes: Nodes, shown: int) -> None:
    """Units as boxes, layer by layer, and what connects them, as far as ``shown`` stages forward and then back."""
    axes = figure.subplots()
    count = stages(nodes)
    forward, back = shown, 2 * count - 1 - shown  # values up to the one, gradients from the other on
    units = [node for node in nodes.values() if node.kind in ("input", "unit", "loss")]
    widths = [sum(_stage(node, count) == stage for node in units) for stage in range(count)]
    spots = {node.name: _spot(node, count, widths) for node in units}
    size = float(np.clip(50 / max(widths), 5, 10))
    for weight in (node for node in nodes.values() if node.kind == "weight"):
        layer, unit, source = weight.place
        sources, targets = widths[layer : layer + 2]
        written = sources * targets <= MOST_LABELS
        label = f"{weight.name} = {weight.value:.3g}" if written else ""
        red = f"{weight.gradient:.3g}" if written and layer + 1 >= back else ""
        part = 1 / (targets + 1) if sources >= targets else 1 - 1 / (sources + 1)  # where the lines are farthest apart
        ends = spots[named("z", layer + 1, source + 1)], spots[named("z", layer + 2, unit + 1)]
        colour = "tab:blue" if weight.value > 0 else "tab:brown"
        axes.plot(*zip(*ends, strict=True), color=colour, linewidth=0.7 + min(abs(weight.value), 3), alpha=0.5)
        middle = (ends[0][0] + part * (ends[1][0] - ends[0][0]), ends[0][1] + part * (ends[1][1] - ends[0][1]))
        _note(axes, middle, 0.7 * size, label, FORWARD, size)
        _note(axes, middle, -0.7 * size, red, BACK, size)
    for output in nodes["L"].edges:
        axes.plot(*zip(spots[output.source], spots["L"], strict=True), color="silver")
    for node in units:
        stage = _stage(node, count)
        x, y = spots[node.name]
        text = f"{node.name} = {node.value:.4g}" if stage <= forward else node.name
        now = stage in (forward, back)
        box = {"boxstyle": "round,pad=0.5", "facecolor": "moccasin" if now else "white", "edgecolor": "black"}
        axes.text(x, y, text, ha="center", va="center", fontsize=size + 1, bbox=box, zorder=3)
        if node.kind == "unit":
            bias = nodes["b" + node.name[1:]]
            red = f" ({bias.gradient:.3g})" if stage >= back else ""
            _note(axes, (x, y), 2.6 * size, f"{bias.name} = {bias.value:.3g}{red}", "dimgrey", size)
        if stage >= back:
            _note(axes, (x, y), -2.6 * size, f"{node.gradient:.3g}", BACK, size)
    axes.set_xlim(-0.4, count - 0.6)
    axes.set_ylim(-0.6 - (max(widths) - 1) / 2, 0.6 + (max(widths) - 1) / 2)
    axes.axis("off")
    whole = _(
        "values in black, gradients dL/d. in red; lines are blue where a weight is positive, brown where negative"
    )
    axes.set_title(_told(shown, count, whole))


def draw_cnn(figure: FigureBase, nodes: Nodes, shown: int) -> None:
    """Every layer as a matrix, values above and gradients below, as far as ``shown`` stages forward and then back."""
    count = stages(nodes)
    forward, back = shown, 2 * count - 1 - shown
    titles = {
        "picture": _("picture x"),
        "kernel": _("kernel k"),
        "map": _("map m"),
        "relu": _("ReLU r"),
        "pool": _("pooled p"),
        "dense": _("dense v"),
    }
    widths = [max(grid(nodes, kind).shape[1], 2) for kind in titles]
    rows = figure.subplots(2, len(titles) + 1, squeeze=False, width_ratios=[*widths, 3])
    whole = _("values above, gradients below; framed, the winners of the pooling")
    figure.suptitle(_told(shown, count, whole))
    winners = [nodes[node.edges[0].source].place for node in nodes.values() if node.kind == "pool"]
    for gradient, panels in zip((False, True), rows, strict=True):
        for axes, (kind, title) in zip(panels, titles.items(), strict=False):
            stage = STAGES[kind]
            values = grid(nodes, kind, gradient)
            if not (stage >= back if gradient else stage <= forward or kind in ("kernel", "dense")):
                axes.axis("off")
                continue
            limit = float(np.abs(values).max()) or 1.0
            marked = [(i, j) for i, j in winners] if kind == "relu" else ()
            label = f"dL/d{title[-1]}" if gradient else title
            show_matrix(
                axes, values, label, marked, "coolwarm" if gradient else "Blues", (-limit, limit) if gradient else None
            )
            for text in list(axes.texts):
                text.set_fontsize(8 * min(1.0, FITTING / sum(widths)))
                if sum(widths) > 1.5 * FITTING:
                    text.remove()
        _numbers(panels[-1], nodes, gradient, (forward, back, count))


def draw_losses(axes: Axes, losses: np.ndarray, rate: float) -> None:
    """The loss before the first step and after each."""
    from matplotlib.ticker import MaxNLocator

    seen = losses[np.isfinite(losses)]
    axes.plot(seen, marker=".", color="tab:blue")
    axes.set_xlabel(_("steps"))
    axes.set_ylabel("L")
    axes.set_title(_("loss at learning rate {rate}").format(rate=cell_text(rate)))
    axes.grid(alpha=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if (seen > 0).all() and seen.max() > 100 * seen.min():
        axes.set_yscale("log")


def _told(shown: int, count: int, whole: str) -> str:
    if shown >= 2 * count:
        return whole
    return _("forward: values") if shown < count else _("backward: gradients")


def _stage(node: Node, count: int) -> int:
    return count - 1 if node.kind == "loss" else node.place[0]


def _spot(node: Node, count: int, widths: list[int]) -> tuple[float, float]:
    stage = _stage(node, count)
    unit = 0 if node.kind == "loss" else node.place[1]
    return stage, (widths[stage] - 1) / 2 - unit


def _note(axes: Axes, spot: tuple[float, float], points: float, text: str, colour: str, size: float) -> None:
    """Text some points above a spot."""
    if text:
        axes.annotate(
            text,
            spot,
            (0, points),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            color=colour,
            zorder=4,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        )


def _numbers(axes: Axes, nodes: Nodes, gradient: bool, reach: tuple[int, int, int]) -> None:
    """The sums, outputs and the loss as lines of text."""
    forward, back, count = reach
    axes.axis("off")
    lines = []
    for node in nodes.values():
        if node.kind not in ("bias", "sum", "unit", "loss"):
            continue
        stage = {"loss": count - 1, "bias": 1 if node.name == "bk" else STAGES["unit"]}.get(node.kind, STAGES["unit"])
        if gradient and stage >= back:
            lines.append(f"dL/d{node.name} = {node.gradient:.4g}")
        if not gradient and stage <= forward:
            lines.append(f"{node.name} = {node.value:.4g}")
    size = float(np.clip(90 / max(len(lines), 1), 5, 10))
    axes.text(0, 0.5, "\n".join(lines), va="center", fontsize=size, color=BACK if gradient else FORWARD)
