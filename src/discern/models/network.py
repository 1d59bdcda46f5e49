"""The face of every network: logits, features before the head, the feature maps of its stages, the head's name."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from discern.errors import ModelError, suggest
from discern.i18n import _

Body = Mapping[str, Callable[[Tensor], Tensor]]
SMALL_IMAGE = 64  # up to this many pixels a side, stem="auto" is the small one
STEMS = ("auto", "imagenet", "small")


class Model(nn.Module, ABC):
    """A classifier, whether it is one of `discern.models.registry` or another library's.

    Images (N, C, H, W) -> stages -> features -> head -> logits (N, classes).
    """

    head_name: str  # dotted name of the module that makes the logits: set_submodule(head_name, ...) swaps it
    init_images: int = 0  # how many training images `init_from_data` needs before the first step
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

    def init_from_data(self, images: Tensor) -> None:
        """Set what is not trained from training images (N, C, H, W); most networks have nothing of the kind."""

    @abstractmethod
    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """Return the feature map of each stage for images ``x`` (N, C, H, W), in order."""

    @abstractmethod
    def forward_features(self, x: Tensor) -> Tensor:
        """Return what the head reads of images ``x``: (N, F), or (N, F, H, W) before a convolutional head."""

    @abstractmethod
    def forward_head(self, features: Tensor) -> Tensor:
        """Return the logits (N, classes) of what `forward_features` gives."""

    @abstractmethod
    def forward_train(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the logits, then those of each auxiliary head: what a training step compares with the labels."""


class Network(Model):
    """A classifier written here: a body of named stages, what becomes of the last map, and a head.

    A subclass gives `body` and `pool`. Its constructor takes the first three of these, then arguments of its own, which
    it documents, and the other three where it has a use for them; each has a default.

    Parameters
    ----------
    classes, channels, size : int
        Logits, color channels, pixels a side; where there is a ``stem``, ``size`` only chooses it.
    width : float
        Fraction of the filters that remain, above 0.
    dropout : float
        Fraction of the values that dropout leaves out in training, in [0, 1).
    stem : str
        ``imagenet``, ``small``, or ``auto``: small up to 64 pixels a side.

    Raises
    ------
    ModelError
        When an argument has a value that is not allowed, or the images are too small for the network.

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
        """Return the stages in order: name -> what turns the map before it into its own."""

    @abstractmethod
    def pool(self, x: Tensor) -> Tensor:
        """Turn the last stage's map into what the head reads: (N, F), or (N, F, H, W) before a convolutional head."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, C, H, W)."""
        return self.forward_head(self.forward_features(x))

    def stages(self, x: Tensor) -> dict[str, Tensor]:
        """Return the feature map of each stage for images ``x`` (N, C, H, W), in order; `pool` reads the last."""
        maps = {}
        for name, stage in self.body().items():
            x = stage(x)
            maps[name] = x
        return maps

    def forward_features(self, x: Tensor) -> Tensor:
        for stage in self.body().values():  # not stages(): a map is freed as soon as the next is made
            x = stage(x)
        return self.pool(x)

    def forward_head(self, features: Tensor) -> Tensor:
        """Return the logits (N, classes) of ``features``; a convolutional head's map is rectified and averaged."""
        scores = self.head(features)
        return scores if scores.dim() == 2 else scores.relu().mean(dim=(2, 3))

    def forward_train(self, x: Tensor) -> tuple[Tensor, ...]:
        auxiliary = []
        for name, stage in self.body().items():
            x = stage(x)
            if name in self.auxiliary:
                auxiliary.append(self.get_submodule(self.auxiliary[name])(x))
        return (self.forward_head(self.pool(x)), *auxiliary)


def compose_body(network: nn.Module, stages: Mapping[str, Sequence[str]]) -> Body:
    """Return the body of a network whose ``stages`` (name -> dotted names of layers) are runs of its own layers.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    >>> body = compose_body(network, {"first": ("0", "1"), "second": ("2",)})
    >>> body["first"](torch.zeros(5, 2, 2)).shape
    torch.Size([5, 3])
    """
    return {name: functools.partial(_run_layers, network, layers) for name, layers in stages.items()}


def _run_layers(network: nn.Module, layers: Sequence[str], x: Tensor) -> Tensor:
    for layer in layers:
        x = network.get_submodule(layer)(x)
    return x


def is_small(stem: str, size: int) -> bool:
    """Return whether the small-image stem is meant: by name (one of `STEMS`), or by ``auto`` and small images.

    Examples
    --------
    >>> is_small("auto", 32), is_small("auto", 224), is_small("imagenet", 32)
    (True, False, False)
    """
    if stem not in STEMS:
        raise ModelError(_('Unknown stem "{stem}"{hint}.').format(stem=stem, hint=suggest(stem, STEMS)))
    return stem == "small" or (stem == "auto" and size <= SMALL_IMAGE)


def scale_filters(filters: int, width: float) -> int:
    """Return how many of ``filters`` are left at ``width`` (1.0 is all), never none; a ModelError if not above 0.

    Examples
    --------
    >>> [scale_filters(n, 0.1) for n in (64, 128, 256, 512)]
    [6, 13, 26, 51]
    """
    if width <= 0:
        raise ModelError(_("The width is {width}: it must be above 0, and 1 is full width.").format(width=width))
    return max(1, round(filters * width))


def check_dropout(dropout: float) -> float:
    """Return ``dropout`` itself, or raise a ModelError when it is not in [0, 1)."""
    if not 0 <= dropout < 1:
        raise ModelError(_("The dropout is {dropout}: it must be at least 0 and below 1.").format(dropout=dropout))
    return dropout


def check_size(network: str, size: int, min_size: int, small: bool = False) -> None:
    """Refuse images that a network would shrink to nothing: of ``size`` pixels a side, below ``min_size``.

    Unless the network has its ``small`` form already, the message names that form as a remedy.
    """
    if size >= min_size:
        return
    message = _("{name} needs images of at least {min_size}x{min_size} pixels, got {size}x{size}: use larger images.")
    if not small:
        message = _(
            "{name} needs images of at least {min_size}x{min_size} pixels, got {size}x{size}: use larger images or "
            "stem=small."
        )
    raise ModelError(message.format(name=network, min_size=min_size, size=size))
