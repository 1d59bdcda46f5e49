"""The panels of a PCA figure: scores, weights, explained variance, and one step of the power iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.drawing import PALETTE, draw_images, draw_matrix
from discern.labs.feature_data import FeatureData
from discern.labs.pca.deflation import Component, Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_FEATURES = 8  # whose weights are written out


def draw_scores(ax: Axes, data: FeatureData, scores: np.ndarray, ratios: np.ndarray) -> None:
    """Draw the examples along the first two components."""
    points = np.zeros((len(scores), 2))
    points[:, : min(2, scores.shape[1])] = scores[:, :2]
    for label, name in enumerate(data.classes or [""]):
        x, y = points[data.labels == label].T
        ax.plot(x, y, ".", color=PALETTE[label % len(PALETTE)], markersize=5, alpha=0.7, label=name)
    message = _("component {number} ({fraction:.1%})")
    titles = [message.format(number=i, fraction=ratio) for i, ratio in enumerate(ratios[:2], start=1)]
    ax.set(xlabel=titles[0], ylabel=titles[1] if len(titles) > 1 else "", title=data.name)
    if 1 < len(data.classes) <= len(PALETTE):
        ax.legend(fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0)


def draw_weights(ax: Axes, data: FeatureData, directions: np.ndarray) -> None:
    """Draw the components (K, F) as images, or as numbers."""
    numbers = [str(i + 1) for i in range(len(directions))]
    if data.image_shape:
        draw_images(ax, directions.reshape(-1, *data.image_shape), numbers, cmap="RdBu_r", columns=4)
        ax.set_title(_("components: red positive, blue negative"))
        return
    draw_matrix(ax, directions.T, _("weights of the components"), cmap="RdBu_r", limits=(-1, 1))
    ax.set_xticks(range(len(numbers)), numbers)
    ax.set_yticks(range(len(data.features)), data.features)


def draw_variance(ax: Axes, ratios: np.ndarray) -> None:
    """Draw the fraction of the variance that each component explains, and their cumulative sum."""
    numbers = np.arange(1, len(ratios) + 1)
    ax.bar(numbers, ratios, color="#56b4e9", label=_("each"))
    ax.plot(numbers, np.cumsum(ratios), "o-", color="black", markersize=4, label=_("cumulative"))
    ax.set(xlabel=_("component"), ylabel=_("explained variance ratio"), ylim=(0, 1.03), xticks=numbers)
    ax.legend(fontsize=8, loc="center right")


def draw_step(axes: Sequence[Axes], data: FeatureData, number: int, component: Component, step: Step) -> None:
    """Draw the direction of one step on the left, the variance of all steps up to it on the right."""
    left, right = axes
    title = _("component {number}, step {step}").format(number=number + 1, step=step.number)
    w = step.direction * np.sign(component.steps[-1].direction @ component.direction)
    if data.image_shape:
        draw_images(left, w.reshape(1, *data.image_shape), [title], cmap="RdBu_r")
    else:
        left.bar(range(len(w)), w, color="#0072b2")
        left.axhline(0, color="black", linewidth=0.8)
        left.set(ylim=(-1.05, 1.05), title=title, ylabel=_("weight"))
        if len(w) <= MAX_FEATURES:
            left.set_xticks(range(len(w)), data.features, rotation=20, ha="right")
    done = [other for other in component.steps if other.number <= step.number]
    right.plot([other.number for other in done], [other.variance for other in done], "o-", color="#d55e00")
    right.axhline(component.variance, color="#777777", linestyle="--")
    right.set_xscale("symlog", linthresh=1)
    right.set(xlim=(0, 1.3 * component.steps[-1].number), ylim=(0, 1.1 * component.variance))
    title = _("residual variance: {variance:.4g}").format(variance=component.residual_variance)
    right.set(xlabel=_("step"), ylabel=_("variance of w'X"), title=title)
