"""A picture's way through a network, watched where torch runs the operations.

Nothing here depends on which modules a network is written with: a function call counts as a module does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from discern.models.counting import Call, Layer, map_size
from discern.models.receptive import Seen, after

Weights = Mapping[str, nn.Parameter]  # dotted names and parameters that a tensor was made of
REORDERINGS = ("permute", "transpose", "clone")


class Walk(TorchDispatchMode):
    """While it is entered, writes a row for each layer that a picture passes, and what every tensor comes from.

    Parameters
    ----------
    network : torch.nn.Module
        Whose parameters are told apart by name.
    picture : Tensor
        Whose way is followed: (1, C, H, W).

    Attributes
    ----------
    layers : list of Layer
        In the order in which they ran.
    seen : mapping
        Tensor -> `discern.models.receptive.Seen`, for those that the picture went into.

    Examples
    --------
    >>> import torch
    >>> network, picture = nn.Conv2d(3, 8, 5), torch.zeros(1, 3, 32, 32)
    >>> with Walk(network, picture) as walk, torch.no_grad():
    ...     map = network(picture)
    >>> walk.seen[map].field, walk.layers[0].filter
    (5, '5 x 5 x 3 x 8')
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here, and guarding against it loads torch's compiler, which takes a second."""
        return False

    def __init__(self, network: nn.Module, picture: Tensor) -> None:
        super().__init__()
        self.network = network
        self.layers: list[Layer] = []
        self.seen: Any = WeakTensorKeyDictionary({picture: Seen.picture(picture.shape)})
        self._uncounted = dict(network.named_parameters())
        self._weights: Any = WeakTensorKeyDictionary({p: {name: p} for name, p in self._uncounted.items()})
        self._early = 0  # parameters that were used before there was a row to put them on
        self._places = [""]  # names of the modules that run, the innermost last
        self._unpadded: Any = WeakTensorKeyDictionary()  # padded map -> its size before

    @property
    def unused(self) -> int:
        """Trainable parameters that no row has, such as those of auxiliary heads."""
        return self._early + sum(p.numel() for p in self._uncounted.values() if p.requires_grad)

    @contextmanager
    def places(self) -> Iterator[None]:
        """Inside the block, layers without weights are named after the module they run in."""

        def enter(name: str) -> Callable[..., None]:
            return lambda *_given: self._places.append(name)

        def leave(*_given: object) -> None:
            self._places.pop()

        handles = [module.register_forward_pre_hook(enter(name)) for name, module in self.network.named_modules()]
        handles += [module.register_forward_hook(leave) for module in self.network.modules()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        inputs = args[0] if args and isinstance(args[0], list | tuple) else args  # cat takes a list
        tensors = {i: x for i, x in enumerate(inputs) if isinstance(x, Tensor)}
        seen = {i: self.seen[x] for i, x in tensors.items() if x in self.seen}
        made_of = {name: p for x in tensors.values() for name, p in self._weights.get(x, {}).items()}
        result = func(*args, **(kwargs or {}))
        outputs = [x for x in (result if isinstance(result, list | tuple) else (result,)) if isinstance(x, Tensor)]
        if not seen and made_of:
            self._weights.update(dict.fromkeys(outputs, made_of))
        if not seen or not outputs:
            return result
        operation = func.overloadpacket.__name__
        main = min(seen)
        size = self._unpadded.get(inputs[main]) or map_size(inputs[main], seen[main])
        for output in outputs:
            self.seen[output] = after(operation, inputs, seen, output)
        if operation == "constant_pad_nd" or (operation in REORDERINGS and inputs[main] in self._unpadded):
            self._unpadded[outputs[0]] = size  # a border is no layer: the one that reads it tells the size without
        owner = next((name.rpartition(".")[0] or name for name in made_of), self._places[-1])
        call = Call(func, inputs, kwargs or {}, seen, size, outputs[0], self.seen[outputs[0]], owner)
        layer = call.layer()
        if layer is not None:
            self.layers.append(replace(layer, parameters=self._early))
            self._early = 0
        self._charge(made_of)
        return result

    def _charge(self, weights: Weights) -> None:
        """Put parameters on the newest row when they are first used."""
        own = [self._uncounted.pop(name) for name in weights if name in self._uncounted]
        numbers = sum(parameter.numel() for parameter in own if parameter.requires_grad)
        if self.layers:
            self.layers[-1] = replace(self.layers[-1], parameters=self.layers[-1].parameters + numbers)
        else:
            self._early += numbers
