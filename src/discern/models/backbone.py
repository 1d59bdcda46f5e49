"""A network without its head: the maps of its stages, for a detection or segmentation head to read.

Source: T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, arXiv:1612.03144 (section 3): of
each stage it reads the last map, and has to know its channels and how many pixels lie between its units.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from discern.errors import ModelError, suggest
from discern.i18n import _
from discern.models.network import Model
from discern.models.tracer import LayerTracer
from discern.models.wrapped import FeatureTap, WrappedModel, compute_stride


class PassThrough(nn.Module):
    """Stands where a module was that no map needs: what comes in first goes out."""

    def forward(self, x: Tensor, *_more: Any, **_named: Any) -> Tensor:
        return x


class Backbone(nn.Module):
    """The maps of a network's stages, and no parameter that they do not need.

    Images may be of any size and proportions that the network can take, not only of the size it was made for.

    Parameters
    ----------
    network : Model
        Is taken over: its head, auxiliary heads and whatever else no map needs are cut off. What a network of another
        library cannot run without stays, frozen.
    channels, size : int
        Color channels and pixels a side of the images it was made for.
    stages : sequence of str, optional
        Which maps to return; all of them by default.
    mean, std : tuple of float
        What images scaled to 0..1 are normalized with where the network has weights; empty where it has none.

    Attributes
    ----------
    strides, channels : dict
        By stage: pixels of the image from one unit of the map to the next; channels of the map.

    Raises
    ------
    ModelError
        When the network makes no maps, or none of that name.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> backbone = Backbone(build_model("resnet18-narrow", classes=10, size=224), stages=("layer2", "layer4"))
    >>> backbone.strides, backbone.channels
    ({'layer2': 8, 'layer4': 32}, {'layer2': 13, 'layer4': 51})
    >>> {name: tuple(map.shape) for name, map in backbone(torch.zeros(1, 3, 96, 128)).items()}
    {'layer2': (1, 13, 12, 16), 'layer4': (1, 51, 3, 4)}
    """

    def __init__(
        self,
        network: Model,
        channels: int = 3,
        size: int = 224,
        stages: Sequence[str] | None = None,
        mean: tuple[float, ...] = (),
        std: tuple[float, ...] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.mean, self.std = mean, std
        was_training = network.training
        network.eval()
        like = next(network.parameters(), torch.empty(0))
        noise = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(0), device="cpu")
        image = noise.to(like)
        self._taps: dict[str, FeatureTap] = {}
        self.stages = self._choose(image, stages)
        self._reduce(image)
        tracer = LayerTracer(network, image)
        with torch.no_grad(), tracer:
            maps = self(image)
        self.channels = {name: map.shape[1] for name, map in maps.items()}
        self.strides = {
            name: tracer.fields[map].stride or compute_stride(size, map.shape[-1]) for name, map in maps.items()
        }
        self.train(was_training)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the map of each stage for images (N, C, H, W): (N, its channels, about H / stride, W / stride)."""
        if isinstance(self.network, WrappedModel):
            return self.network.run_taps(self._taps, x)
        maps = self.network.stages(x)
        return {name: maps[name] for name in self.stages}

    @torch.no_grad()
    def _choose(self, image: Tensor, requested: Sequence[str] | None) -> tuple[str, ...]:
        """Return the names of the maps to return, in order."""
        if isinstance(self.network, WrappedModel):
            self._taps = {name: tap for name, (tap, _map) in self.network.tap_stages(image).items()}
            names = list(self._taps)
        else:
            names = [name for name, map in self.network.stages(image).items() if map.dim() == 4]
        if not names:
            raise ModelError(_("This network has no feature maps: choose one with convolutions, for example resnet18."))
        for name in requested or ():
            if name not in names:
                raise ModelError(_('Unknown stage "{stage}"{hint}.').format(stage=name, hint=suggest(name, names)))
        chosen = tuple(name for name in names if requested is None or name in requested)
        self._taps = {name: tap for name, tap in self._taps.items() if name in chosen}
        return chosen

    def _reduce(self, image: Tensor) -> None:
        """Cut off modules whose parameters no map depends on; freeze those that the network does not run without.

        All of them at first; where the network then fails or its maps change, they are put back and only the heads go.
        """
        network, (maps, used) = self.network, self._find_used(image)
        heads = [name for name in (network.head_name, *network.auxiliary.values()) if name]
        for names in (list(_find_unused(network, used)), heads):
            modules = {name: network.get_submodule(name) for name in names}
            for name in modules:
                network.set_submodule(name, PassThrough())
            if self._gives_same(maps, image):
                break
            for name, module in modules.items():
                network.set_submodule(name, module)
        for parameter in network.parameters():
            if id(parameter) not in used:
                parameter.requires_grad_(False)

    def _find_used(self, image: Tensor) -> tuple[dict[str, Tensor], set[int]]:
        """Return the maps, and the identities of the parameters that get a gradient from them."""
        trainable = {p: p.requires_grad for p in self.network.parameters() if p.is_floating_point()}
        for parameter in trainable:
            parameter.requires_grad_(True)
        maps = self(image)
        total = torch.stack([map.float().sum() for map in maps.values()]).sum()
        gradients = torch.autograd.grad(total, list(trainable), allow_unused=True)
        for parameter, requires_grad in trainable.items():
            parameter.requires_grad_(requires_grad)
        used = {id(p) for p, gradient in zip(trainable, gradients, strict=True) if gradient is not None}
        return {name: map.detach() for name, map in maps.items()}, used

    @torch.no_grad()
    def _gives_same(self, maps: Mapping[str, Tensor], image: Tensor) -> bool:
        try:
            current = self(image)
        except Exception:  # the code of others may miss anything
            return False
        return all(map.is_meta or torch.equal(map, maps[name]) for name, map in current.items())


def _find_unused(module: nn.Module, used: Collection[int], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of the largest modules that have parameters, none of them ``used``."""
    for name, child in module.named_children():
        own = [id(parameter) for parameter in child.parameters()]
        is_called = type(child) not in (nn.ModuleList, nn.ModuleDict)  # those are not: what is in them is
        if is_called and own and not any(parameter in used for parameter in own):
            yield prefix + name
        else:
            yield from _find_unused(child, used, f"{prefix}{name}.")
