"""What is explained: one picture, as one network sees it, and one class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from discern.classifier.classifier import Classifier, Picture
from discern.errors import ConfigError, ModelError, nearest
from discern.explain.passes import convolutions, last_stage, maps
from discern.i18n import _
from discern.models.network import Model
from discern.preprocess.normalise import normalise, to_float

MOST = 20  # names that a sentence lists


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture and what a classifier says of it.

    Attributes
    ----------
    pixels : numpy.ndarray
        What the classifier sees of it: uint8 (H, W, C).
    label, target : str, int
        The class that is explained, and its place among the logits.
    probability : float
        Of that class.
    """

    pixels: np.ndarray
    label: str
    target: int
    probability: float


@dataclass(frozen=True, eq=False)
class Subject(Seen):
    """A picture before a network.

    Attributes
    ----------
    network : Model
        In evaluation mode.
    name : str
        The network's, for sentences.
    x : Tensor
        The picture, normalised: (1, C, H, W).
    asked : str or None
        The layer a person named.
    temperature : float
        The classifier's: what its logits are divided by.
    """

    network: Model
    name: str
    x: Tensor
    asked: str | None = None
    temperature: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.x.shape[2], self.x.shape[3]

    def chances(self, x: Tensor) -> Tensor:
        """The probability of the class in each of the pictures ``x``: (N, C, H, W) -> (N,)."""
        return (self.network(x).float() / self.temperature).softmax(dim=1)[:, self.target]

    def layer(self) -> str:
        """The layer whose map is explained: the one asked for, else the last stage with more than one place.

        Raises
        ------
        ModelError
            When there is no such layer, or the network has no maps at all.
        """
        if self.asked is None:
            found = last_stage(self.network, self.x)
            if found is None:
                sentence = _("{name} has no feature maps: use saliency, integrated-gradients or occlusion.")
                raise ModelError(sentence.format(name=self.name))
            return found
        return self._known(self.asked, maps(self.network, self.x))

    def convolution(self) -> str:
        """The convolution asked for, else the first.

        Raises
        ------
        ModelError
            When there is no such convolution, or none at all.
        """
        names = convolutions(self.network)
        if not names:
            raise ModelError(_("{name} has no convolution to show: choose another method.").format(name=self.name))
        return next(iter(names)) if self.asked is None else self._known(self.asked, names)

    def _known(self, layer: str, names: Iterable[str]) -> str:
        names = list(names)
        if layer in names:
            return layer
        close = nearest(layer, names) or names[:8]
        if not close:
            raise ModelError(
                _("{name} has no feature maps, so none called {layer}.").format(name=self.name, layer=layer)
            )
        sentence = _("{name} has no layer {layer} for this; there are, for example: {close}.")
        raise ModelError(sentence.format(name=self.name, layer=layer, close=", ".join(close)))


def seen(classifier: Classifier, picture: Picture, class_: str | None = None) -> Seen:
    """A picture before ``classifier``; the most probable class unless ``class_`` names one.

    Raises
    ------
    PictureError
        When it is not a picture, or damaged.
    ConfigError
        When there is no such class.
    """
    pixels = classifier.pixels(picture)
    row = classifier.probabilities(pixels[None])[0]
    target = int(row.argmax()) if class_ is None else _position(class_, classifier.classes)
    return Seen(pixels, classifier.classes[target], target, float(row[target]))


def subject(classifier: Classifier, picture: Picture, layer: str | None = None, class_: str | None = None) -> Subject:
    """A picture before the network of ``classifier``; the most probable class unless ``class_`` names one.

    Raises
    ------
    PictureError
        When it is not a picture, or damaged.
    ConfigError
        When there is no such class.
    ModelError
        When the classifier is no network.
    """
    network = classifier.network
    found = seen(classifier, picture, class_)
    pixels = torch.from_numpy(found.pixels[None].copy()).to(classifier.device)
    return Subject(
        **vars(found),
        network=network,
        name=classifier.card.model,
        x=normalise(to_float(pixels), classifier.card.spec),
        asked=layer,
        temperature=classifier.card.temperature,
    )


def _position(class_: str, classes: tuple[str, ...]) -> int:
    if class_ not in classes:
        if close := ", ".join(nearest(class_, classes)):
            raise ConfigError(_("There is no class {name}: did you mean {close}?").format(name=class_, close=close))
        shown = ", ".join(classes[:MOST]) + (" …" if len(classes) > MOST else "")
        raise ConfigError(_("There is no class {name}; there are: {classes}.").format(name=class_, classes=shown))
    return classes.index(class_)
