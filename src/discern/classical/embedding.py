"""Features of a frozen network: what its head would read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from discern.data.batches import Pixels, at_once
from discern.models.network import Model
from discern.models.table import build
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess

CLASSES = 2  # of a head that nothing reads


class Backbone(BaseModel):
    """What a bundle says of the network behind its features; its weights lie beside in model.safetensors.

    Attributes
    ----------
    model : str
        Name in the table of networks.
    network : dict
        The constructor's settings.
    preprocess : Preprocess
        What it sees, with its own mean and std.
    source : str
        Where its weights came from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    network: dict[str, Any]
    preprocess: Preprocess
    source: str = ""

    def build(self) -> Model:
        """The network with random weights."""
        spec = self.preprocess
        torch.manual_seed(0)
        return build(self.model, CLASSES, spec.channels, spec.size, self.network)


class Embedding:
    """Pixels in, a frozen network's last features out.

    Parameters
    ----------
    backbone : Backbone
        What the network is.
    network : Model
        As ``backbone.build()`` gives it, with its weights.
    """

    def __init__(self, backbone: Backbone, network: Model, device: torch.device | None = None) -> None:
        self.backbone = backbone
        self.device = device or torch.device("cpu")
        self.network = network.to(self.device).to(memory_format=torch.channels_last).eval()

    @classmethod
    def restored(cls, backbone: Backbone, tensors: Mapping[str, Tensor], device: torch.device | None) -> Embedding:
        """With the weights ``tensors``; a RuntimeError says that they do not fit."""
        network = backbone.build()
        network.load_state_dict(tensors)
        return cls(backbone, network, device)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, C) -> float32 (N, F)."""
        held, found = Pixels(pixels), []
        with torch.inference_mode():
            for part in torch.arange(len(pixels)).split(at_once(self.backbone.preprocess.size, self.device)):
                x = normalise(to_float(held.take(part).to(self.device)), self.backbone.preprocess)
                made = self.network.encode(x)
                made = made.mean(dim=(2, 3)) if made.dim() == 4 else made.flatten(1)  # (n, F)
                found.append(made.float().cpu())
        return torch.cat(found).numpy()
