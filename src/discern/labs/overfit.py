"""Overfitting live: a network that memorizes a few images, and what data augmentation changes.

The lectures' example is a ResNet-18 of a tenth of the width on CIFAR-10 without augmentation: `--model resnet18-narrow
--images 5000 --epochs 30` comes near it in minutes. A network of one hidden layer shows the same in a second.

Source: Goodfellow, Bengio and Courville 2016, Deep Learning, sections 5.2 (overfitting) and 7.4 (dataset augmentation).
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
DEFAULTS = (200, 6, 50)  # images, epochs, batch size: test accuracy well above chance, in a second
DIGITS = (40, 12, 20)  # of this easy data set
MAX_ROWS = 12
CPU = torch.device("cpu")


@dataclass(frozen=True)
class AccuracyCurve:
    """The accuracy of one training after each epoch."""

    train: tuple[float, ...]  # on the training images, augmented as the network saw them
    held_out: tuple[float, ...]  # on images it never saw
    interval: tuple[float, float]  # 95 % Wilson interval of the last held-out accuracy

    @property
    def gap(self) -> float:
        """Training accuracy minus held-out accuracy after the last epoch."""
        return self.train[-1] - self.held_out[-1]


@dataclass(frozen=True)
class Overfit(Result):
    """The same network trained twice on the same images."""

    data: str  # its name
    model: str
    n_train: int  # images
    n_held_out: int  # images to test on
    n_classes: int
    seed: int  # of images, weights and order
    plain: AccuracyCurve  # without augmentation
    augmented: AccuracyCurve

    def sentences(self) -> Sequence[str]:
        message = _(
            "{model} on {n} images of {data}, {epochs} epochs, seed {seed}; tested on {held_out} others. Guessing "
            "one of the {classes} classes is right in {chance:.1%} of them."
        )
        numbers = {"n": self.n_train, "held_out": self.n_held_out, "classes": self.n_classes, "seed": self.seed}
        epochs, chance = len(self.plain.train), 1 / self.n_classes
        opening = message.format(model=self.model, data=self.data, epochs=epochs, chance=chance, **numbers)
        message = _(
            "{name}: training accuracy {train:.1%}, test accuracy {test:.1%} (95 % CI {low:.1%}–{high:.1%}), "
            "gap {gap:.1%}."
        )
        lines = []
        for name, curve in self._named_curves():
            train, test, (low, high) = curve.train[-1], curve.held_out[-1], curve.interval
            lines.append(message.format(name=name, train=train, test=test, low=low, high=high, gap=curve.gap))
        advice = _("A wide gap is overfitting. More images narrow it; see --images 5000 --epochs 30 (minutes).")
        return [opening, *lines, advice]

    def tables(self) -> Sequence[Table]:
        columns = (_("epoch"), _("training, plain"), _("test, plain"), _("training, augmented"), _("test, augmented"))
        a, b = self.plain, self.augmented
        rows = [
            (str(epoch), *(f"{accuracy:.3f}" for accuracy in accuracies))
            for epoch, accuracies in enumerate(zip(a.train, a.held_out, b.train, b.held_out, strict=True), start=1)
        ]
        return [Table(_("Accuracy by epoch"), columns, rows, max_rows=MAX_ROWS)]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for ax, (name, curve) in zip(axes, self._named_curves(), strict=True):
            epochs = range(1, len(curve.held_out) + 1)
            ax.plot(epochs, curve.train, marker=".", label=_("training images"))
            ax.plot(epochs, curve.held_out, marker=".", label=_("test images"))
            ax.fill_between(epochs, curve.held_out, curve.train, alpha=0.15, color="crimson", label=_("gap"))
            ax.axhline(1 / self.n_classes, color="gray", linestyle=":", label=_("chance"))
            ax.set(title=name, xlabel=_("epoch"), ylim=(0, 1.02))
            ax.xaxis.get_major_locator().set_params(integer=True)
        axes[0].set_ylabel(_("accuracy"))
        axes[0].legend(fontsize=8, loc="center right")

    def _named_curves(self) -> list[tuple[str, AccuracyCurve]]:
        return [(_("without augmentation"), self.plain), (_("with augmentation"), self.augmented)]


def run(
    data: Annotated[str | None, N_("Data set; cifar10 where it is on this machine, else digits, if omitted.")] = None,
    model: Annotated[str, N_("A network that `discern models` lists.")] = "feed-forward",
    images: Annotated[int | None, Field(ge=20), N_("Training images; 200 if omitted, of digits 40.")] = None,
    held_out: Annotated[int, Field(ge=20), N_("Images to test on.")] = 200,
    epochs: Annotated[int | None, Field(ge=1), N_("Number of epochs; 6 if omitted, of digits 12.")] = None,
    batch_size: Annotated[int | None, Field(ge=2), N_("Images in a batch; 50 if omitted, of digits 20.")] = None,
    lr: Annotated[float, Field(gt=0), N_("Learning rate.")] = 0.001,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the images drawn, the weights and the order.")] = 0,
) -> Overfit:
    """Train the same network on the same images without and with augmentation.

    Raises `DataError` when there is no such data set, or it has too few labeled images.

    Examples
    --------
    >>> result = run("digits", "lenet", images=100, epochs=2)
    >>> len(result.plain.train), result.n_held_out
    (2, 200)
    """
    dataset = open_data(data) if data is not None else find_local("cifar10") or open_builtin("digits")
    defaults = DIGITS if dataset.name == "digits" else DEFAULTS
    images, epochs, batch_size = images or defaults[0], epochs or defaults[1], batch_size or defaults[2]
    subset = _draw_images(dataset, images, held_out, seed)
    settings = {"model": model, "epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed, "size": SIZE}
    settings |= {"precision": "fp32", "memory_format": "contiguous", "channels": subset.pixels.shape[-1]}
    settings |= {"optimizer": "adamw", "warmup": 0, "early_stopping_patience": 0}  # so few steps need no warm-up
    plain, augmented = (_train(subset, dataset, {**settings, "augment": augment}) for augment in (False, True))
    return Overfit(dataset.name, model, images, held_out, len(dataset.classes), seed, plain, augmented)


def _draw_images(dataset: Dataset, images: int, held_out: int, seed: int) -> TrainingData:
    """Draw images of the training split to train on, and of the test split, where there is one, to test on."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(dataset.labels >= 0))
    is_test = dataset.given_split[order] == Split.TEST
    train = order[~is_test][:images]
    test = np.setdiff1d(order[is_test] if is_test.any() else order, train, assume_unique=True)[:held_out]
    if len(train) < images or len(test) < held_out:
        message = _("{data} has {n} labeled images: use fewer with --images and --held-out.")
        raise DataError(message.format(data=dataset.name, n=len(order)))
    indices = np.concatenate([train, test])
    decoded = [decode(dataset.store.read(int(index))) for index in indices]
    spec = Preprocess(size=SIZE, channels=1 if all(image.mode == "L" for image in decoded) else 3)
    positions = np.arange(len(indices))
    return TrainingData(
        pixels=np.stack([spec.apply(image) for image in decoded]),
        labels=dataset.labels[indices].astype(np.int64),
        train=positions[:images],
        validation=positions[images:],
        classes=len(dataset.classes),
    )


def _train(data: TrainingData, dataset: Dataset, settings: dict[str, Any]) -> AccuracyCurve:
    """Train once from scratch; the checkpoints are not kept."""
    counts = {name: int((data.labels[data.train] == label).sum()) for label, name in enumerate(dataset.classes)}
    channels = data.pixels.shape[-1]
    profile = DataProfile(counts, side=SIZE, is_gray=channels == 1, device="cpu")
    # The lecture's narrow ResNet has the ImageNet stem, which shrinks images at once: a step takes half the time.
    lecture, _notes = resolve({"model": settings["model"], "recipe": "lecture"}, profile)
    config, _notes = resolve({**settings, "model_args": lecture.model_args}, profile)
    train_pixels = data.pixels[data.train].reshape(-1, channels) / 255
    spec = Preprocess(size=SIZE, channels=channels, mean=tuple(train_pixels.mean(0)), std=tuple(train_pixels.std(0)))
    torch.manual_seed(config.seed)
    network = build_model(config.model, data.classes, channels, SIZE, config.model_args)
    source = ImageBatches(data, config, spec, CPU, Ranks())
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(network, config, source, Path(folder), CPU, Ranks(), lambda kind, fields: None)
        trainer.train()
    history = trainer.state.history
    correct = round(history[-1]["validation"]["top1"] * len(data.validation))
    return AccuracyCurve(
        train=tuple(record["train"]["top1"] for record in history),
        held_out=tuple(record["validation"]["top1"] for record in history),
        interval=wilson(correct, len(data.validation)),
    )
