"""What is explained: one image, as one classifier reads it, and one class."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from discern.classifier.classifier import Classifier, ImageLike
from discern.data.image import decode_reduced
from discern.errors import ConfigError, ModelError, nearest, suggest
from discern.explanations.capture import find_last_stage, list_convolutions, list_map_layers
from discern.files import read_file
from discern.i18n import _
from discern.models.network import Model
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Box

ORIGINAL_SIDE = 640  # pixels: more than a figure shows of the original


@dataclass(frozen=True, eq=False)
class ExplainedImage:
    """An image, and the class that is explained."""

    pixels: np.ndarray  # what the classifier reads: uint8 (H, W, C)
    original: np.ndarray  # before preprocessing, at most `ORIGINAL_SIDE` pixels a side: uint8 (H, W, 1 or 3)
    box: Box  # of the pixels on the original, in its pixels; outside it where it was padded
    label: str  # the class that is explained
    target: int  # its index among the logits
    probability: float

    @property
    def is_reshaped(self) -> bool:
        """Whether the classifier reads the image cropped, padded or stretched."""
        return self.original.shape[0] != self.original.shape[1]

    def describe(self) -> str:
        """Return which class is explained."""
        message = _("Explained class: {label} (probability {probability:.3f}).")
        return message.format(label=self.label, probability=self.probability)

    def to_json(self) -> dict[str, Any]:
        """Return the class and its probability."""
        return {"label": self.label, "probability": self.probability}


@dataclass(frozen=True, eq=False)
class ExplainInput:
    """An image before a network."""

    image: ExplainedImage
    network: Model  # in evaluation mode
    name: str  # the network's, for messages
    x: Tensor  # the image, normalized: (1, C, H, W)
    requested_layer: str | None = None  # the one a person named
    temperature: float = 1.0  # the classifier's: its logits are divided by it

    @property
    def target(self) -> int:
        """The index of the class among the logits."""
        return self.image.target

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of ``x``, in pixels."""
        return self.x.shape[2], self.x.shape[3]

    def class_probability(self, x: Tensor) -> Tensor:
        """Compute the probability of the class in each of the images ``x``: (N, C, H, W) -> (N,)."""
        return (self.network(x).float() / self.temperature).softmax(dim=1)[:, self.target]

    def layer(self) -> str:
        """Return the layer whose map is explained: the requested one, else the last stage with more than one place.

        A `ModelError` says that there is no such layer, or that the network has no maps at all.
        """
        if self.requested_layer is not None:
            return self._check_layer(self.requested_layer, list_map_layers(self.network, self.x))
        stage = find_last_stage(self.network, self.x)
        if stage is None:
            message = _("{name} has no feature maps: use saliency, integrated-gradients or occlusion.")
            raise ModelError(message.format(name=self.name))
        return stage

    def convolution(self) -> str:
        """Return the requested convolution, else the first; a `ModelError` where there is none."""
        names = list_convolutions(self.network)
        if not names:
            raise ModelError(_("{name} has no convolution to show: choose another method.").format(name=self.name))
        return next(iter(names)) if self.requested_layer is None else self._check_layer(self.requested_layer, names)

    def _check_layer(self, layer: str, names: Iterable[str]) -> str:
        names = list(names)
        if layer in names:
            return layer
        close = nearest(layer, names) or names[:8]
        if not close:
            message = _("{name} has no feature maps, so none called {layer}.")
            raise ModelError(message.format(name=self.name, layer=layer))
        message = _('{name} has no layer "{layer}" that fits this method; it has, for example: {close}.')
        raise ModelError(message.format(name=self.name, layer=layer, close=", ".join(close)))


def predict_class(classifier: Classifier, image: ImageLike, class_: str | None = None) -> ExplainedImage:
    """Predict one image; the most probable class is explained unless ``class_`` names one.

    An `ImageError` says that it is not an image, or damaged; a `ConfigError` that there is no such class.
    """
    pixels, classes = classifier.pixels(image), classifier.classes
    probabilities = classifier.probabilities(pixels[None])[0]
    if class_ is not None and class_ not in classes:
        raise ConfigError(_('Unknown class "{name}"{hint}.').format(name=class_, hint=suggest(class_, classes)))
    target = int(probabilities.argmax()) if class_ is None else classes.index(class_)
    original = load_original(image)
    box = classifier.card.spec.visible_box(original.shape[1], original.shape[0])
    return ExplainedImage(pixels, original, box, classes[target], target, float(probabilities[target]))


def prepare_input(
    classifier: Classifier, image: ImageLike, layer: str | None = None, class_: str | None = None
) -> ExplainInput:
    """Put an image before the network of ``classifier``, as `predict_class` does; a `ModelError` where it has none."""
    network, card = classifier.network, classifier.card
    explained = predict_class(classifier, image, class_)
    pixels = torch.from_numpy(explained.pixels[None].copy()).to(classifier.device)
    x = normalize(to_float(pixels), card.spec)
    return ExplainInput(explained, network, card.model, x, layer, card.temperature)


def load_original(image: ImageLike) -> np.ndarray:
    """Decode an image without preprocessing, at most `ORIGINAL_SIDE` pixels a side: uint8 (H, W, 1 or 3)."""
    data = read_file(image) if isinstance(image, str | os.PathLike) else image
    decoded, box = decode_reduced(data, ORIGINAL_SIDE)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, ORIGINAL_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.atleast_3d(np.asarray(decoded.resize(size, Image.Resampling.BILINEAR, box=box)))
