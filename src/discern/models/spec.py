"""The row of a network in the table: its family, its variant's constructor arguments, the images it was made for.

Nothing here imports torch: the table is read wherever a name is checked.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from discern.errors import ModelError, suggest
from discern.i18n import _

if TYPE_CHECKING:
    from discern.models.network import Network

ModelArg = bool | int | float | str | tuple[int, ...] | list[int]
SHAPE_ARGS = ("classes", "channels", "size")  # what every constructor takes before the arguments of its own


@dataclass(frozen=True)
class Family:
    """Networks that one class makes, as they were published."""

    path: str  # file.Class in discern.models
    year: int  # of the paper
    idea: Callable[[], str]  # returns the sentence that says what it brought, in the language in force
    paper: str  # title and where it appeared
    variants: Mapping[str, tuple[Mapping[str, ModelArg], int | None]]  # name -> constructor arguments, parameters
    size: int = 224  # pixels a side of the images it was made for
    channels: int = 3  # color channels of those images
    classes: int = 1000  # logits it was made with

    @property
    def module(self) -> str:
        """The file in discern.models."""
        return self.path.partition(".")[0]


@dataclass(frozen=True)
class ModelSpec:
    """One network that a person can name; its size, channels and classes are its family's."""

    name: str  # what a person types
    family: Family  # the facts it shares with its variants
    variant_args: Mapping[str, ModelArg]  # the constructor arguments that make this variant
    parameters: int | None  # trainable ones as published; None where nobody has counted

    @property
    def size(self) -> int:
        return self.family.size

    @property
    def channels(self) -> int:
        return self.family.channels

    @property
    def classes(self) -> int:
        return self.family.classes

    @property
    def constructor(self) -> Callable[..., Network]:
        """The class that makes it."""
        network: Callable[..., Network] = import_here(self.family.path)
        return network

    @property
    def model_args(self) -> dict[str, ModelArg]:
        """The constructor arguments that `build` takes, with this variant's values."""
        return {**_read_defaults(self.constructor), **self.variant_args}

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, model_args: Mapping[str, ModelArg] | None = None
    ) -> Network:
        """Build the network with random weights; see `discern.models.registry.build_model`."""
        size = self.size if size is None else size
        check_shape(self.name, classes, channels, size)
        checked = _check_args(self.name, _read_defaults(self.constructor), model_args or {})
        return self.constructor(classes, channels, size, **{**self.variant_args, **checked})


def import_here(path: str) -> Any:
    """Import ``file.name`` of discern.models only now: what it needs takes seconds to load.

    Examples
    --------
    >>> import_here("spec.SHAPE_ARGS")
    ('classes', 'channels', 'size')
    """
    module, _dot, name = path.partition(".")
    return getattr(importlib.import_module(f"discern.models.{module}"), name)


def check_shape(name: str, classes: int, channels: int, size: int) -> None:
    """Refuse numbers that no network can have: a ModelError names the first of them."""
    for argument, value in zip(SHAPE_ARGS, (classes, channels, size), strict=True):
        if value < 1:
            message = _("{name} cannot have {what}={value}: it must be 1 or more.")
            raise ModelError(message.format(name=name, what=argument, value=value))


def _read_defaults(constructor: Callable[..., Network]) -> dict[str, ModelArg]:
    parameters = inspect.signature(constructor).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.name not in SHAPE_ARGS}


def _check_args(name: str, defaults: Mapping[str, ModelArg], model_args: Mapping[str, ModelArg]) -> dict[str, ModelArg]:
    """Return the arguments, each known and of its default's type."""
    checked = {}
    for argument, value in model_args.items():
        if argument not in defaults:
            message = _('{owner} has no setting "{name}"{hint}.')
            raise ModelError(message.format(owner=name, name=argument, hint=suggest(argument, defaults)))
        default = defaults[argument]
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)  # JSON has no tuples
        if not _same_type(value, default):
            message = _("{name}: {setting}={value} is not allowed: use a value like {default}.")
            raise ModelError(message.format(name=name, value=repr(value), setting=argument, default=repr(default)))
        checked[argument] = value
    return checked


def _same_type(value: ModelArg, default: ModelArg) -> bool:
    """Return whether ``value`` has the type of ``default``; an integer is a float too, True is no number."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return all(type(number) is int for number in value)
    return type(value) is type(default) or (type(value) is int and isinstance(default, float))
