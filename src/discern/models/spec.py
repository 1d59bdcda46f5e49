"""The row of a network in the table: its family, its variant's constructor arguments, the images it was made for.

Nothing here imports torch: the table is read wherever a name is checked.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discern.errors import ModelError, suggest
from discern.i18n import _

if TYPE_CHECKING:
    from discern.models.network import Network

ModelArg = bool | int | float | str | tuple[int, ...] | list[int]
SHAPE_ARGS = ("classes", "channels", "size")  # what every constructor takes before the arguments of its own


@dataclass(frozen=True)
class Family:
    """Networks that one class makes, as they were published.

    Attributes
    ----------
    module, network : str
        File in ``discern.models`` and the class in it.
    year : int
        Of the paper.
    idea : callable
        Returns the sentence that says what it brought, in the language in force.
    paper : str
        Title and where it appeared.
    variants : mapping
        Name -> the constructor arguments that make it.
    size, channels, classes : int
        Of the images and labels it was made for: pixels a side, color channels, logits.
    """

    module: str
    network: str
    year: int
    idea: Callable[[], str]
    paper: str
    variants: Mapping[str, Mapping[str, ModelArg]]
    size: int = 224
    channels: int = 3
    classes: int = 1000

    def constructor(self) -> Callable[..., Network]:
        """Import the file and return the class."""
        network: Callable[..., Network] = getattr(
            importlib.import_module(f"discern.models.{self.module}"), self.network
        )
        return network


@dataclass(frozen=True)
class ModelSpec:
    """One network that a person can name.

    Attributes
    ----------
    name : str
        What a person types.
    family : Family
        The file and class that make it, and the facts it shares with its variants.
    variant_args : mapping
        The constructor arguments that make this variant.
    """

    name: str
    family: Family
    variant_args: Mapping[str, ModelArg]

    @property
    def size(self) -> int:
        """Pixels a side of the images it was made for."""
        return self.family.size

    @property
    def channels(self) -> int:
        """Color channels of the images it was made for."""
        return self.family.channels

    @property
    def classes(self) -> int:
        """Logits it was made with."""
        return self.family.classes

    @property
    def model_args(self) -> dict[str, ModelArg]:
        """The constructor arguments that `build` takes, with this variant's values."""
        return {**_read_defaults(self.family.constructor()), **self.variant_args}

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, model_args: Mapping[str, ModelArg] | None = None
    ) -> Network:
        """Build the network with random weights; see `discern.models.registry.build_model`."""
        size = self.size if size is None else size
        check_shape(self.name, classes, channels, size)
        constructor = self.family.constructor()
        checked = _check_args(self.name, _read_defaults(constructor), model_args or {})
        return constructor(classes, channels, size, **{**self.variant_args, **checked})


def check_shape(name: str, classes: int, channels: int, size: int) -> None:
    """Refuse numbers that no network can have.

    Raises
    ------
    ModelError
        Names the first of them.
    """
    for argument, value in zip(SHAPE_ARGS, (classes, channels, size), strict=True):
        if value < 1:
            raise ModelError(
                _("{name} cannot have {what}={value}: it must be 1 or more.").format(
                    name=name, what=argument, value=value
                )
            )


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
            raise ModelError(
                _("{name}: {setting}={value} is not allowed: use a value like {default}.").format(
                    name=name, value=repr(value), setting=argument, default=repr(default)
                )
            )
        checked[argument] = value
    return checked


def _same_type(value: ModelArg, default: ModelArg) -> bool:
    """Return whether ``value`` has the type of ``default``; an integer is a float too, True is no number."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return all(type(number) is int for number in value)
    return type(value) is type(default) or (type(value) is int and isinstance(default, float))
