"""A torch.nn.Module made elsewhere behind the face of `discern.models.network.Model`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from discern.models.wrapped import INNER, OnOutput, WrappedModel

NO_STAGES = (nn.Softmax, nn.Dropout, nn.AdaptiveAvgPool2d)  # attention is no map; a pooled map fits no stride


class TorchModel(WrappedModel):
    """A torch.nn.Module made elsewhere; it lies in ``net``, and its state dict is its own, without that name.

    It takes images (N, channels, size, size), and its maps are (N, C, H, W), or (N, H, W, C) as in some transformers.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    >>> network = TorchModel("mine", net, classes=5, channels=3, size=32).eval()
    >>> x = torch.rand(2, 3, 32, 32)
    >>> network.head_name, network.forward_features(x).shape
    ('net.3', torch.Size([2, 8]))
    >>> torch.equal(network.forward_head(network.forward_features(x)), network(x))
    True
    >>> {name: tuple(map.shape) for name, map in network.stages(x).items()}
    {'stride2': (2, 8, 15, 15)}
    """

    def __init__(self, name: str, net: nn.Module, classes: int, channels: int, size: int) -> None:
        super().__init__(name, classes)
        self.net = net
        self.register_state_dict_post_hook(_strip_inner_prefix)
        self.register_load_state_dict_pre_hook(_add_inner_prefix)
        self.head_name, self.auxiliary = self._find_heads(channels, size)
        self.infer_output(channels, size)

    def call_network(self, x: Tensor) -> Any:
        return self.net(x)

    @contextmanager
    def hook_layers(self, on_output: OnOutput) -> Iterator[None]:
        def hook(name: str) -> Callable[..., None]:
            return lambda _module, _inputs, output: on_output(name, output)

        with ExitStack() as hooks:
            for name, module in self.named_modules():
                if name and not isinstance(module, NO_STAGES):
                    hooks.enter_context(module.register_forward_hook(hook(name)))
            yield

    @torch.no_grad()
    def _find_heads(self, channels: int, size: int) -> tuple[str, dict[str, str]]:
        """Return the name of the head and those of auxiliary heads.

        The head is the last linear or convolutional layer, in the order they run, that gives a number for each class;
        auxiliary heads give as many numbers and do not run outside training.
        """
        kinds = (nn.Linear, nn.Conv2d)
        ran: dict[str, bool] = {}  # layer that ran -> whether it gave a number for each class

        def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(module: nn.Module, _inputs: Any, output: Any) -> None:
                axis = 1 if isinstance(module, nn.Conv2d) else -1
                ran[name] = isinstance(output, Tensor) and output.shape[axis] == self.classes

            return hook

        like = next(self.parameters(), torch.empty(0))
        layers = {name: module for name, module in self.named_modules() if isinstance(module, kinds)}
        was_training = self.training
        with ExitStack() as hooks:
            hooks.callback(self.train, was_training)
            for name, module in layers.items():
                hooks.enter_context(module.register_forward_hook(record(name)))
            self.eval().call_network(torch.zeros(2, channels, size, size, device=like.device))
        candidates = [name for name, fits in ran.items() if fits]
        idle = {name: module for name, module in layers.items() if name not in ran}
        auxiliary = {name: name for name, module in idle.items() if len(module.weight) == self.classes}
        return (candidates[-1] if candidates else ""), auxiliary


def _strip_inner_prefix(_module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + INNER)]:
        state[prefix + name.removeprefix(prefix + INNER)] = state.pop(name)


def _add_inner_prefix(_module: nn.Module, state: dict[str, Any], prefix: str, *_more: Any) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + INNER + name.removeprefix(prefix)] = state.pop(name)
