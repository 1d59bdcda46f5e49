"""What every network here offers: logits, the feature maps of its stages, and the name of its head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _

Body = Mapping[str, Callable[[Tensor], Tensor]]
SMALL_PICTURE = 64  # up to this many pixels a side, stem="auto" is the small one
STEMS = ("auto", "imagenet", "small")


class Model(nn.Module, ABC):
    """What every classifier here can do, whether it is one of `discern.models.table` or another library's.

    Pictures (N, C, H, W) -> stages -> features -> head -> logits (N, classes).
    """

    head_name: str  # dotted name of the module that makes the logits: set_submodule(head_name, ...) swaps it
    prepared_by: int = 0  # how many training pictures `prepare` wants to see before the first step
    auxiliary: Mapping[str, str] = {}  # stage whose map an auxiliary head reads -> dotted name of that head

    @property
    def head(self) -> nn.Module:
        """The module that makes the logits."""
        return self.get_submodule(self.head_name)

    @property
    def keras_layers(self) -> Mapping[str, str]:
        """The layer names of Keras' own weights for this network -> dotted module names; empty where it has none."""
        return {}

    @property
    def heads(self) -> tuple[str, ...]:
        """Dotted names of what must be new for other classes: the head and the auxiliary heads."""
        return (self.head_name, *self.auxiliary.values())

    def prepare(self, pictures: Tensor) -> None:
        """Set what is not trained by training pictures (N, C, H, W); most networks have nothing of the kind."""

    @abstractmethod
    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """The map that each stage makes of pictures ``x`` (N, C, H, W), in order."""

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """What the head reads of pictures ``x``: (N, F), or (N, F, H, W) before a convolutional head."""

    @abstractmethod
    def answer(self, features: Tensor) -> Tensor:
        """What the head reads -> logits (N, classes)."""

    @abstractmethod
    def answers(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits, then those of each auxiliary head: what a training step compares with the labels."""


class Network(Model):
    """A classifier written here: a body of named stages, what becomes of the last map, and a head.

    A subclass gives `body` and `embed`; its constructor takes ``classes``, ``channels`` and ``size`` (pixels a
    side) first and its own settings, each with a default, after them.

    Examples
    --------
    >>> import torch
    >>> from discern.models.lenet import LeNet
    >>> network = LeNet(classes=10, channels=1, size=28)
    >>> network(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    >>> {name: tuple(map.shape) for name, map in network.stages(torch.zeros(2, 1, 28, 28)).items()}
    {'stem': (2, 6, 14, 14), 'stage2': (2, 16, 5, 5)}
    >>> network.head
    Linear(in_features=84, out_features=10, bias=True)
    """

    @abstractmethod
    def body(self) -> Body:
        """The stages in order: name -> what turns the map before it into its own."""

    @abstractmethod
    def embed(self, x: Tensor) -> Tensor:
        """The last stage's map -> what the head reads: (N, F), or (N, F, H, W) before a convolutional head."""

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) -> logits (N, classes)."""
        return self.answer(self.encode(x))

    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """The map that each stage makes of pictures ``x`` (N, C, H, W), in order; `embed` reads the last."""
        maps = {}
        for name, stage in self.body().items():
            x = stage(x)
            maps[name] = x
        return maps

    def encode(self, x: Tensor) -> Tensor:
        """What the head reads of pictures ``x``: (N, F), or (N, F, H, W) before a convolutional head."""
        for stage in self.body().values():  # not stages(): a map is freed as soon as the next is made
            x = stage(x)
        return self.embed(x)

    def answer(self, features: Tensor) -> Tensor:
        """What the head reads -> logits (N, classes); a convolutional head's map is rectified and averaged."""
        scores = self.head(features)
        return scores if scores.dim() == 2 else scores.relu().mean(dim=(2, 3))

    def answers(self, x: Tensor) -> tuple[Tensor, ...]:
        """The logits, then those of each auxiliary head: what a training step compares with the labels."""
        asides = []
        for name, stage in self.body().items():
            x = stage(x)
            if name in self.auxiliary:
                asides.append(self.get_submodule(self.auxiliary[name])(x))
        return (self.answer(self.embed(x)), *asides)


def is_small(stem: str, size: int) -> bool:
    """Whether the small-picture stem is meant: asked for, or ``auto`` and the pictures are small.

    Raises
    ------
    ModelError
        When ``stem`` is none of ``auto``, ``imagenet``, ``small``.

    Examples
    --------
    >>> is_small("auto", 32), is_small("auto", 224), is_small("imagenet", 32)
    (True, False, False)
    """
    if stem not in STEMS:
        raise ModelError(
            _("The stem {stem} is unknown: it is one of {allowed}.").format(stem=stem, allowed=", ".join(STEMS))
        )
    return stem == "small" or (stem == "auto" and size <= SMALL_PICTURE)


def scaled(filters: int, width: float) -> int:
    """How many of ``filters`` are left at ``width`` (1.0 is all), never none.

    Raises
    ------
    ModelError
        When ``width`` is not above 0.

    Examples
    --------
    >>> [scaled(n, 0.1) for n in (64, 128, 256, 512)]
    [6, 13, 26, 51]
    """
    if width <= 0:
        raise ModelError(_("The width is {width}: it must be above 0, and 1 is full width.").format(width=width))
    return max(1, round(filters * width))


def check_dropout(dropout: float) -> float:
    """``dropout`` itself, if it is a share of values that can be left out.

    Raises
    ------
    ModelError
        When it is not in [0, 1).
    """
    if not 0 <= dropout < 1:
        raise ModelError(_("The dropout is {dropout}: it must be at least 0 and below 1.").format(dropout=dropout))
    return dropout


def check_size(network: str, size: int, least: int, small: bool = False) -> None:
    """Refuse pictures that a network would shrink to nothing.

    Parameters
    ----------
    network : str
        Its name in the sentence.
    size, least : int
        Pixels a side that the pictures have, and that they must have.
    small : bool
        Whether this is the small-picture form already; otherwise the sentence names that form as a remedy.

    Raises
    ------
    ModelError
        When ``size`` is below ``least``.
    """
    if size < least and small:
        raise ModelError(
            _("Pictures of {size} pixels a side are too small for {name}: use {least} or more.").format(
                size=size, name=network, least=least
            )
        )
    if size < least:
        raise ModelError(
            _(
                "{network} needs pictures of {least} pixels a side or more, not {size}: use larger ones or stem=small."
            ).format(network=network, least=least, size=size)
        )
