"""Heat maps: which pixels speak for a class, one method or all of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from discern.explanations.drawing import draw_colorbar, draw_heat, draw_image
from discern.explanations.explain_input import ExplainedImage
from discern.explanations.faithfulness import Faithfulness
from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class HeatMap(Result):
    """Which pixels speak for a class."""

    method: str  # its name in `discern.explanations.methods`
    image: ExplainedImage  # what the network reads, and the class that is explained
    heat: np.ndarray  # float32 (H, W), 0 to 1, the hottest pixel 1 (all 0 where nothing speaks for the class)
    layer: str | None  # whose map it is made of, where it is made of one
    raw: np.ndarray  # the method's own output: a map (h, w), or a number for each value of the image (C, H, W)
    faithfulness: Faithfulness  # how well the map finds what the network uses

    @property
    def figsize(self) -> tuple[float, float]:
        # Two squares and a color bar, and the original where it is no square.
        return (10.4, 3.6) if self.image.is_reshaped else (7.2, 3.6)

    def sentences(self) -> list[str]:
        return _sentences([self])

    def tables(self) -> list[Table]:
        return [_score_table([self])]

    def plot(self, figure: Figure) -> None:
        """Draw the image, the heat over it, and both on the original where that was cropped, padded or stretched."""
        image = self.image
        height, width = image.original.shape[:2]
        widths = [1.0, 1.0, max(0.75, min(2.0, width / height))][: 3 if image.is_reshaped else 2]
        axes = figure.subplots(1, len(widths), width_ratios=widths)
        draw_image(axes[0], image.pixels)
        axes[0].set_title(_("network input"), fontsize=9)
        draw_heat(axes[1], image.pixels, self.heat)
        axes[1].set_title(f"{self.method}: {image.label} {image.probability:.3f}", fontsize=9)
        if image.is_reshaped:
            draw_heat(axes[2], image.original, self.heat, image.box)
            axes[2].set_title(_("on the original image"), fontsize=9)
        draw_colorbar(figure, axes)

    def to_json(self) -> dict[str, Any]:
        """Return method, class and scores; the map itself is in `heat`."""
        return {
            "method": self.method,
            **self.image.to_json(),
            "layer": self.layer,
            "deletion": self.faithfulness.deletion,
            "insertion": self.faithfulness.insertion,
            "steps": self.faithfulness.steps,
        }


@dataclass(frozen=True, eq=False)
class Grid(Result):
    """Heat maps of one image side by side."""

    maps: tuple[HeatMap, ...]  # one a method
    left_out: tuple[tuple[str, str], ...] = ()  # a method that cannot explain this network, and why

    @property
    def figsize(self) -> tuple[float, float]:
        columns, rows = self._grid()
        height, width = self.maps[0].image.original.shape[:2]
        return 2.8 * columns + 0.8, (2.8 * max(0.5, min(1.5, height / width)) + 0.5) * rows

    def sentences(self) -> list[str]:
        return [*_sentences(self.maps), *(f"{method}: {reason}" for method, reason in self.left_out)]

    def tables(self) -> list[Table]:
        return [_score_table(self.maps)]

    def plot(self, figure: Figure) -> None:
        """Draw what the network reads, then every map on the original image."""
        columns, rows = self._grid()
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax in axes:
            ax.set_axis_off()
        image = self.maps[0].image
        draw_image(axes[0], image.pixels)
        title = _("network input")
        axes[0].set_title(f"{title}\n{image.label} {image.probability:.3f}", fontsize=8)
        for ax, map in zip(axes[1:], self.maps, strict=False):
            draw_heat(ax, image.original, map.heat, image.box)
            scores = _("deletion {deletion:.3f}, insertion {insertion:.3f}")
            scores = scores.format(deletion=map.faithfulness.deletion, insertion=map.faithfulness.insertion)
            ax.set_title(f"{map.method}\n{scores}", fontsize=8)
        draw_colorbar(figure, axes)

    def to_json(self) -> dict[str, Any]:
        return {"method": "all", "maps": [map.to_json() for map in self.maps], "left_out": dict(self.left_out)}

    def _grid(self) -> tuple[int, int]:
        columns = min(4, len(self.maps) + 1)
        return columns, -(-(len(self.maps) + 1) // columns)


def to_heatmap(raw: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Scale a method's output to the image's size and 0 to 1; what speaks against the class is cold.

    Three dimensions, a number for each value of the image, are summed over the colors.

    Examples
    --------
    >>> import torch
    >>> to_heatmap(torch.tensor([[0.0, 2.0], [-1.0, 1.0]]), (2, 2)).tolist()
    [[0.0, 1.0], [0.0, 0.5]]
    """
    raw = raw.detach().float()
    if raw.dim() == 3:
        raw = raw.sum(dim=0)  # (C, H, W) -> (H, W)
    heat = F.interpolate(raw[None, None].relu(), size=size, mode="bilinear", align_corners=False)[0, 0]
    top = heat.max()
    scaled: np.ndarray = (heat / top if top > 0 else heat).cpu().numpy()
    return scaled


def _sentences(maps: Sequence[HeatMap]) -> list[str]:
    meaning = _(
        "Deletion and insertion are the areas under the RISE curves in {steps} steps: a good map has low deletion "
        "and high insertion."
    )
    return [maps[0].image.describe(), meaning.format(steps=maps[0].faithfulness.steps)]


def _score_table(maps: Sequence[HeatMap]) -> Table:
    rows = [
        (map.method, map.layer, f"{map.faithfulness.deletion:.3f}", f"{map.faithfulness.insertion:.3f}") for map in maps
    ]
    return Table("", (_("method"), _("layer"), _("deletion"), _("insertion")), rows, text_columns=2)
