"""A Keras model, on Keras's torch backend, behind the face of `discern.models.network.Model`.

Keras keeps the layers and how they call each other; the weights and the head are torch's. The weights lie in ``body``,
under names that do not depend on what else was built before, and are lent to the Keras variables for each pass. The
head, Keras's last Dense (or 1x1 convolution), is replaced by a ``torch.nn.Linear`` with its weights and without its
softmax: the loss and the prediction here take logits.
"""

from __future__ import annotations

import copy
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.wrapped import OnOutput, WrappedModel, seed_python_random

Make = Callable[[], Any]
MAX_SCALED = 16.0  # of what comes into the first kernel, where pixels were scaled: normalized ones reach about 3
NO_STAGES = {"InputLayer", "Rescaling", "Normalization", "ZeroPadding2D", "Cropping2D", "Dropout", "Softmax"}


def choose_keras_backend() -> None:
    """Have Keras compute with torch, unless it is imported already: it reads the choice once."""
    if sys.modules.get("keras") is None:
        os.environ["KERAS_BACKEND"] = "torch"


def import_keras() -> ModuleType:
    """Import Keras on its torch backend.

    Raises
    ------
    ModelError
        When it is not installed, or was imported with another backend.
    """
    choose_keras_backend()
    try:
        keras = importlib.import_module("keras")
    except ImportError as error:
        raise ModelError(_("Keras is not installed: install it with pip install 'discern-vision[keras]'.")) from error
    backend = keras.config.backend()
    if backend != "torch":
        message = _("Keras was imported with the backend {backend}, expected torch: set KERAS_BACKEND=torch first.")
        raise ModelError(message.format(backend=backend))
    return keras


class KerasModel(WrappedModel):
    """A Keras model written in any of the three ways: Sequential, functional or subclass.

    Parameters
    ----------
    name : str
        What a person typed.
    make : callable
        Gives a new Keras model; copying this network calls it again.
    classes, channels, size : int
        Logits, color channels, pixels a side.
    first : keras.Model, optional
        What ``make`` gave already.
    rescale : bool
        Keep a Rescaling layer at the beginning, which takes pixels of 0 to 255. Otherwise it is passed over: what
        comes in here is normalized.
    """

    channels_last = True

    def __init__(
        self, name: str, make: Make, classes: int, channels: int, size: int, first: Any = None, rescale: bool = False
    ) -> None:
        super().__init__(name, classes)
        self._remake = partial(KerasModel, name, make, classes, channels, size, rescale=rescale)
        self.body = nn.Module()
        with torch.device("cpu"), import_keras().device("cpu"), seed_python_random():
            model = make() if first is None else first
            self._keras = (model,)  # in a tuple: the weights shall not be registered twice
            self._layout = _read_layout(model, name, channels)
            model.input_spec = None  # as a backbone it takes images of other sizes
            self._is_binary = False  # one number that says how much it is the second of two classes
            calls = self._first_pass(channels, size)
            if not rescale and calls and type(calls[0][0]).__name__ == "Rescaling":
                _bypass(calls[0][0])
            taken = self._take_head(calls)
            self._variables = self._take_weights(taken)
        self.infer_output(channels, size)

    def call_network(self, x: Tensor) -> Any:
        model = self._keras[0]
        for name, variable in self._variables.items():
            variable._value = getattr(self.body, name)
        with import_keras().device(str(x.device)):
            output = model(_arrange(x, self._layout), training=self.training)
        if self._is_binary and isinstance(output, Tensor):
            return torch.cat([torch.zeros_like(output), output], dim=1)
        return output

    @contextmanager
    def hook_layers(self, on_output: OnOutput) -> Iterator[None]:
        def forward(layer: Any, _inputs: Any, output: Any) -> None:
            if type(layer).__name__ not in NO_STAGES:
                on_output("", output)  # names are another model's when Keras makes it again; the order is the same

        with _hook_layers(self._keras[0], forward):
            yield

    def read_head_input(self, x: Tensor) -> Tensor:
        """Return what comes into the head: (N, F), or (N, F, H, W)."""
        features = super().read_head_input(x)
        if features.dim() != 4:
            return features
        return features.flatten(1) if features.shape[1:3] == (1, 1) else features.permute(0, 3, 1, 2)

    def apply_head(self, features: Tensor) -> Tensor:
        is_map = features.dim() == 4
        scores: Tensor = self.head(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if is_map else self.head(features)
        return torch.cat([torch.zeros_like(scores), scores], dim=1) if self._is_binary else scores

    def __deepcopy__(self, memo: dict[int, Any]) -> KerasModel:
        """Make another model and give it the weights: Keras models do not copy."""
        with torch.random.fork_rng(devices=[]):
            other = self._remake()
        memo[id(self)] = other
        if self.head_name:
            other.set_submodule(self.head_name, copy.deepcopy(self.head, memo))
        like = next((tensor for tensor in self.state_dict().values()), torch.empty(0))
        other.to(like.device).load_state_dict(self.state_dict())
        for mine, theirs in zip(self.parameters(), other.parameters(), strict=True):
            theirs.requires_grad_(mine.requires_grad)
        return other.train(self.training)

    @torch.no_grad()
    def _first_pass(self, channels: int, size: int) -> list[tuple[Any, Any]]:
        """Let Keras make its variables; return the layers in the order they ran, each with its output."""
        calls: list[tuple[Any, Any]] = []
        model = self._keras[0]
        x = _arrange(torch.zeros(2, channels, size, size), self._layout)
        model(x, training=False)  # a subclass has no layers to watch before it has run once
        with _hook_layers(model, lambda layer, _inputs, output: calls.append((layer, output))):
            output = model(x, training=False)
        self._is_binary = isinstance(output, Tensor) and self.classes == 2 and output.shape[1:] == (1,)
        return [(layer, output) for layer, output in calls if type(layer).__name__ != "InputLayer"]

    @torch.no_grad()
    def _take_head(self, calls: list[tuple[Any, Any]]) -> list[Any]:
        """Replace Keras's last layer by a torch layer and drop a softmax; return the variables it had."""
        layers, activations = import_keras().layers, import_keras().activations
        probabilities = (activations.softmax, activations.sigmoid)
        width = 1 if self._is_binary else self.classes
        positions = [i for i, (layer, output) in enumerate(calls) if _is_head(layer, output, width)]
        if not positions:
            return []
        dense = calls[positions[-1]][0]
        head = nn.Linear(dense.kernel.shape[-2], width, bias=dense.use_bias)
        head.weight.copy_(dense.kernel.value.reshape(-1, width).T)
        if dense.use_bias:
            head.bias.copy_(dense.bias.value)
        self.head_name, self.classifier = "classifier", head
        activation = None if dense.activation in probabilities else dense.activation
        _replace_call(dense, lambda x: self.classifier(x) if activation is None else activation(self.classifier(x)))
        for layer, _output in calls[positions[-1] + 1 :]:
            is_softmax = isinstance(layer, layers.Softmax) or getattr(layer, "activation", None) in probabilities
            if is_softmax and not layer.weights:
                _bypass(layer)
        return list(dense.variables)

    def _take_weights(self, taken: list[Any]) -> dict[str, Any]:
        """Register every other variable's tensor in ``body``; return name -> variable."""
        model, excluded = self._keras[0], {id(variable) for variable in taken}
        variables = {id(variable): variable for variable in model.variables if id(variable) not in excluded}
        places = _name_by_place(model)
        paths = [places.get(key, variable.path).removeprefix(f"{model.name}/") for key, variable in variables.items()]
        named = dict(zip(_renumber(paths), variables.values(), strict=True))
        for name, variable in named.items():
            tensor = variable.value.detach()
            if variable.trainable:
                self.body.register_parameter(name, nn.Parameter(tensor))
            else:
                self.body.register_buffer(name, tensor)
        return named


@torch.no_grad()
def takes_bytes(model: Any, shape: tuple[int, int, int]) -> bool:
    """Return whether a model scales its input itself, so that it takes pixels of 0 to 255 rather than 0 to 1.

    What scales may stand anywhere, be any layer, or be arithmetic without one. So two images, height, width and
    channels in ``shape``, are shown to it, all 0 and all 255: what reaches the first layer with a matrix or a kernel is
    then small for the second, or, where a mean was subtracted, large for the first.

    Examples
    --------
    >>> layers = import_keras().layers
    >>> model = import_keras().Sequential([layers.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2)])
    >>> takes_bytes(model, (4, 4, 3))
    False
    """
    height, width, channels = shape
    peaks: list[float] = []

    def measure(layer: Any, inputs: tuple[Any, ...], _output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and not layer._layers and _has_matrix(layer):
            peaks.append(float(inputs[0].abs().max()))

    ranges = []
    for value in (0.0, 255.0):
        peaks.clear()
        x = torch.full((1, channels, height, width), value)
        with _hook_layers(model, measure):
            model(_arrange(x, _read_layout(model, model.name, channels)), training=False)
        ranges.append(peaks[0] if peaks else value)
    black, white = ranges
    return white <= MAX_SCALED or black > MAX_SCALED


def _has_matrix(layer: Any) -> bool:
    return any(len(weight.shape) > 1 for weight in layer.trainable_weights + layer.non_trainable_weights) and type(
        layer
    ).__name__ not in ("Normalization", "BatchNormalization", "LayerNormalization")


def _read_layout(model: Any, name: str, channels: int) -> str:
    """Return how the model takes images: channels ``last``, ``first`` or ``none``, or pixels in a row (``flat``)."""
    try:
        shape = model.input_shape
    except (AttributeError, ValueError):  # a subclass has none before it ran
        return "last"
    if not isinstance(shape, tuple) or (shape and isinstance(shape[0], tuple)):
        raise ModelError(_("{name} takes several inputs, expected one: images.").format(name=name))
    if len(shape) == 3 and channels != 1:
        message = _("{name} takes images of {height}x{width} without colour: use --set channels=1.")
        raise ModelError(message.format(name=name, height=shape[1], width=shape[2]))
    if len(shape) == 4:
        return "first" if shape[1] in (1, 3) and shape[3] not in (1, 3, None) else "last"
    return {3: "none", 2: "flat"}.get(len(shape), "last")


def _arrange(x: Tensor, layout: str) -> Tensor:
    """Arrange images (N, C, H, W) as the model takes them."""
    if layout == "first":
        return x
    if layout == "none":
        return x[:, 0]
    x = x.permute(0, 2, 3, 1)
    return x.flatten(1) if layout == "flat" else x


def _is_head(layer: Any, output: Any, width: int) -> bool:
    """Return whether ``layer`` multiplies by a matrix, at each cell alike, into ``width`` numbers."""
    layers = import_keras().layers
    if not isinstance(output, Tensor) or output.shape[-1] != width:
        return False
    if type(layer) is layers.Conv2D:
        is_pointwise = (layer.kernel_size, layer.strides, layer.groups) == ((1, 1), (1, 1), 1)
        return is_pointwise and layer.data_format == "channels_last"
    return type(layer) is layers.Dense


def _bypass(layer: Any) -> None:
    _replace_call(layer, lambda x: x)


def _replace_call(layer: Any, function: Callable[[Tensor], Tensor]) -> None:
    """Run ``function`` when Keras calls ``layer``."""
    object.__setattr__(layer, "call", lambda x, *_arguments, **_named: function(x))


@contextmanager
def _hook_layers(model: Any, on_call: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Call ``on_call`` with every layer that runs inside the block, its inputs and its output."""
    layers = model._flatten_layers(include_self=False)
    own = {id(layer): vars(layer).get("call") for layer in layers}

    def wrap(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped_call(*arguments: Any, **named: Any) -> Any:
            output = call(*arguments, **named)
            on_call(layer, arguments, output)
            return output

        return wrapped_call

    for layer in layers:
        object.__setattr__(layer, "call", wrap(layer, layer.call))
    try:
        yield
    finally:
        for layer in layers:
            object.__delattr__(layer, "call")
            if own[id(layer)] is not None:
                object.__setattr__(layer, "call", own[id(layer)])


def _name_by_place(layer: Any, prefix: str = "") -> dict[int, str]:
    """Return the id of each variable and its path by the layers it stands in.

    Keras's own path says where a variable was when it was made, which an .h5 file changes: layers inside layers are
    made there before those around them.
    """
    own = layer._trainable_variables + layer._non_trainable_variables
    names = {id(variable): f"{prefix}{variable.name}" for variable in own}
    for inner in layer._layers:
        names = {**_name_by_place(inner, f"{prefix}{inner.name}/"), **names}
    return names


def _renumber(paths: Iterable[str]) -> list[str]:
    """Return the paths of variables with the counts that Keras gives to layers of one kind begun anew.

    Keras counts over all models of the process, so the second model's first layer would have another name than the
    first model's.

    Examples
    --------
    >>> _renumber(["dense_7/kernel", "dense_7/bias", "dense_8/kernel"])
    ['dense/kernel', 'dense/bias', 'dense_1/kernel']
    """
    tree: dict[str, Any] = {}  # Keras' name of a layer -> (its new name, the same of the layers inside)
    renumbered: list[str] = []
    for path in paths:
        level, names = tree, []
        for step in path.replace(".", "-").split("/"):  # torch keeps the dot for itself
            if step not in level:
                base = re.sub(r"_\d+$", "", step)
                used = {name for name, _level in level.values()}
                level[step] = (_find_unused(base, used), {})
            name, level = level[step]
            names.append(name)
        renumbered.append(_find_unused("/".join(names), set(renumbered)))
    return renumbered


def _find_unused(base: str, used: set[str]) -> str:
    name, count = base, 0
    while name in used:
        count += 1
        name = f"{base}_{count}"
    return name
