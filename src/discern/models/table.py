"""The table of networks: a name, the facts a person chooses by, and the class and numbers that build it.

Reading it imports no torch. A new architecture is one file beside this one and one row in `discern.models.rows`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discern.errors import ModelError, nearest
from discern.i18n import _
from discern.models.rows import FAMILIES, Family, Setting

if TYPE_CHECKING:
    from discern.models.external import External
    from discern.models.network import Model, Network

SHAPE = ("classes", "channels", "size")  # what every constructor takes before its settings


@dataclass(frozen=True)
class Entry:
    """One network that a person can name.

    Attributes
    ----------
    name : str
        What a person types.
    family : Family
        The file and class that make it, and the facts it shares with its variants.
    numbers : mapping
        The constructor's settings that make this variant.
    """

    name: str
    family: Family
    numbers: Mapping[str, Setting]

    @property
    def size(self) -> int:
        """Pixels a side of the pictures it was made for."""
        return self.family.size

    @property
    def channels(self) -> int:
        """Colour channels of the pictures it was made for."""
        return self.family.channels

    @property
    def classes(self) -> int:
        """Logits it was made with."""
        return self.family.classes

    @property
    def settings(self) -> dict[str, Setting]:
        """What `build` takes, with the values this variant has."""
        return {**_defaults(self.family.constructor()), **self.numbers}

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, settings: Mapping[str, Setting] | None = None
    ) -> Network:
        """As `build`, for this row."""
        size = self.size if size is None else size
        check_shape(self.name, classes, channels, size)
        constructor = self.family.constructor()
        numbers = {**self.numbers, **_checked(self.name, constructor, settings or {})}
        return constructor(classes, channels, size, **numbers)


def build(
    name: str,
    classes: int,
    channels: int = 3,
    size: int | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> Model:
    """Make the network called ``name`` with random weights.

    Parameters
    ----------
    name : str
        A name of `TABLE`, or what `entry` takes besides.
    classes, channels : int
        Logits, and colour channels of the pictures (1 or 3).
    size : int, optional
        Pixels a side; the network's native size when not given. Up to 64, networks that have a small-picture stem
        take it.
    settings : mapping, optional
        Constructor settings by name that replace the row's, such as ``{"width": 0.5, "stem": "imagenet"}``.

    Raises
    ------
    ModelError
        When the name or a setting is unknown, or a value is not allowed.

    Examples
    --------
    >>> build("resnet18-narrow", classes=10, size=32).conv1
    Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    >>> build("resnet18-narrow", classes=10, size=32, settings={"stem": "imagenet"}).conv1
    Conv2d(3, 6, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)
    """
    return entry(name).build(classes, channels, size, settings)


def entry(name: str) -> Entry | External:
    """The row called ``name``; a name with a colon is of another library (`discern.models.external`).

    Raises
    ------
    ModelError
        When there is none; the sentence gives the nearest names.
    """
    if name in TABLE:
        return TABLE[name]
    if ":" in name:
        from discern.models.external import external

        return external(name)
    close = nearest(name, TABLE)
    if close:
        raise ModelError(
            _("There is no model called {name}; the nearest are {names}: 'discern models' lists them all.").format(
                name=name, names=", ".join(close)
            )
        )
    raise ModelError(_("There is no model called {name}: 'discern models' lists them all.").format(name=name))


@functools.cache
def parameters(name: str) -> int:
    """Trainable parameters of the network called ``name`` as published; built without memory, in milliseconds.

    Examples
    --------
    >>> parameters("resnet50")
    25557032
    """
    from discern.models.meta import on_meta

    row = entry(name)
    with on_meta():
        network = row.build(row.classes, row.channels)
    return sum(parameter.numel() for parameter in network.parameters())


def settings_of(name: str) -> dict[str, Setting]:
    """The settings that `build` takes for ``name``, with the values this row has.

    Examples
    --------
    >>> settings_of("mobilenet-0.25")
    {'width': 0.25, 'stem': 'auto'}
    """
    return entry(name).settings


def check_shape(name: str, classes: int, channels: int, size: int) -> None:
    """Refuse numbers that no network can have.

    Raises
    ------
    ModelError
        Names the first of them.
    """
    for what, value in zip(SHAPE, (classes, channels, size), strict=True):
        if value < 1:
            raise ModelError(
                _("{name} cannot have {what}={value}: it must be 1 or more.").format(name=name, what=what, value=value)
            )


def _defaults(constructor: Callable[..., Network]) -> dict[str, Setting]:
    found = inspect.signature(constructor).parameters.values()
    return {parameter.name: parameter.default for parameter in found if parameter.name not in SHAPE}


def _checked(name: str, constructor: Callable[..., Network], settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """The settings, each known and of the kind of the constructor's default."""
    defaults = _defaults(constructor)
    checked = {}
    for setting, value in settings.items():
        if setting not in defaults:
            raise ModelError(
                _("{name} has no setting {setting}; it takes: {allowed}.").format(
                    name=name, setting=setting, allowed=", ".join(defaults) or "-"
                )
            )
        default = defaults[setting]
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)  # JSON has no tuples
        if not _alike(value, default):
            raise ModelError(
                _("{name} cannot take {value} for {setting}: give something like {default}.").format(
                    name=name, value=repr(value), setting=setting, default=repr(default)
                )
            )
        checked[setting] = value
    return checked


def _alike(value: Setting, default: Setting) -> bool:
    """Whether ``value`` is of the kind of ``default``; a whole number is a float too, True is no number."""
    if isinstance(value, tuple) and isinstance(default, tuple):
        return all(type(number) is int for number in value)
    return type(value) is type(default) or (type(value) is int and isinstance(default, float))


TABLE: dict[str, Entry] = {
    name: Entry(name, family, numbers) for family in FAMILIES for name, numbers in family.variants.items()
}
