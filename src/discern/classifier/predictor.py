"""What a classifier asks: pixels in, logits out, whatever is behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from discern.arrays import Rows
from discern.data.batches import Pixels, at_once
from discern.i18n import _
from discern.models.fold import folded
from discern.models.network import Model
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import Progress, silent


class Predictor(Protocol):
    """A network or a classical model."""

    def logits(self, pixels: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """uint8 (N, H, W, C) -> float32 (N or len(rows), classes), whose softmax are probabilities."""

    def encode(self, pixels: Rows, progress: Progress = silent) -> np.ndarray:
        """What the last step decides by: uint8 (N, H, W, C) -> float32 (N, F)."""


class NetworkPredictor:
    """A network that answers for pixels; normalisation is folded into its convolutions when it first does.

    Parameters
    ----------
    network : Model
        Is moved to ``device`` and put into evaluation mode.
    spec : Preprocess
        Whose mean and std the pixels are normalised with.
    views : tuple of {"mirror", "shift"}
        How it looks at a picture besides as it is; its logits are averaged over them.
    """

    def __init__(self, network: Model, spec: Preprocess, device: torch.device, views: tuple[str, ...] = ()) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.spec, self.device, self.views = spec, device, views
        self._quick: Model | None = None

    def logits(self, pixels: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """What the network answers, in float32: uint8 (N, H, W, C) -> (N or len(rows), classes)."""
        held = Pixels(pixels)
        chosen = torch.arange(len(pixels)) if rows is None else torch.as_tensor(np.asarray(list(rows), dtype=np.int64))
        found = []
        with torch.inference_mode():
            for part in held.each(chosen.split(at_once(self.spec.size, self.device))):
                x = normalise(to_float(part.to(self.device)), self.spec)
                if self._quick is None:
                    self._quick = folded(self.network, x[:2]).to(memory_format=torch.channels_last)
                answer = sum(weight * self._quick(view).float() for view, weight in looks(x, self.views))
                found.append(torch.as_tensor(answer).cpu())
                progress(_("predicting"), sum(map(len, found)), len(chosen))
        return torch.cat(found).numpy()

    def encode(self, pixels: Rows, progress: Progress = silent) -> np.ndarray:
        """What the head reads, averaged over places where it reads a map: uint8 (N, H, W, C) -> float32 (N, F)."""
        held, found = Pixels(pixels), []
        with torch.inference_mode():
            for part in held.each(torch.arange(len(pixels)).split(at_once(self.spec.size, self.device))):
                x = normalise(to_float(part.to(self.device)), self.spec)
                features = self.network.encode(x)
                features = features.mean(dim=(2, 3)) if features.dim() == 4 else features.flatten(1)
                found.append(features.float().cpu())
                progress(_("features"), sum(map(len, found)), len(pixels))
        return torch.cat(found).numpy()


def looks(x: Tensor, views: tuple[str, ...]) -> list[tuple[Tensor, float]]:
    """Views of pictures (N, C, H, W), and how much each counts: as they are, moved by a pixel, and all that mirrored.

    What is moved counts half as much (Jordan 2024, arXiv:2404.00498, section 3.5).

    Examples
    --------
    >>> [weight for _, weight in looks(torch.zeros(1, 1, 4, 4), ("shift", "mirror"))]
    [0.25, 0.125, 0.125, 0.25, 0.125, 0.125]
    """
    found = [(x, 1.0)]
    if "shift" in views:
        height, width = x.shape[2:]
        wide = pad(x, (1, 1, 1, 1), mode="reflect")
        found = [(x, 0.5), (wide[:, :, :height, :width], 0.25), (wide[:, :, 2:, 2:], 0.25)]
    if "mirror" in views:
        found = [(view.flip(3) if turned else view, share / 2) for turned in (False, True) for view, share in found]
    return [(view.contiguous(memory_format=torch.channels_last), share) for view, share in found]
