"""A network without its head: the maps of its stages, for a detection or segmentation head to read.

Source: T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, arXiv:1612.03144 (section 3): of
each stage it reads the last map, and has to know its channels and how many pixels lie between its units.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.foreign import Foreign, Tap, stride
from discern.models.network import Model
from discern.models.walk import Walk


class Nothing(nn.Module):
    """Stands where a part was that no map needs: what comes in first goes out."""

    def forward(self, x: Tensor, *_more: Any, **_named: Any) -> Tensor:
        return x


class Backbone(nn.Module):
    """The maps of a network's stages, and no parameter that they do not need.

    Pictures may be of any size and proportions that the network can take, not only of the size it was made for.

    Parameters
    ----------
    network : Model
        Is taken over: its head, auxiliary heads and whatever else no map needs are cut off. What a network of another
        library cannot run without stays, frozen.
    channels, size : int
        Colour channels and pixels a side of the pictures it was made for.
    stages : sequence of str, optional
        Which maps to give; all of them unless given.
    mean, std : tuple of float
        What pictures scaled to 0..1 are normalised with where the network has weights; empty where it has none.

    Attributes
    ----------
    strides, channels : dict
        By stage: pixels of the picture from one unit of the map to the next; channels of the map.

    Raises
    ------
    ModelError
        When the network makes no maps, or none of that name.

    Examples
    --------
    >>> from discern.models.table import build
    >>> backbone = Backbone(build("resnet18-narrow", classes=10, size=224), stages=("layer2", "layer4"))
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
        picture = noise.to(like)
        self._taps: dict[str, Tap] = {}
        self.stages = self._choose(picture, stages)
        self._reduce(picture)
        walk = Walk(network, picture)
        with torch.no_grad(), walk:
            maps = self(picture)
        self.channels = {name: map.shape[1] for name, map in maps.items()}
        self.strides = {name: walk.seen[map].stride or stride(size, map.shape[-1]) for name, map in maps.items()}
        self.train(was_training)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Pictures (N, C, H, W) -> the map of each stage, (N, its channels, about H / stride, W / stride)."""
        if isinstance(self.network, Foreign):
            return self.network.maps_at(self._taps, x)
        maps = self.network.stages(x)
        return {name: maps[name] for name in self.stages}

    @torch.no_grad()
    def _choose(self, picture: Tensor, asked: Sequence[str] | None) -> tuple[str, ...]:
        """The names of the maps to give, in order."""
        if isinstance(self.network, Foreign):
            self._taps = {name: tap for name, (tap, _map) in self.network.tapped(picture).items()}
            names = list(self._taps)
        else:
            names = [name for name, map in self.network.stages(picture).items() if map.dim() == 4]
        if not names:
            raise ModelError(_("This network makes no maps: a backbone needs convolutions, as resnet18 has them."))
        for name in asked or ():
            if name not in names:
                raise ModelError(
                    _("The network has no stage {stage} with a map; it has: {names}.").format(
                        stage=name, names=", ".join(names)
                    )
                )
        chosen = tuple(name for name in names if asked is None or name in asked)
        self._taps = {name: tap for name, tap in self._taps.items() if name in chosen}
        return chosen

    def _reduce(self, picture: Tensor) -> None:
        """Cut off what has parameters of which no map is made; what the network does not run without is frozen."""
        network, (maps, used) = self.network, self._used(picture)
        heads = [name for name in (network.head_name, *network.auxiliary.values()) if name]
        for names in (list(_idle(network, used)), heads):
            parts = {name: network.get_submodule(name) for name in names}
            for name in parts:
                network.set_submodule(name, Nothing())
            if self._still_gives(maps, picture):
                break
            for name, part in parts.items():
                network.set_submodule(name, part)
        for parameter in network.parameters():
            if id(parameter) not in used:
                parameter.requires_grad_(False)

    def _used(self, picture: Tensor) -> tuple[dict[str, Tensor], set[int]]:
        """The maps, and the identities of the parameters that have a gradient from them."""
        wanted = {p: p.requires_grad for p in self.network.parameters() if p.is_floating_point()}
        for parameter in wanted:
            parameter.requires_grad_(True)
        maps = self(picture)
        total = torch.stack([map.float().sum() for map in maps.values()]).sum()
        gradients = torch.autograd.grad(total, list(wanted), allow_unused=True)
        for parameter, asked in wanted.items():
            parameter.requires_grad_(asked)
        used = {id(p) for p, gradient in zip(wanted, gradients, strict=True) if gradient is not None}
        return {name: map.detach() for name, map in maps.items()}, used

    @torch.no_grad()
    def _still_gives(self, maps: Mapping[str, Tensor], picture: Tensor) -> bool:
        try:
            found = self(picture)
        except Exception:  # the code of others may miss anything
            return False
        return all(map.is_meta or torch.equal(map, maps[name]) for name, map in found.items())


def _idle(module: nn.Module, used: Collection[int], place: str = "") -> Iterator[str]:
    """Dotted names of the largest parts that have parameters, none of them ``used``."""
    for name, part in module.named_children():
        own = [id(parameter) for parameter in part.parameters()]
        called = type(part) not in (nn.ModuleList, nn.ModuleDict)  # those are not: their parts are
        if called and own and not any(parameter in used for parameter in own):
            yield place + name
        else:
            yield from _idle(part, used, f"{place}{name}.")
