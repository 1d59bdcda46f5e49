"""The table of networks: a name, the facts a person chooses by, and the class and numbers that build it.

Reading it imports no torch. A new architecture is one file beside this one and one row here.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from discern.errors import ModelError, nearest
from discern.i18n import _

if TYPE_CHECKING:
    from discern.models.network import Network

Setting = bool | int | float | str | tuple[int, ...] | list[int]
SHAPE = ("classes", "channels", "size")  # what every constructor takes before its settings


@dataclass(frozen=True)
class Entry:
    """One row: a network as it was published.

    Attributes
    ----------
    name : str
        What a person types.
    module, network : str
        File in ``discern.models`` and the class in it.
    year : int
        Of the paper.
    idea : callable
        Returns the sentence that says what it brought, in the language in force.
    paper : str
        Title and where it appeared.
    size, channels, classes : int
        Of the pictures and labels it was made for: pixels a side, colour channels, logits.
    numbers : mapping
        The constructor's settings that make this variant.
    """

    name: str
    module: str
    network: str
    year: int
    idea: Callable[[], str]
    paper: str
    size: int
    channels: int = 3
    classes: int = 1000
    numbers: Mapping[str, Setting] = field(default_factory=dict)

    def build(
        self, classes: int, channels: int = 3, size: int | None = None, settings: Mapping[str, Setting] | None = None
    ) -> Network:
        """As `build`, for this row."""
        size = self.size if size is None else size
        for what, value in zip(SHAPE, (classes, channels, size), strict=True):
            if value < 1:
                raise ModelError(
                    _("{name} cannot have {what}={value}: it must be 1 or more.").format(
                        name=self.name, what=what, value=value
                    )
                )
        constructor = getattr(importlib.import_module(f"discern.models.{self.module}"), self.network)
        numbers = {**self.numbers, **_checked(self.name, constructor, settings or {})}
        return constructor(classes, channels, size, **numbers)


def build(
    name: str,
    classes: int,
    channels: int = 3,
    size: int | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> Network:
    """Make the network called ``name`` with random weights.

    Parameters
    ----------
    name : str
        A name of `TABLE`.
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


def entry(name: str) -> Entry:
    """The row called ``name``.

    Raises
    ------
    ModelError
        When there is none; the sentence gives the nearest names.
    """
    if name in TABLE:
        return TABLE[name]
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
    import torch

    row = entry(name)
    with torch.device("meta"):
        network = row.build(row.classes, row.channels)
    return sum(parameter.numel() for parameter in network.parameters())


def settings_of(name: str) -> dict[str, Setting]:
    """The settings that `build` takes for ``name``, with the values this row has.

    Examples
    --------
    >>> settings_of("mobilenet-0.25")
    {'width': 0.25, 'stem': 'auto'}
    """
    row = entry(name)
    constructor = getattr(importlib.import_module(f"discern.models.{row.module}"), row.network)
    return {**_defaults(constructor), **row.numbers}


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


_RESNET = "Deep Residual Learning for Image Recognition, arXiv:1512.03385"
_MOBILENET = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv:1704.04861"


def _residual() -> str:
    return _("A block learns only what to add to its input, so very deep networks train.")


def _separable() -> str:
    return _("A convolution is split into depthwise and 1x1 parts: about a ninth of the work.")


ROWS = (
    Entry(
        "mlp-course",
        "mlp",
        "MLP",
        1986,
        lambda: _("Pixels in a row and fully connected layers: hidden neurons learn features of their own."),
        "Learning representations by back-propagating errors, Nature 323",
        size=28,
        classes=3,
        numbers={"hidden": (512, 256, 128), "dropout": 0.2},
    ),
    Entry(
        "feed-forward",
        "mlp",
        "MLP",
        1986,
        lambda: _("One hidden layer of 512 neurons between the pixels and the classes."),
        "Learning representations by back-propagating errors, Nature 323",
        size=28,
        channels=1,
        classes=10,
        numbers={"hidden": (512,), "dropout": 0.0},
    ),
    Entry(
        "lenet",
        "lenet",
        "LeNet",
        1998,
        lambda: _("The first convolutional network: one small filter slides over the whole picture."),
        "Gradient-based learning applied to document recognition, Proceedings of the IEEE 86(11)",
        size=32,
        channels=1,
        classes=10,
    ),
    Entry(
        "sample",
        "sample",
        "Sample",
        1998,
        lambda: _("The smallest network with every part a CNN has: convolution, pooling, fully connected layers."),
        "PyTorch tutorial 'Training a Classifier', after LeNet-5",
        size=32,
        classes=10,
    ),
    Entry(
        "cnn-course",
        "cnn_course",
        "CourseCNN",
        2015,
        lambda: _("Five blocks of convolution, batch normalisation and ReLU, then global average pooling."),
        "Batch Normalization, arXiv:1502.03167 (the course's own network)",
        size=28,
        classes=3,
    ),
    Entry("resnet18", "resnet", "ResNet", 2015, _residual, _RESNET, size=224, numbers={"blocks": (2, 2, 2, 2)}),
    Entry("resnet34", "resnet", "ResNet", 2015, _residual, _RESNET, size=224, numbers={"blocks": (3, 4, 6, 3)}),
    Entry(
        "resnet50",
        "resnet",
        "ResNet",
        2015,
        _residual,
        _RESNET,
        size=224,
        numbers={"blocks": (3, 4, 6, 3), "bottleneck": True},
    ),
    Entry(
        "resnet18-narrow",
        "resnet",
        "ResNet",
        2015,
        lambda: _("ResNet-18 with a tenth of the filters, as the course builds it by hand for CIFAR-10."),
        _RESNET,
        size=32,
        classes=10,
        numbers={"blocks": (2, 2, 2, 2), "width": 0.1},
    ),
    Entry("mobilenet", "mobilenet", "MobileNet", 2017, _separable, _MOBILENET, size=224, numbers={"width": 1.0}),
    Entry("mobilenet-0.75", "mobilenet", "MobileNet", 2017, _separable, _MOBILENET, size=224, numbers={"width": 0.75}),
    Entry("mobilenet-0.5", "mobilenet", "MobileNet", 2017, _separable, _MOBILENET, size=224, numbers={"width": 0.5}),
    Entry("mobilenet-0.25", "mobilenet", "MobileNet", 2017, _separable, _MOBILENET, size=224, numbers={"width": 0.25}),
)
TABLE: dict[str, Entry] = {row.name: row for row in ROWS}
