"""The lecture's lesson live: a network that learns a few images by heart, and what augmentation does about it.

Source: the lectures' CIFAR-10 example (a ResNet-18 of a tenth of the width, without augmentation); Goodfellow, Bengio
and Courville 2016, Deep Learning, sections 5.2 (overfitting) and 7.4 (dataset augmentation).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from pydantic import Field

from discern.data.builtin import open_builtin
from discern.data.dataset import Dataset, Split
from discern.data.image import decode
from discern.data.open import find_local, open_data
from discern.errors import DataError
from discern.evaluation.intervals import wilson
from discern.i18n import N_, _
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess
from discern.result import Result, Table
from discern.runtime import Ranks
from discern.training.loop import Trainer
from discern.training.recipes import DataProfile, resolve
from discern.training.sources import ImageBatches, TrainingData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 32  # pixels a side
# Images, epochs and batch size that show the lesson: batch normalization needs a dozen steps before its averages
# suit held-out images, and 48 digits teach what 400 photographs do.
LESSON = {"cifar10": (400, 10, 50), "digits": (48, 7, 24)}
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Course:
    """One training.

    Attributes
    ----------
    train, held : tuple of float
        Accuracy after each epoch, of the images as training saw them and of images it never saw.
    interval : tuple of float
        Wilson's, at 95 %, of the last held-out accuracy.
    """

    train: tuple[float, ...]
    held_out: tuple[float, ...]
    interval: tuple[float, float]

    @property
    def gap(self) -> float:
        """How much better the last epoch is on what it learnt from."""
        return self.train[-1] - self.held_out[-1]


@dataclass(frozen=True)
class Overfit(Result):
    """The same network on the same images twice.

    Attributes
    ----------
    data, model : str
        Names.
    n_train, n_held : int
        ImageBatches to learn from and to measure on.
    seed : int
        Of slice, weights and order.
    plain, augmented : Course
        Without and with augmentation.
    """

    data: str
    model: str
    n_train: int
    n_held_out: int
    seed: int
    plain: Course
    augmented: Course

    def sentences(self) -> Sequence[str]:
        opening = _(
            "{model} on {n} images of {data}, {epochs} epochs, seed {seed}; measured on {held_out} others (95 % CI)."
        )
        course = _("{name}: training {train:.1%}, held out {value:.1%} ({low:.1%} to {high:.1%}), gap {gap:.1%}.")
        lines = [
            course.format(
                name=name,
                train=c.train[-1],
                value=c.held_out[-1],
                low=c.interval[0],
                high=c.interval[1],
                gap=c.gap,
            )
            for name, c in self._courses()
        ]
        epochs = len(self.plain.held_out)
        first = opening.format(
            model=self.model, n=self.n_train, data=self.data, epochs=epochs, seed=self.seed, held_out=self.n_held_out
        )
        advice = _("A wide gap is overfitting. More images narrow it; see --images 5000 --epochs 30 (minutes).")
        return [first, *lines, advice]

    def tables(self) -> Sequence[Table]:
        columns = (
            _("epoch"),
            _("training, plain"),
            _("held out, plain"),
            _("training, augmented"),
            _("held out, augmented"),
        )
        a, b = self.plain, self.augmented
        numbers = zip(a.train, a.held_out, b.train, b.held_out, strict=True)
        rows = [(epoch, *accuracies) for epoch, accuracies in enumerate(numbers, start=1)]
        return [Table(_("Accuracy by epoch"), columns, rows)]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for ax, (name, course) in zip(axes, self._courses(), strict=True):
            epochs = range(1, len(course.held_out) + 1)
            ax.plot(epochs, course.train, marker=".", label=_("training images"))
            ax.plot(epochs, course.held_out, marker=".", label=_("held-out images"))
            ax.fill_between(epochs, course.held_out, course.train, alpha=0.15, color="crimson", label=_("the gap"))
            ax.set(title=name, xlabel=_("epoch"), ylim=(0, 1))
        axes[0].set_ylabel(_("accuracy"))
        axes[0].legend(fontsize=8, loc="upper left")

    def _courses(self) -> list[tuple[str, Course]]:
        return [(_("without augmentation"), self.plain), (_("with augmentation"), self.augmented)]


def run(
    data: Annotated[
        str | None, N_("Data set to learn from; cifar10 where it is found, else digits, if omitted.")
    ] = None,
    model: Annotated[str, N_("A network that `discern models` lists.")] = "resnet18-narrow",
    images: Annotated[int | None, Field(ge=20), N_("Training images; 400 if omitted, of the easy digits 48.")] = None,
    held_out: Annotated[int, Field(ge=20), N_("Images to test on.")] = 200,
    epochs: Annotated[int | None, Field(ge=1), N_("Number of epochs; 10 if omitted, of the digits 7.")] = None,
    batch: Annotated[int | None, Field(ge=2), N_("Images of a step; 50 if omitted, of the digits 24.")] = None,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the images drawn, the weights and the order.")] = 0,
) -> Overfit:
    """Train the same network on the same slice without and with augmentation.

    Raises
    ------
    DataError
        When there is no such data set, or it has too few labelled images.

    Examples
    --------
    >>> found = run("digits", "lenet", images=100, epochs=2)
    >>> len(found.plain.train), found.n_held_out
    (2, 200)
    """
    dataset = _opened(data)
    few, short, small = LESSON.get(dataset.name, LESSON["cifar10"])
    images, epochs, batch = images or few, epochs or short, batch or small
    slice_ = _slice(dataset, images, held_out, seed)
    settings = {
        "model": model,
        "epochs": epochs,
        "batch_size": batch,
        "seed": seed,
        "size": SIZE,
        "early_stopping_patience": 0,
    }
    settings |= {"precision": "fp32", "memory_format": "contiguous", "channels": slice_.pixels.shape[-1]}
    settings |= {"optimizer": "adamw", "lr": 0.004, "warmup": 0}  # its first steps are whole ones, and there are few
    plain, augmented = (_course(slice_, dataset, {**settings, "augment": with_it}) for with_it in (False, True))
    return Overfit(dataset.name, model, images, held_out, seed, plain, augmented)


def _opened(data: str | None) -> Dataset:
    if data is not None:
        return open_data(data)
    return find_local("cifar10") or open_builtin("digits")


def _slice(dataset: Dataset, images: int, held_out: int, seed: int) -> TrainingData:
    """Images to learn from, of the training part, and to measure on, of the test part where there is one."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(dataset.labels >= 0))
    tested = dataset.given_split[order] == Split.TEST
    train = order[~tested][:images]
    measured = np.setdiff1d(order[tested] if tested.any() else order, train, assume_unique=True)[:held_out]
    if len(train) < images or len(measured) < held_out:
        message = _("{data} has {n} labelled images: ask for fewer with --images and --held.")
        raise DataError(message.format(data=dataset.name, n=len(order)))
    rows = np.concatenate([train, measured])
    pil_images = [decode(dataset.store.read(int(row))) for row in rows]
    grey = all(pil_image.mode == "L" for pil_image in pil_images)
    spec = Preprocess(size=SIZE, channels=1 if grey else 3)
    places = np.arange(len(rows))
    return TrainingData(
        pixels=np.stack([spec.apply(pil_image) for pil_image in pil_images]),
        labels=dataset.labels[rows].astype(np.int64),
        train=places[:images],
        validation=places[images:],
        classes=len(dataset.classes),
    )


def _course(data: TrainingData, dataset: Dataset, settings: dict[str, Any]) -> Course:
    """Train once from scratch; the checkpoints are not kept."""
    counts = {name: int((data.labels[data.train] == label).sum()) for label, name in enumerate(dataset.classes)}
    channels = data.pixels.shape[-1]
    subject = DataProfile(counts, side=SIZE, is_gray=channels == 1, device="cpu")
    # The narrow ResNet of the lecture shrinks images at once, as for ImageNet: a step takes half the time.
    lecture, _notes = resolve({"model": settings["model"], "recipe": "lecture"}, subject)
    config, _notes = resolve({**settings, "model_args": lecture.model_args}, subject)
    train_pixels = data.pixels[data.train].reshape(-1, channels) / 255
    spec = Preprocess(size=SIZE, channels=channels, mean=tuple(train_pixels.mean(0)), std=tuple(train_pixels.std(0)))
    torch.manual_seed(config.seed)
    network = build_model(config.model, data.classes, channels, SIZE, config.model_args)
    source = ImageBatches(data, config, spec, CPU, Ranks())
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(network, config, source, Path(folder), CPU, Ranks(), lambda kind, fields: None)
        trainer.train()
    history = trainer.state.history
    right = round(history[-1]["validation"]["top1"] * len(data.validation))
    return Course(
        train=tuple(record["train"]["top1"] for record in history),
        held_out=tuple(record["validation"]["top1"] for record in history),
        interval=wilson(right, len(data.validation)),
    )
