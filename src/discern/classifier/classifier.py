"""Pictures in, probabilities out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image

from discern.arrays import Rows
from discern.classical.fitting import Classical
from discern.classifier.bundle import Card, read_bundle, read_card, read_classical
from discern.classifier.keras_file import converted, is_keras_file
from discern.classifier.predictor import NetworkPredictor, Predictor
from discern.data.picture import decode_reduced
from discern.errors import ConfigError, ModelError, PictureError, RunError
from discern.evaluation.calibration import tempered
from discern.i18n import _
from discern.models.external import is_code
from discern.models.keras_config import NAME, from_config
from discern.models.network import Model
from discern.models.table import build
from discern.progress import Progress, silent

Picture = str | os.PathLike[str] | bytes | np.ndarray | Image.Image


@dataclass(frozen=True)
class Prediction:
    """The classes of one picture, most probable first.

    Attributes
    ----------
    path : str
        Where the picture came from, empty if from memory.
    top : tuple of (str, float)
        Class names and their probabilities.
    """

    path: str
    top: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.top[0][0]

    @property
    def probability(self) -> float:
        """The probability of `label`."""
        return self.top[0][1]

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        top = [{"label": label, "probability": probability} for label, probability in self.top]
        return {"path": self.path, "label": self.label, "probability": self.probability, "top": top}


@dataclass(frozen=True)
class Estimate:
    """What a regression says of one row.

    Attributes
    ----------
    path : str
        Where the row came from.
    target : str
        The name of the number.
    value : float
        The number.
    """

    path: str
    target: str
    value: float

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return asdict(self)


class Classifier:
    """A trained network or classical model with its class names and preprocessing.

    Examples
    --------
    >>> classifier = Classifier.load("runs/2026-11-22_fruit_resnet18")  # doctest: +SKIP
    >>> classifier.predict("apple.jpg").label  # doctest: +SKIP
    'Apple'
    """

    def __init__(self, card: Card, model: Model | Predictor, device: torch.device | None = None) -> None:
        self.card = card
        self.device = device or torch.device("cpu")
        self._predictor: Predictor
        if isinstance(model, Model):
            self._predictor = NetworkPredictor(model, card.spec, self.device, card.views)
        else:
            self._predictor = model

    @property
    def network(self) -> Model:
        """The network.

        Raises
        ------
        ModelError
            When the model is a classical one.
        """
        if not isinstance(self._predictor, NetworkPredictor):
            sentence = _(
                "{model} is a classical model: it has no layers, feature maps or gradients to look at; nearest, "
                "embedding and embedding-tsne show what it goes by."
            )
            raise ModelError(sentence.format(model=self.card.model))
        return self._predictor.network

    def one_view(self) -> Self:
        """The same network, looking at pictures as they are only."""
        return type(self)(self.card.model_copy(update={"views": ()}), self.network, self.device)

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: torch.device | None = None, code: str | None = None) -> Self:
        """Open a run directory, a bundle or a Keras model file.

        Parameters
        ----------
        path : path
            A Keras file (.keras, .h5) is read once, in a process of its own, and kept as a bundle.
        device : torch.device, optional
            The CPU unless given.
        code : str, optional
            ``file.py:function`` that made the network, where discern did not: a bundle carries no code, and runs none.

        Raises
        ------
        RunError
            When it is none, or damaged.
        ConfigError
            When it needs code and none is named, or the other way round.
        """
        path_or_copy = converted(path) if is_keras_file(path) else path
        if read_card(path_or_copy).estimator:
            if code is not None:
                sentence = _("--code does not go with {path}, a classical model: leave it out.")
                raise ConfigError(sentence.format(path=path))
            return cls(*read_classical(path_or_copy, device), device)
        card, tensors = read_bundle(path_or_copy)
        network = _network(card, path, code)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            sentence = _("The weights in {path} do not fit the network {model}: copy the bundle again, or train again.")
            raise RunError(sentence.format(path=path, model=card.model)) from error
        return cls(card, network, device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities."""
        return self.card.classes

    def pixels(self, picture: Picture) -> np.ndarray:
        """What the network sees of a picture, before normalisation: uint8 (H, W, C).

        Raises
        ------
        PictureError
            When it is not a picture, or damaged.
        """
        spec = self.card.spec
        if not isinstance(picture, str | os.PathLike):
            return spec.pixels(*decode_reduced(picture, spec.at_least))
        try:
            return spec.pixels(*decode_reduced(Path(picture).read_bytes(), spec.at_least))
        except IsADirectoryError as error:
            raise PictureError(_("{path} is a folder: name a picture in it.").format(path=picture)) from error
        except OSError as error:
            raise PictureError(_("{path} cannot be opened: check the name.").format(path=picture)) from error
        except PictureError as error:
            raise PictureError(f"{picture}: {error}", error.kind) from error

    def predict(self, picture: Picture, top: int = 5) -> Prediction:
        """The classes of one picture: a path, encoded bytes, an array uint8 (H, W[, 3]) or a Pillow image.

        Raises
        ------
        PictureError
            When it is not a picture, or damaged.
        """
        row = self.probabilities(self.pixels(picture)[None])[0]
        path = str(picture) if isinstance(picture, str | os.PathLike) else ""
        return self._prediction(path, row, top)

    def predict_many(
        self, pictures: Sequence[str | os.PathLike[str]], top: int = 5, batch: int = 64
    ) -> Iterator[Prediction | PictureError]:
        """The classes of each picture, in order; what is not a picture comes back as its error, the rest goes on."""
        for start in range(0, len(pictures), batch):
            paths = pictures[start : start + batch]
            seen = [self._pixels_or_error(path) for path in paths]
            whole = [pixels for pixels in seen if isinstance(pixels, np.ndarray)]
            rows = iter(self.probabilities(np.stack(whole)) if whole else ())
            for path, pixels in zip(paths, seen, strict=True):
                yield pixels if isinstance(pixels, PictureError) else self._prediction(str(path), next(rows), top)

    def predict_rows(self, rows: np.ndarray, names: Sequence[str], top: int = 5) -> Iterator[Prediction | Estimate]:
        """The class, or the number, of each row of a table: float (N, F), columns in the order of the card's."""
        if self.card.table is not None and self.card.is_regression:
            for name, value in zip(names, self.values(rows).tolist(), strict=True):
                yield Estimate(name, self.card.table.target, value)
            return
        for name, row in zip(names, self.probabilities(rows), strict=True):
            yield self._prediction(name, row, top)

    def values(self, seen: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """What a regression says: float (N, F) of a table -> float64 (N or len(rows),).

        Raises
        ------
        ModelError
            When the model tells classes.
        """
        if not isinstance(self._predictor, Classical) or not self.card.is_regression:
            raise ModelError(_("{model} tells classes, not numbers.").format(model=self.card.model))
        return self._predictor.values(seen, rows, progress)

    def probabilities(self, pixels: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """What the card's temperature makes of the model's answer, in float32.

        uint8 (N, H, W, C), or float (N, F) of a table -> (N or len(rows), classes)
        """
        if rows is None and not len(pixels):
            return np.zeros((0, len(self.classes)), dtype=np.float32)
        logits = torch.from_numpy(self._predictor.logits(pixels, rows, progress))
        return tempered(logits.softmax(dim=1).numpy(), self.card.temperature)

    def encode(self, pixels: Rows, progress: Progress = silent) -> np.ndarray:
        """What the model decides by: what a network's head reads, or what a classical estimator sees.

        uint8 (N, H, W, C) -> float32 (N, F)
        """
        return self._predictor.encode(pixels, progress)

    def _pixels_or_error(self, path: str | os.PathLike[str]) -> np.ndarray | PictureError:
        try:
            return self.pixels(path)
        except PictureError as error:
            return error

    def _prediction(self, path: str, row: np.ndarray, top: int) -> Prediction:
        order = np.argsort(-row, kind="stable")[: max(1, top)]
        return Prediction(path, tuple((self.classes[i], float(row[i])) for i in order))


def _network(card: Card, path: str | os.PathLike[str], code: str | None) -> Model:
    """What the card names, with random weights; code is run only where the caller named it."""
    if is_code(card.model) and code is None:
        sentence = _("{path} is of a network in code of its own, which a bundle does not carry: add --code {model}.")
        raise ConfigError(sentence.format(path=path, model=card.model))
    if code is not None and not (is_code(card.model) and is_code(code)):
        sentence = _(
            "--code {code} does not go with {path}, a {model}: leave it out, or give path/to/file.py:function."
        )
        raise ConfigError(sentence.format(code=code, path=path, model=card.model))
    shape = (len(card.classes), card.spec.channels, card.spec.size)
    if card.model == NAME:
        return from_config(card.network.get("config", {}), *shape)
    return build(code or card.model, *shape, card.network)
