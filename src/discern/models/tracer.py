"""An image's path through a network, recorded where torch runs the operations.

Nothing here depends on which modules a network is written with: a function call counts as a module does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from discern.models.operation import LayerInfo, Operation, map_size
from discern.models.receptive_field import ReceptiveField, propagate

Weights = Mapping[str, nn.Parameter]  # dotted names and parameters that a tensor was made of
REORDERINGS = ("permute", "transpose", "clone")


class LayerTracer(TorchDispatchMode):
    """Record, inside the block, a row for each layer that an image passes, and every tensor's receptive field.

    torch shows a dispatch mode every operation with its tensors. A tensor that the image went into is in `fields`; one
    that was made of parameters alone (a permuted weight) is remembered with their names. An operation on both is a
    layer, and the parameters that it is the first to use are its own. The image is (1, C, H, W).

    Examples
    --------
    >>> import torch
    >>> network, image = nn.Conv2d(3, 8, 5), torch.zeros(1, 3, 32, 32)
    >>> with LayerTracer(network, image) as tracer, torch.no_grad():
    ...     map = network(image)
    >>> tracer.fields[map].size, tracer.layers[0].filter
    (5, '5 x 5 x 3 x 8')
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return False: nothing is compiled here, and guarding against it loads torch's compiler, for a second."""
        return False

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.network = network
        self.layers: list[LayerInfo] = []  # in the order in which they ran
        self.fields: Any = WeakTensorKeyDictionary({image: ReceptiveField.of_image(image.shape)})  # by tensor
        self._uncounted = dict(network.named_parameters())
        self._weights: Any = WeakTensorKeyDictionary({p: {name: p} for name, p in self._uncounted.items()})
        self._pending = 0  # parameters that were used before there was a row to count them on
        self._modules = [""]  # names of the modules that run, the innermost last
        self._unpadded: Any = WeakTensorKeyDictionary()  # padded map -> its size before

    @property
    def unused(self) -> int:
        """Trainable parameters that no row has, such as those of auxiliary heads."""
        return self._pending + sum(p.numel() for p in self._uncounted.values() if p.requires_grad)

    @contextmanager
    def name_by_module(self) -> Iterator[None]:
        """Name layers without weights after the module they run in, inside the block."""

        def enter(name: str) -> Callable[..., None]:
            return lambda *_arguments: self._modules.append(name)

        def leave(*_arguments: object) -> None:
            self._modules.pop()

        with ExitStack() as hooks:
            for name, module in self.network.named_modules():
                hooks.enter_context(module.register_forward_pre_hook(enter(name)))
                hooks.enter_context(module.register_forward_hook(leave))
            yield

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        inputs = args[0] if args and isinstance(args[0], list | tuple) else args  # cat takes a list
        tensors = {i: x for i, x in enumerate(inputs) if isinstance(x, Tensor)}
        fields = {i: self.fields[x] for i, x in tensors.items() if x in self.fields}
        weights = {name: p for x in tensors.values() for name, p in self._weights.get(x, {}).items()}
        result = func(*args, **(kwargs or {}))
        outputs = [x for x in (result if isinstance(result, list | tuple) else (result,)) if isinstance(x, Tensor)]
        if not fields and weights:
            self._weights.update(dict.fromkeys(outputs, weights))
        if not fields or not outputs:
            return result
        operation = func.overloadpacket.__name__
        main = min(fields)
        size = self._unpadded.get(inputs[main]) or map_size(inputs[main], fields[main])
        for output in outputs:
            self.fields[output] = propagate(operation, inputs, fields, output)
        if operation == "constant_pad_nd" or (operation in REORDERINGS and inputs[main] in self._unpadded):
            self._unpadded[outputs[0]] = size  # a border is no layer: the one that reads it shows the size without
        owner = next((name.rpartition(".")[0] or name for name in weights), self._modules[-1])
        step = Operation(func, inputs, kwargs or {}, fields, size, outputs[0], self.fields[outputs[0]], owner)
        layer = step.to_layer()
        if layer is not None:
            self.layers.append(replace(layer, parameters=self._pending))
            self._pending = 0
        self._count_parameters(weights)
        return result

    def _count_parameters(self, weights: Weights) -> None:
        """Count parameters on the newest row when they are first used.

        So those of a normalization are on the row of the convolution before it, and weights used twice count once.
        """
        own = [self._uncounted.pop(name) for name in weights if name in self._uncounted]
        numbers = sum(parameter.numel() for parameter in own if parameter.requires_grad)
        if self.layers:
            self.layers[-1] = replace(self.layers[-1], parameters=self.layers[-1].parameters + numbers)
        else:
            self._pending += numbers
