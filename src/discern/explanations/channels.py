"""The channels of a layer: the maps it makes of an image, and the kernels it has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discern.explanations.capture import capture_layer, list_convolutions
from discern.explanations.drawing import draw_tiles
from discern.explanations.explain_input import ExplainInput
from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP_K = 16  # channels that are shown of a map
MAX_KERNELS = 64  # that are shown of a convolution
MAX_ROWS = 20


@dataclass(frozen=True, eq=False)
class ChannelMaps(Result):
    """Small images, one a channel."""

    method: str  # what is shown: features, filters or deconv
    layer: str
    channels: np.ndarray  # int (K,) as the layer numbers them
    maps: np.ndarray  # float32 (K, h, w), or (K, h, w, 3) in color
    strength: np.ndarray  # float32 (K,) by what they were chosen
    image: np.ndarray | None  # uint8 (H, W, C) what the network reads, where an image is part of it

    @property
    def figsize(self) -> tuple[float, float]:
        columns, rows = self._grid()
        return 1.3 * columns + 0.4, 1.5 * rows + 0.6

    def sentences(self) -> list[str]:
        patterns = {
            "features": _("{layer}: the {n} most active channels, {shape} each; strength is the mean of the map."),
            "filters": _("{layer}: the {n} largest kernels, {shape} each; strength is the L2 norm of the weights."),
            "deconv": _(
                "{layer}: the {n} channels with the strongest single activation, each projected back to the image; "
                "strength is that activation."
            ),
        }
        shape = "x".join(str(side) for side in self.maps.shape[1:])
        return [patterns[self.method].format(layer=self.layer, n=len(self.maps), shape=shape)]

    def tables(self) -> list[Table]:
        strengths = zip(self.channels, self.strength.tolist(), strict=True)
        rows = [(str(channel), f"{value:.3f}") for channel, value in strengths]
        return [Table("", (_("channel"), _("strength")), rows, max_rows=MAX_ROWS)]

    def plot(self, figure: Figure) -> None:
        """Draw the image, if there is one, and every channel, each from its smallest to its largest value."""
        tiles = [] if self.image is None else [(_("image"), self.image)]
        tiles += [(str(channel), _stretch(map)) for channel, map in zip(self.channels, self.maps, strict=True)]
        title = _("{method} of {layer}: {n} channels").format(method=self.method, layer=self.layer, n=len(self.maps))
        draw_tiles(figure, tiles, self._grid()[0], title)

    def to_json(self) -> dict[str, Any]:
        """Return which channels and how strong; the maps themselves are in `maps`."""
        return {
            "method": self.method,
            "layer": self.layer,
            "channels": self.channels.tolist(),
            "strength": [round(float(value), 6) for value in self.strength],
            "shape": list(self.maps.shape[1:]),
        }

    def _grid(self) -> tuple[int, int]:
        """Return columns and rows, so that the figure stays wider than high."""
        tiles = len(self.maps) + (self.image is not None)
        columns = min(8 if tiles > TOP_K + 1 else 6 if tiles > 10 else 5 if tiles > 8 else 4, tiles)
        return columns, -(-tiles // columns)


@torch.no_grad()
def capture_features(inputs: ExplainInput, top_k: int = TOP_K) -> ChannelMaps:
    """Capture the channels of a layer's map that respond most to this image, by their mean."""
    layer = inputs.layer()
    map = capture_layer(inputs.network, inputs.x, layer).map[0].float().cpu()  # (C, h, w)
    means = map.mean(dim=(1, 2))
    top = means.argsort(descending=True, stable=True)[:top_k]
    return ChannelMaps("features", layer, top.numpy(), map[top].numpy(), means[top].numpy(), inputs.image.pixels)


@torch.no_grad()
def read_filters(inputs: ExplainInput, max_kernels: int = MAX_KERNELS) -> ChannelMaps:
    """Read the learned kernels of a convolution, the largest first: in color where they read three channels.

    Kernels that read other numbers of channels are shown by the mean over their inputs.
    """
    layer = inputs.convolution()
    weights = list_convolutions(inputs.network)[layer].weight.float().cpu()  # (F, C, k, k)
    norms = weights.flatten(1).norm(dim=1)
    top = norms.argsort(descending=True, stable=True)[:max_kernels]
    kernels = weights[top]
    maps = kernels.permute(0, 2, 3, 1) if kernels.shape[1] == 3 else kernels.mean(dim=1)
    return ChannelMaps("filters", layer, top.numpy(), maps.numpy(), norms[top].numpy(), image=None)


def _stretch(map: np.ndarray) -> np.ndarray:
    """Scale the smallest value to 0 and the largest to 1: (h, w[, 3]) -> (h, w, 1 or 3)."""
    low, high = float(map.min()), float(map.max())
    return np.atleast_3d((map - low) / ((high - low) or 1.0))
