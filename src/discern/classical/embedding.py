"""Features from a frozen network: what its head would read."""

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

from discern.data.batches import PixelReader, eval_batch_size
from discern.files import atomic_write, cache_folder
from discern.models.network import Model
from discern.models.registry import build_model
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess

CLASSES = 2  # of a head that nothing reads
MIN_CACHED = 16  # images: features of fewer are computed again rather than cached


class BackboneSpec(BaseModel):
    """The network behind some features, as a bundle describes it; its weights are in model.safetensors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str  # name in the table of networks
    model_args: dict[str, Any]
    preprocess: Preprocess  # what happens to an image first, with the network's own mean and std
    source: str = ""  # where its weights came from

    def build(self) -> Model:
        """Build the network with random weights."""
        spec = self.preprocess
        torch.manual_seed(0)
        return build_model(self.model, CLASSES, spec.channels, spec.size, self.model_args)


class FrozenBackbone:
    """Turns pixels into the last features of ``network``, which ``spec.build()`` builds, frozen with its weights."""

    def __init__(self, spec: BackboneSpec, network: Model, device: torch.device | None = None) -> None:
        self.spec = spec
        self.device = device or torch.device("cpu")
        self.network = network.to(self.device).to(memory_format=torch.channels_last).eval()

    @classmethod
    def restore(cls, spec: BackboneSpec, tensors: Mapping[str, Tensor], device: torch.device | None) -> FrozenBackbone:
        """Build it with the weights ``tensors``; a RuntimeError says that they do not fit."""
        network = spec.build()
        network.load_state_dict(tensors)
        return cls(spec, network, device)

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Compute features, or read those of the same pixels from the cache. uint8 (N, H, W, C) -> float32 (N, F)"""
        if len(pixels) < MIN_CACHED:
            return self._compute(pixels)
        name = hashlib.blake2b(np.ascontiguousarray(pixels).data, key=self._key, digest_size=16).hexdigest()
        path = cache_folder() / "features" / f"{name}.npy"
        try:
            cached: np.ndarray = np.load(path, allow_pickle=False)
            return cached
        except (OSError, ValueError):  # not there, or truncated
            features = self._compute(pixels)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.save(file, features, allow_pickle=False)
        return features

    @functools.cached_property
    def _key(self) -> bytes:
        """Digest of what decides the features beside the pixels: the network, its weights, and where it computes."""
        digest = hashlib.blake2b(self.spec.model_dump_json().encode(), digest_size=32)
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        digest.update(self.device.type.encode())
        return digest.digest()

    def _compute(self, pixels: np.ndarray) -> np.ndarray:
        reader, preprocess, features = PixelReader(pixels), self.spec.preprocess, []
        with torch.inference_mode():
            for indices in torch.arange(len(pixels)).split(eval_batch_size(preprocess.size, self.device)):
                x = self._resize(to_float(reader.take(indices).to(self.device)))
                maps = self.network.forward_features(normalize(x, preprocess))
                pooled = maps.mean(dim=(2, 3)) if maps.dim() == 4 else maps.flatten(1)  # (n, F)
                features.append(pooled.float().cpu())
        return torch.cat(features).numpy()

    def _resize(self, x: Tensor) -> Tensor:
        """Scale images, which are decoded at the largest size of several networks, to the size of this one."""
        size = self.spec.preprocess.size
        if x.shape[-1] == size:
            return x
        return interpolate(x, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)
