"""The channels of a layer: the maps it makes of a picture, and the kernels it has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discern.explain.passes import convolutions, look
from discern.explain.result import Explanation, show_picture
from discern.explain.subject import Subject
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 16  # channels that are shown of a map
KERNELS = 64  # that are shown of a convolution


@dataclass(frozen=True, eq=False)
class Channels(Explanation):
    """Small pictures, one a channel.

    Attributes
    ----------
    method, layer : str
        What is shown, and of which layer.
    channels : numpy.ndarray
        Which channels, int (K,), as the layer numbers them.
    maps : numpy.ndarray
        float32 (K, h, w), or (K, h, w, 3) in colour.
    strength : numpy.ndarray
        By what they were chosen, float32 (K,).
    picture : numpy.ndarray or None
        What the network sees, uint8 (H, W, C), where a picture is part of it.
    """

    method: str
    layer: str
    channels: np.ndarray
    maps: np.ndarray
    strength: np.ndarray
    picture: np.ndarray | None

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        columns, rows = self._grid()
        return 1.3 * columns + 0.4, 1.5 * rows + 0.6

    def plot(self, ax: Axes) -> None:
        columns, rows = self._grid()
        ax.set_axis_off()
        title = _("{method} of {layer}: {n} channels").format(method=self.method, layer=self.layer, n=len(self.maps))
        ax.set_title(title, fontsize=9)
        shown = [] if self.picture is None else [(_("picture"), self.picture)]
        shown += [(str(number), _stretched(map)) for number, map in zip(self.channels, self.maps, strict=True)]
        for i, (name, values) in enumerate(shown):
            row, column = divmod(i, columns)
            cell = ax.inset_axes((column / columns, 1 - (row + 1) / rows, 0.94 / columns, 0.84 / rows))
            show_picture(cell, values)
            cell.set_title(name, fontsize=7, pad=1)

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "layer": self.layer,
            "channels": self.channels.tolist(),
            "strength": [round(float(value), 6) for value in self.strength],
            "shape": list(self.maps.shape[1:]),
        }

    def sentence(self) -> str:
        """What is shown, and what the strength of a channel is."""
        kinds = {
            "features": _("{layer}: the {n} channels that answer most, {shape} each; strength is the mean of the map."),
            "filters": _("{layer}: the {n} largest kernels, {shape} each; strength is the length of the weights."),
            "deconv": _(
                "{layer}: the {n} channels with the strongest single place, each run back to the picture; strength is "
                "the number there."
            ),
        }
        shape = "x".join(str(side) for side in self.maps.shape[1:])
        return kinds[self.method].format(layer=self.layer, n=len(self.maps), shape=shape)

    def _grid(self) -> tuple[int, int]:
        cells = len(self.maps) + (self.picture is not None)
        columns = min(8 if cells > TOP + 1 else 6 if cells > 10 else 5 if cells > 8 else 4, cells)
        return columns, -(-cells // columns)


def _stretched(map: np.ndarray) -> np.ndarray:
    """Its smallest value 0, its largest 1: (h, w[, 3]) -> (h, w, 1 or 3)."""
    low, high = float(map.min()), float(map.max())
    return np.atleast_3d((map - low) / ((high - low) or 1.0))


@torch.no_grad()
def features(subject: Subject, top: int = TOP) -> Channels:
    """The channels of a layer's map that answer this picture most, by their mean."""
    layer = subject.layer()
    map = look(subject.network, subject.x, layer).map[0].float().cpu()  # (C, h, w)
    means = map.mean(dim=(1, 2))
    chosen = means.argsort(descending=True, stable=True)[:top]
    return Channels(
        "features", layer, chosen.numpy(), map[chosen].numpy(), means[chosen].numpy(), picture=subject.pixels
    )


@torch.no_grad()
def filters(subject: Subject, most: int = KERNELS) -> Channels:
    """The learned kernels of a convolution, the largest first: in colour where they read three channels.

    Kernels that read other numbers of channels are shown by the mean over what they read.
    """
    layer = subject.convolution()
    weights = convolutions(subject.network)[layer].weight.float().cpu()  # (F, C, k, k)
    size = weights.flatten(1).norm(dim=1)
    chosen = size.argsort(descending=True, stable=True)[:most]
    kernels = weights[chosen]
    shown = kernels.permute(0, 2, 3, 1) if kernels.shape[1] == 3 else kernels.mean(dim=1)
    return Channels("filters", layer, chosen.numpy(), shown.numpy(), size[chosen].numpy(), picture=None)
