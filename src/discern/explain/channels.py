"""The channels of a layer: the maps it makes of a picture, and the kernels it has learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discern.explain.passes import convolutions, look
from discern.explain.result import Explanation
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
        columns = self._columns()
        return 1.3 * columns + 0.4, 1.5 * -(-len(self.maps) // columns) + 0.6

    def plot(self, ax: Axes) -> None:
        columns = self._columns()
        rows = -(-len(self.maps) // columns)
        ax.set_axis_off()
        title = _("{method} of {layer}: {n} channels").format(method=self.method, layer=self.layer, n=len(self.maps))
        ax.set_title(title, fontsize=9)
        for i, (number, map) in enumerate(zip(self.channels, self.maps, strict=True)):
            row, column = divmod(i, columns)
            cell = ax.inset_axes((column / columns, 1 - (row + 1) / rows, 0.94 / columns, 0.84 / rows))
            low, high = float(map.min()), float(map.max())
            cell.imshow((map - low) / ((high - low) or 1.0), cmap="gray" if map.ndim == 2 else None)
            cell.set_axis_off()
            cell.set_title(str(number), fontsize=7, pad=1)

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "layer": self.layer,
            "channels": self.channels.tolist(),
            "strength": [round(float(value), 6) for value in self.strength],
            "shape": list(self.maps.shape[1:]),
        }

    def _columns(self) -> int:
        return min(8 if len(self.maps) > TOP else 4, len(self.maps))


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
