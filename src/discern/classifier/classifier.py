"""Images in, probabilities out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image

from discern.arrays import ArrayLike
from discern.classical.fitting import ClassicalModel
from discern.classifier.bundle import ModelCard, read_bundle, read_card, read_classical
from discern.classifier.inference import ClassicalEngine, Engine, NetworkEngine
from discern.classifier.keras_file import convert_keras_file, is_keras_file
from discern.classifier.prediction import Prediction, PredictionList, RegressionPrediction
from discern.data.image import decode_reduced
from discern.errors import ConfigError, ImageError, ModelError, RunError
from discern.evaluation.task import find_task
from discern.files import read_file
from discern.i18n import _
from discern.models.external import is_user_code
from discern.models.keras_config import KERAS_CONFIG, build_from_config
from discern.models.network import Model
from discern.models.registry import build_model
from discern.notices import Notice
from discern.progress import Progress, ignore_progress
from discern.result import Result

ImageLike = str | os.PathLike[str] | bytes | np.ndarray | Image.Image
Explainer = Callable[..., Result]  # explains a classifier's prediction for an image: see `discern.explain`
BATCH = 64  # images decoded at a time


class Classifier:
    """A trained network or classical model with its class names and preprocessing.

    ``source`` is the run, bundle or Keras file that it was loaded from; ``explainer`` what `explain` calls, given by
    whoever loads, for explanations stand above this room.

    Examples
    --------
    >>> classifier = Classifier.load("runs/2026-11-22_fruit_resnet18")  # doctest: +SKIP
    >>> classifier.predict("apple.jpg").label  # doctest: +SKIP
    'Apple'
    """

    def __init__(
        self,
        card: ModelCard,
        model: Model | ClassicalModel,
        device: torch.device | None = None,  # the CPU unless given
        source: str | os.PathLike[str] | None = None,
        explainer: Explainer | None = None,
    ) -> None:
        self.card, self.task = card, find_task(card.task)
        self.device = device or torch.device("cpu")
        self.source, self.explainer = None if source is None else Path(source), explainer
        self.lock = threading.RLock()  # held while the layers of the network, which threads share, are hooked
        self._engine: Engine
        if isinstance(model, Model):
            self._engine = NetworkEngine(model, card, self.device)
        else:
            self._engine = ClassicalEngine(model, card)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        device: torch.device | None = None,
        model_code: str | None = None,
        explainer: Explainer | None = None,
    ) -> Classifier:
        """Load a run directory, a bundle or a Keras model file.

        Parameters
        ----------
        path : path
            A Keras file (.keras, .h5) is converted once, in a process of its own, and cached as a bundle.
        model_code : str, optional
            ``file.py:function`` that built the network, where discern did not: a bundle carries no code, and runs none.

        Raises
        ------
        RunError
            When it is none, or damaged.
        ConfigError
            When it needs code and none is named, or the other way round.
        """
        path_or_copy = convert_keras_file(path) if is_keras_file(path) else path
        if read_card(path_or_copy).estimator:
            if model_code is not None:
                message = _("--model-code does not go with {path}, a classical model: leave it out.")
                raise ConfigError(message.format(path=path))
            return cls(*read_classical(path_or_copy, device), device, path, explainer)
        card, tensors = read_bundle(path_or_copy)
        network = _build_network(card, path, model_code)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            message = _("The weights in {path} do not fit the network {model}: copy the bundle again, or train again.")
            raise RunError(message.format(path=path, model=card.model)) from error
        return cls(card, network, device, path, explainer)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities."""
        return self.card.classes

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was assumed of a model that does not say how it takes images."""
        if self.card.model != KERAS_CONFIG or set(self.card.spec.std) != {1.0}:
            return ()
        return (Notice("classifier.keras_range", {"model": str(self.source or self.card.model)}),)

    @property
    def network(self) -> Model:
        """The network; a `ModelError` where the model is a classical one."""
        if not isinstance(self._engine, NetworkEngine):
            message = _(
                "{model} is a classical model without layers, feature maps or gradients: choose nearest, embedding or "
                "embedding-tsne, which show its features."
            )
            raise ModelError(message.format(model=self.card.model))
        return self._engine.network

    def without_tta(self) -> Classifier:
        """Return the same model without test-time augmentation."""
        card = self.card.model_copy(update={"tta": ()})
        return Classifier(card, self.network, self.device, self.source, self.explainer) if self.card.tta else self

    def count_parameters(self) -> int | None:
        """Count the parameters of the network; None for a classical model."""
        if not isinstance(self._engine, NetworkEngine):
            return None
        return sum(parameter.numel() for parameter in self._engine.network.parameters())

    def pixels(self, image: ImageLike) -> np.ndarray:
        """Decode and resize an image to what the network takes before normalisation: uint8 (H, W, C).

        An `ImageError` says where it is not an image, or damaged.
        """
        spec = self.card.spec
        if isinstance(image, bytes | np.ndarray | Image.Image):
            return spec.apply(*decode_reduced(image, spec.min_side))
        if not isinstance(image, str | os.PathLike):
            message = _("Expected an image (path, bytes, array or Pillow image), got {kind}: pass one image at a time.")
            raise ImageError(message.format(kind=type(image).__name__))
        try:
            return spec.apply(*decode_reduced(read_file(image), spec.min_side))
        except IsADirectoryError as error:
            raise ImageError(_("{path} is a folder: choose an image in it.").format(path=image)) from error
        except FileNotFoundError as error:
            raise ImageError(_("{path} cannot be opened: check the name.").format(path=image)) from error
        except OSError as error:
            message = _("{path} cannot be opened ({reason}): check its name and permissions.")
            raise ImageError(message.format(path=image, reason=error.strerror or error)) from error
        except ImageError as error:
            raise ImageError(f"{image}: {error}", error.kind) from error

    @overload
    def predict(self, image: ImageLike, top_k: int = 5) -> Prediction: ...

    @overload
    def predict(self, image: list[ImageLike] | tuple[ImageLike, ...], top_k: int = 5) -> PredictionList: ...

    def predict(self, image: ImageLike | Sequence[ImageLike], top_k: int = 5) -> Prediction | PredictionList:
        """Predict the ``top_k`` most probable classes of one image, or of each in a list.

        An image is a path, bytes, a Pillow image or an array uint8 (H, W[, 3]). An `ImageError` says where one is not
        an image, or damaged.
        """
        if isinstance(image, list | tuple):
            items = []
            for item in self.predict_many(image, top_k):
                if isinstance(item, ImageError):
                    raise item
                items.append(item)
            return PredictionList(tuple(items))
        probabilities = self.probabilities(self.pixels(image)[None])[0]  # type: ignore[arg-type]
        return self._name(image, probabilities, top_k)

    def predict_many(
        self, images: Sequence[ImageLike], top_k: int = 5, batch_size: int = BATCH
    ) -> Iterator[Prediction | ImageError]:
        """Predict each image, in order; what is not an image comes back as its error, and the others go on."""
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            decoded = [self._pixels_or_error(image) for image in batch]
            valid = [pixels for pixels in decoded if isinstance(pixels, np.ndarray)]
            rows = iter(self.probabilities(np.stack(valid)) if valid else ())
            for image, pixels in zip(batch, decoded, strict=True):
                yield pixels if isinstance(pixels, ImageError) else self._name(image, next(rows), top_k)

    def predict_rows(
        self, rows: np.ndarray, names: Sequence[str], top_k: int = 5
    ) -> Iterator[Prediction | RegressionPrediction]:
        """Predict each row of a table: float (N, F), columns in the order of the card's."""
        for name, output in zip(names, self.outputs(rows), strict=True):
            if output.ndim:
                yield self._name(name, output, top_k)
            else:
                yield RegressionPrediction(name, self.classes[0], float(output))

    def outputs(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        """Compute what the task predicts: class probabilities, or the numbers of a regression.

        uint8 (N, H, W, C), or float (N, F) of a table -> (N or len(indices), ...)
        """
        if indices is None and not len(inputs):
            indices = ()
        return self._engine.predict(inputs, indices, progress)

    def probabilities(
        self, pixels: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        """Compute calibrated class probabilities, float32; a `ModelError` where the model predicts something else.

        uint8 (N, H, W, C), or float (N, F) of a table -> (N or len(indices), classes)
        """
        if not self.task.has_classes:
            raise ModelError(_("{model} predicts a number, not classes.").format(model=self.card.model))
        if indices is None and not len(pixels):
            return np.zeros((0, len(self.classes)), dtype=np.float32)
        return self.outputs(pixels, indices, progress)

    def encode(self, pixels: ArrayLike, progress: Progress = ignore_progress) -> np.ndarray:
        """Compute the features that the model decides by: what a network's head or a classical estimator reads.

        uint8 (N, H, W, C) -> float32 (N, F)
        """
        with self.lock:
            return self._engine.encode(pixels, progress)

    def dummy_batch(self, n: int) -> np.ndarray:
        """Return random inputs of the right shape: uint8 (n, H, W, C), or float (n, F) of a table."""
        random = np.random.default_rng(0)
        if self.card.table is not None:
            return random.normal(size=(n, len(self.card.table.columns)))
        return random.integers(0, 256, (n, *self.card.spec.shape), dtype=np.uint8)

    def explain(self, image: ImageLike, **options: Any) -> Result:
        """Explain the prediction for an image: `discern.explain`, its options and errors, of a model that is loaded."""
        if self.explainer is None:
            raise ConfigError(_("This classifier has no explainer: open its run or bundle with discern.load."))
        return self.explainer(self, image, **options)

    def _pixels_or_error(self, image: ImageLike) -> np.ndarray | ImageError:
        try:
            return self.pixels(image)
        except ImageError as error:
            return error

    def _name(self, image: Any, probabilities: np.ndarray, top_k: int) -> Prediction:
        order = np.argsort(-probabilities, kind="stable")[: max(1, top_k)]
        path = str(image) if isinstance(image, str | os.PathLike) else ""
        return Prediction(path, tuple((self.classes[i], float(probabilities[i])) for i in order))


def _build_network(card: ModelCard, path: str | os.PathLike[str], model_code: str | None) -> Model:
    """Build what the card names, with random weights; code is run only where the caller named it."""
    if is_user_code(card.model) and model_code is None:
        message = _("{path} is of a network in user code, which a bundle does not carry: add --model-code {model}.")
        raise ConfigError(message.format(path=path, model=card.model))
    if model_code is not None and not (is_user_code(card.model) and is_user_code(model_code)):
        message = _(
            "--model-code {code} does not go with {path}, a {model}: leave it out, or use path/to/file.py:function."
        )
        raise ConfigError(message.format(code=model_code, path=path, model=card.model))
    shape = (len(card.classes), card.spec.channels, card.spec.size)
    if card.model == KERAS_CONFIG:
        return build_from_config(card.model_args.get("config", {}), *shape)
    return build_model(model_code or card.model, *shape, card.model_args)
