"""The networks of timm and torchvision by their own names, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from discern.i18n import _
from discern.models.external import ExternalSpec, unknown_in_library
from discern.models.torch_model import TorchModel

INCEPTION_MIN_SIZE = 107  # pixels a side: below it the auxiliary head's windows of 5 find a map of fewer cells


@dataclass(frozen=True)
class TimmSpec(ExternalSpec):
    """``timm:NAME``, such as ``timm:resnet50`` or ``timm:resnet50.a1_in1k``."""

    @classmethod
    def find(cls, name: str) -> Self:
        import timm

        spec = cls(name)
        architecture, _dot, tag = spec.own_name.partition(".")
        if architecture not in timm.list_models():
            raise unknown_in_library("timm", architecture, timm.list_models())
        if tag and spec.own_name not in timm.list_models(pretrained=True):
            raise unknown_in_library("timm", spec.own_name, timm.list_models(f"{architecture}.*", pretrained=True))
        return spec

    @property
    def size(self) -> int:
        return int(self._config.input_size[1])

    @property
    def channels(self) -> int:
        return int(self._config.input_size[0])

    @property
    def classes(self) -> int:
        return int(self._config.num_classes) or 1000

    @property
    def has_fixed_size(self) -> bool:
        return bool(self._config.fixed_input_size)

    @property
    def _config(self) -> Any:
        """timm's PretrainedCfg."""
        import timm

        return timm.get_pretrained_cfg(self.own_name) or timm.models.PretrainedCfg()

    def make(self, classes: int, channels: int, size: int) -> TorchModel:
        import timm

        more: dict[str, Any] = {"img_size": size} if self.has_fixed_size and size != self.size else {}
        net = timm.create_model(self.own_name, pretrained=False, num_classes=classes, in_chans=channels, **more)
        return TorchModel(self.name, net, classes, channels, size)


@dataclass(frozen=True)
class TorchvisionSpec(ExternalSpec):
    """``torchvision:NAME``, such as ``torchvision:resnet50``."""

    @classmethod
    def find(cls, name: str) -> Self:
        import torchvision

        spec, names = cls(name), torchvision.models.list_models(module=torchvision.models)
        if spec.own_name not in names:
            raise unknown_in_library("torchvision", spec.own_name, names)
        return spec

    @property
    def size(self) -> int:
        """The crop that the transforms of the official weights make."""
        import torchvision

        crop = torchvision.models.get_model_weights(self.own_name).DEFAULT.transforms().crop_size
        return int(crop[0])

    @property
    def has_fixed_size(self) -> bool:
        return self.own_name.startswith(("vit_", "maxvit_"))

    def make(self, classes: int, channels: int, size: int) -> TorchModel:
        import torchvision

        more: dict[str, Any] = {}
        if self.own_name == "inception_v3" and size < INCEPTION_MIN_SIZE:
            raise ValueError(_("its auxiliary head needs {min_size} pixels").format(min_size=INCEPTION_MIN_SIZE))
        if self.own_name in ("googlenet", "inception_v3"):
            more["init_weights"] = True  # else torchvision asks for it in a warning
        if self.own_name.startswith("vit_"):
            more["image_size"] = size
        if self.own_name.startswith("maxvit_"):
            more["input_size"] = (size, size)
        net = torchvision.models.get_model(self.own_name, weights=None, num_classes=classes, **more)
        if channels != self.channels:
            _replace_first_convolution(net, channels)
        return TorchModel(self.name, net, classes, channels, size)


def _replace_first_convolution(net: nn.Module, channels: int) -> None:
    """Put a convolution that takes ``channels`` in the place of the first one."""
    name, first = next((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d))
    assert isinstance(first.padding, tuple)
    # kernel_size and the others are pairs, which the constructor takes though its annotations name fewer forms
    other = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    nn.init.kaiming_normal_(other.weight, mode="fan_out", nonlinearity="relu")
    net.set_submodule(name, other)
