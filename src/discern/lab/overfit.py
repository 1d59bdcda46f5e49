"""The lecture's lesson live: a network that learns a few pictures by heart, and what augmentation does about it.

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

from discern.data.dataset import Dataset, Part
from discern.data.named import at_hand, open_named
from discern.data.open import open_data
from discern.data.picture import decode
from discern.errors import DataError
from discern.evaluation.intervals import wilson
from discern.i18n import _
from discern.lab.result import Result, Table
from discern.models.table import build
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks
from discern.training.loop import Trainer
from discern.training.recipes import Subject, complete
from discern.training.sources import Data, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 32  # pixels a side
CPU = torch.device("cpu")


def summary() -> str:
    """What this lab shows."""
    return _("Overfitting live: training and held-out accuracy with and without augmentation, and the gap.")


@dataclass(frozen=True)
class Course:
    """One training.

    Attributes
    ----------
    train, held : tuple of float
        Accuracy after each epoch, of the pictures as training saw them and of pictures it never saw.
    interval : tuple of float
        Wilson's, at 95 %, of the last held-out accuracy.
    """

    train: tuple[float, ...]
    held: tuple[float, ...]
    interval: tuple[float, float]

    @property
    def gap(self) -> float:
        """How much better the last epoch is on what it learnt from."""
        return self.train[-1] - self.held[-1]


@dataclass(frozen=True)
class Overfit(Result):
    """The same network on the same pictures twice.

    Attributes
    ----------
    data, model : str
        Names.
    n_train, n_held : int
        Pictures to learn from and to measure on.
    seed : int
        Of slice, weights and order.
    plain, augmented : Course
        Without and with augmentation.
    """

    data: str
    model: str
    n_train: int
    n_held: int
    seed: int
    plain: Course
    augmented: Course

    def sentences(self) -> Sequence[str]:
        told = _(
            "{model} on {n} pictures of {data}, {epochs} epochs, seed {seed}; measured on {held} others (Wilson, 95 %)."
        )
        course = _("{name}: training {train:.1%}, held out {value:.1%} ({low:.1%} to {high:.1%}), gap {gap:.1%}.")
        lines = [
            course.format(
                name=name,
                train=c.train[-1],
                value=c.held[-1],
                low=c.interval[0],
                high=c.interval[1],
                gap=c.gap,
            )
            for name, c in self._courses()
        ]
        epochs = len(self.plain.held)
        first = told.format(
            model=self.model, n=self.n_train, data=self.data, epochs=epochs, seed=self.seed, held=self.n_held
        )
        advice = _("A wide gap is overfitting. More pictures narrow it; see --pictures 5000 --epochs 30 (minutes).")
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
        numbers = zip(a.train, a.held, b.train, b.held, strict=True)
        rows = [(epoch, *accuracies) for epoch, accuracies in enumerate(numbers, start=1)]
        return [Table(_("Accuracy by epoch"), columns, rows)]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        for ax, (name, course) in zip(axes, self._courses(), strict=True):
            epochs = range(1, len(course.held) + 1)
            ax.plot(epochs, course.train, marker=".", label=_("training pictures"))
            ax.plot(epochs, course.held, marker=".", label=_("held-out pictures"))
            ax.fill_between(epochs, course.held, course.train, alpha=0.15, color="crimson", label=_("the gap"))
            ax.set(title=name, xlabel=_("epoch"), ylim=(0, 1))
        axes[0].set_ylabel(_("accuracy"))
        axes[0].legend(fontsize=8, loc="upper left")

    def _courses(self) -> list[tuple[str, Course]]:
        return [(_("without augmentation"), self.plain), (_("with augmentation"), self.augmented)]


def run(
    data: Annotated[
        str | None, Field(description=_("What to learn from: cifar10 where it is at hand, else digits, unless given."))
    ] = None,
    model: Annotated[str, Field(description=_("A network that `discern models` lists."))] = "resnet18-narrow",
    pictures: Annotated[int, Field(ge=20, description=_("How many to learn from."))] = 48,
    held: Annotated[int, Field(ge=20, description=_("How many to measure on."))] = 100,
    # 14 steps: batch normalisation needs a dozen before its running averages suit held-out pictures.
    epochs: Annotated[int, Field(ge=1, description=_("Passes over the pictures."))] = 7,
    batch: Annotated[int, Field(ge=2, description=_("Pictures a step."))] = 24,
    seed: Annotated[int, Field(ge=0, description=_("Of slice, weights and order."))] = 0,
) -> Overfit:
    """Train the same network on the same slice without and with augmentation.

    Raises
    ------
    DataError
        When there is no such data set, or it has too few labelled pictures.

    Examples
    --------
    >>> found = run("digits", "lenet", pictures=100, epochs=2)
    >>> len(found.plain.train), found.n_held
    (2, 100)
    """
    dataset = _opened(data)
    slice_ = _slice(dataset, pictures, held, seed)
    asked = {"model": model, "epochs": epochs, "batch": batch, "seed": seed, "size": SIZE, "patience": 0}
    asked |= {"precision": "fp32", "layout": "contiguous", "channels": slice_.pixels.shape[-1]}
    asked |= {"optimizer": "adamw", "lr": 0.004, "warmup": 0}  # its first steps are whole ones, and there are few
    plain, augmented = (_course(slice_, dataset, {**asked, "augment": with_it}) for with_it in (False, True))
    return Overfit(dataset.name, model, pictures, held, seed, plain, augmented)


def _opened(data: str | None) -> Dataset:
    if data is not None:
        return open_data(data)
    return at_hand("cifar10") or open_named("digits")


def _slice(dataset: Dataset, pictures: int, held: int, seed: int) -> Data:
    """Pictures to learn from, of the training part, and to measure on, of the test part where there is one."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(dataset.labels >= 0))
    tested = dataset.given[order] == Part.TEST
    train = order[~tested][:pictures]
    measured = np.setdiff1d(order[tested] if tested.any() else order, train, assume_unique=True)[:held]
    if len(train) < pictures or len(measured) < held:
        sentence = _("{data} has {n} labelled pictures: ask for fewer with --pictures and --held.")
        raise DataError(sentence.format(data=dataset.name, n=len(order)))
    rows = np.concatenate([train, measured])
    images = [decode(dataset.store.read(int(row))) for row in rows]
    grey = all(image.mode == "L" for image in images)
    spec = Preprocess(size=SIZE, channels=1 if grey else 3)
    places = np.arange(len(rows))
    return Data(
        pixels=np.stack([spec.pixels(image) for image in images]),
        labels=dataset.labels[rows].astype(np.int64),
        train=places[:pictures],
        validation=places[pictures:],
        classes=len(dataset.classes),
    )


def _course(data: Data, dataset: Dataset, asked: dict[str, Any]) -> Course:
    """One training from scratch; its checkpoints are thrown away."""
    counts = {name: int((data.labels[data.train] == label).sum()) for label, name in enumerate(dataset.classes)}
    channels = data.pixels.shape[-1]
    subject = Subject(counts, side=SIZE, grey=channels == 1, device="cpu")
    # The narrow ResNet of the lecture shrinks pictures at once, as for ImageNet: a step takes half the time.
    lecture, _notes = complete({"model": asked["model"], "recipe": "lecture"}, subject)
    config, _notes = complete({**asked, "network": lecture.network}, subject)
    seen = data.pixels[data.train].reshape(-1, channels) / 255
    spec = Preprocess(size=SIZE, channels=channels, mean=tuple(seen.mean(0)), std=tuple(seen.std(0)))
    torch.manual_seed(config.seed)
    network = build(config.model, data.classes, channels, SIZE, config.network)
    source = Pictures(data, config, spec, CPU, Ranks())
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(network, config, source, Path(folder), CPU, Ranks(), lambda kind, fields: None)
        trainer.train()
    history = trainer.progress.history
    right = round(history[-1]["validation"]["top1"] * len(data.validation))
    return Course(
        train=tuple(record["train"]["top1"] for record in history),
        held=tuple(record["validation"]["top1"] for record in history),
        interval=wilson(right, len(data.validation)),
    )
