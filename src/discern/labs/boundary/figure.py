"""Decision regions as colored planes with their points, and the MLP's loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.figures import INK, PAPER
from discern.i18n import _
from discern.labs.boundary.decision_regions import Region, Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MANY = 400  # points, from which on they are drawn small


def draw_region(ax: Axes, sample: Sample, region: Region, classes: np.ndarray, title: str) -> None:
    """Draw the class of every point of the grid, (G, G), below the points, support vectors and ellipses."""
    from matplotlib.patches import Ellipse

    x, y, points, held_out = sample.x, sample.y, sample.points, sample.held_out
    colors = class_colors(len(sample.classes))
    extent = (x[0], x[-1], y[0], y[-1])
    background = 0.45 * colors[classes] + 0.55  # paler than the points
    ax.imshow(background, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    own = colors[sample.labels].copy()
    own[region.unlabeled] = 1.0
    train, support = ~held_out, points[region.support]
    area = 16 if len(points) <= MANY else 5  # square points
    ax.scatter(points[train, 0], points[train, 1], c=own[train], s=area, edgecolors="black", linewidths=0.4)
    ax.scatter(points[held_out, 0], points[held_out, 1], c=own[held_out] * 0.7, s=area, marker="x", linewidths=0.8)
    ax.scatter(support[:, 0], support[:, 1], s=3.4 * area, facecolors="none", edgecolors="black", linewidths=0.7)
    for ellipse in region.ellipses:
        values, directions = np.linalg.eigh(ellipse.covariance)
        width, height = 4 * np.sqrt(values)  # two standard deviations on each side
        angle = math.degrees(math.atan2(directions[1, 0], directions[0, 0]))
        style = {"facecolor": "none", "edgecolor": tuple(0.6 * colors[ellipse.label]), "linewidth": 1.8}
        ax.add_patch(Ellipse(tuple(ellipse.center), width, height, angle=angle, **style))
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.set_title(title, fontsize=9)
    ax.tick_params(labelsize=7)


def draw_legend(figure: Figure, classes: Sequence[str], regions: Sequence[Region]) -> None:
    """Name the colors, and those marks that ``regions`` have."""
    from matplotlib.lines import Line2D

    colors = zip(class_colors(len(classes)), classes, strict=True)
    handles = [Line2D([], [], marker="o", linestyle="", color=color, label=name) for color, name in colors]
    circle: dict[str, Any] = {"marker": "o", "linestyle": "", "markerfacecolor": PAPER, "color": INK}
    handles.append(Line2D([], [], marker="x", linestyle="", color=INK, label=_("held out")))
    if any(len(region.unlabeled) for region in regions):
        handles.append(Line2D([], [], **circle, markersize=4, label=_("unlabeled")))
    if any(len(region.support) for region in regions):
        handles.append(Line2D([], [], **circle, markersize=8, label=_("support vector")))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(8, len(handles)), fontsize=8)


def draw_loss(ax: Axes, losses: Sequence[float], epoch: int) -> None:
    """Draw the loss up to an epoch, and pale the rest."""
    ax.plot(losses, color="lightgrey")
    ax.plot(losses[: epoch + 1], color="black")
    ax.scatter([epoch], [losses[epoch]], color="crimson", zorder=3)
    ax.set(xlabel=_("epoch"), title=_("loss"))


def class_colors(n: int) -> np.ndarray:
    """Return a color per class, float (n, 3)."""
    from matplotlib import colormaps

    palette = colormaps["tab10" if n <= 10 else "tab20"]
    return np.array([palette(i)[:3] for i in range(n)])
