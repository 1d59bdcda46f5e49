"""Features of a frozen network: what its head would read."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn.functional import interpolate

from discern.data.batches import Pixels, at_once
from discern.files import cache_folder, replacing
from discern.models.network import Model
from discern.models.table import build
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess

CLASSES = 2  # of a head that nothing reads
KEPT = 16  # pictures at a time from which on their features are kept in the cache folder


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
        """uint8 (N, H, W, C) -> float32 (N, F); what was made of the same pixels before is read from the cache."""
        if len(pixels) < KEPT:
            return self._make(pixels)
        name = hashlib.blake2b(np.ascontiguousarray(pixels).data, key=self._key, digest_size=16).hexdigest()
        path = cache_folder() / "features" / f"{name}.npy"
        try:
            kept: np.ndarray = np.load(path, allow_pickle=False)
            return kept
        except (OSError, ValueError):  # not there, or not whole
            made = self._make(pixels)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, made, allow_pickle=False)
        return made

    @functools.cached_property
    def _key(self) -> bytes:
        """Names what decides the features beside the pixels: the network, its weights, and where it computes."""
        digest = hashlib.blake2b(self.backbone.model_dump_json().encode(), digest_size=32)
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        digest.update(self.device.type.encode())
        return digest.digest()

    def _make(self, pixels: np.ndarray) -> np.ndarray:
        held, found = Pixels(pixels), []
        with torch.inference_mode():
            for part in torch.arange(len(pixels)).split(at_once(self.backbone.preprocess.size, self.device)):
                x = self._sized(to_float(held.take(part).to(self.device)))
                x = normalise(x, self.backbone.preprocess)
                made = self.network.encode(x)
                made = made.mean(dim=(2, 3)) if made.dim() == 4 else made.flatten(1)  # (n, F)
                found.append(made.float().cpu())
        return torch.cat(found).numpy()

    def _sized(self, x: Tensor) -> Tensor:
        """Of several networks, each has its own size: the pictures are decoded at the largest."""
        size = self.backbone.preprocess.size
        if x.shape[-1] == size:
            return x
        return interpolate(x, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)
