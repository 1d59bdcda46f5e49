"""One picture under every way to make it square and under every augmentation, and what a trained model says of each.

Source: Shorten and Khoshgoftaar 2019, A survey on image data augmentation for deep learning; random erasing, mixup and
cutmix as cited in `discern.preprocess.augment.Augmentation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from PIL import Image
from pydantic import Field

from discern.classifier.classifier import Classifier
from discern.i18n import _
from discern.lab.options import Picture
from discern.lab.options import picture as picture_of
from discern.lab.result import Result, Table
from discern.preprocess.augment import Augmentation, augment
from discern.preprocess.spec import Preprocess

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discern.preprocess.spec import Mode

MODES: tuple[Mode, ...] = ("stretch", "crop", "pad")
CHANGES = {
    "flip": Augmentation(flip=True),
    "shift": Augmentation(shift=0.2),
    "rotation": Augmentation(rotation=25.0),
    "zoom": Augmentation(zoom=0.4),
    "jitter": Augmentation(jitter=0.5),
    "erase": Augmentation(erase=1.0),
    "mixup": Augmentation(mixup=1.0),
    "cutmix": Augmentation(cutmix=1.0),
}


def summary() -> str:
    """What this lab shows."""
    return _("One picture under every way to make it square and every augmentation, and what a model says of each.")


@dataclass(frozen=True)
class Look:
    """One way the picture can look.

    Attributes
    ----------
    name : str
        Of the mode or augmentation.
    pixels : numpy.ndarray
        uint8 (size, size, C).
    changed : float
        Mean absolute difference from the cropped picture, in grey values.
    answer : tuple of (str, float)
        What the model says, most probable first; empty without one.
    """

    name: str
    pixels: np.ndarray
    changed: float
    answer: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class AugmentLab(Result):
    """What preprocessing and augmentation make of one picture.

    Attributes
    ----------
    picture : numpy.ndarray
        uint8 (H, W[, 3]), as it came.
    modes : tuple of Look
        Stretched, cropped, padded.
    changes : tuple of Look
        Each augmentation, ``draws`` times.
    draws : int
        How often each was drawn.
    seed : int
        Of the draws.
    """

    picture: np.ndarray
    modes: tuple[Look, ...]
    changes: tuple[Look, ...]
    draws: int
    seed: int

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        return 10.0, 1.9 * (1 + len(self._rows()))

    def sentences(self) -> Sequence[str]:
        height, width = self.picture.shape[:2]
        long, short = max(height, width), min(height, width)
        told = [
            _(
                "Stretched, shapes are squeezed {ratio:.2f} times, and a Shiba may turn into a Corgi; cropped, "
                "{lost:.0%} of the picture is lost; padded, {border:.0%} of the square is border."
            ).format(ratio=long / short, lost=1 - short / long, border=1 - short / long)
        ]
        if not self.modes[0].answer:
            return [*told, _("Give --model RUN to see what a trained model says of each.")]
        answers = {look.answer[0][0] for look in self.modes}
        if len(answers) == 1:
            told.append(_("All three ways, the model says {label}.").format(label=next(iter(answers))))
        else:
            told.append(_("The model's answer depends on how the picture was made square: see the table."))
        first = self.modes[1].answer[0][0]
        same = sum(look.answer[0][0] == first for look in self.changes)
        sentence = _("Of {same} of the {n} augmented pictures the model still says {label}.")
        return [*told, sentence.format(n=len(self.changes), same=same, label=first)]

    def tables(self) -> Sequence[Table]:
        columns = (_("way"), _("mean change, grey values"), _("the model says"))
        named = labels()
        modes = [(named[look.name], look.changed, _said(look)) for look in self.modes]
        changes = [(named[look.name], look.changed, _said(look)) for look in self.changes]
        return [
            Table(_("How it is made square"), columns, modes),
            Table(_("Augmentations of the cropped picture, seed {seed}").format(seed=self.seed), columns, changes),
        ]

    def plot(self, figure: Figure) -> None:
        rows = self._rows()
        axes = figure.subplots(1 + len(rows), 4)
        for ax in axes.flat:
            ax.set_axis_off()
        axes[0, 0].imshow(self.picture, cmap="gray", vmin=0, vmax=255)
        axes[0, 0].set_title(_("the picture"), fontsize=9)
        for ax, look in zip(axes[0, 1:], self.modes, strict=True):
            _show(ax, look)
        for line, looks in zip(axes[1:], rows, strict=True):
            for ax, look in zip(line, looks, strict=False):
                _show(ax, look)

    def _rows(self) -> list[tuple[Look, ...]]:
        """The changes, four a row."""
        return [self.changes[i : i + 4] for i in range(0, len(self.changes), 4)]


def labels() -> dict[str, str]:
    """The modes and augmentations as a person reads them."""
    return {
        "stretch": _("stretch"),
        "crop": _("crop"),
        "pad": _("pad"),
        "flip": _("flip"),
        "shift": _("shift"),
        "rotation": _("rotation"),
        "zoom": _("zoom"),
        "jitter": _("colour jitter"),
        "erase": _("erase"),
        "mixup": _("mixup"),
        "cutmix": _("cutmix"),
    }


def run(
    picture: Annotated[Picture | None, Field(description=_("A picture file; a photograph unless given."))] = None,
    model: Annotated[str | None, Field(description=_("A run or bundle, to see what it says of each."))] = None,
    size: Annotated[int, Field(ge=8, le=512, description=_("Pixels a side without a model."))] = 96,
    draws: Annotated[int, Field(ge=1, le=16, description=_("How often each augmentation is drawn."))] = 2,
    seed: Annotated[int, Field(ge=0, description=_("Another seed, other draws."))] = 1,
) -> AugmentLab:
    """Make a picture square in three ways and change it in every way there is.

    Raises
    ------
    RunError
        When the model is not there, or damaged.

    Examples
    --------
    >>> found = run(size=32, draws=1)
    >>> [look.name for look in found.modes], len(found.changes)
    (['stretch', 'crop', 'pad'], 8)
    """
    photographs = [_photograph("china.jpg"), _photograph("flower.jpg")]
    shown = photographs[0] if picture is None else picture
    classifier = None if model is None else Classifier.load(model)
    spec = Preprocess(size=size) if classifier is None else classifier.card.spec
    image = Image.fromarray(shown)
    square = {mode: spec.model_copy(update={"mode": mode}).pixels(image) for mode in MODES}
    base = square["crop"]
    pairs = [("stretch", square["stretch"]), ("crop", base), ("pad", square["pad"])]
    modes = _looks(pairs, base, classifier)
    stranger = next(photograph for photograph in photographs if not np.array_equal(photograph, shown))
    other = spec.pixels(Image.fromarray(stranger))  # what mixup and cutmix mix in
    pairs = [(name, pixels) for name, how in CHANGES.items() for pixels in _drawn(base, how, other, draws, seed)]
    return AugmentLab(shown, modes, _looks(pairs, base, classifier), draws, seed)


def _looks(
    pairs: Sequence[tuple[str, np.ndarray]], base: np.ndarray, classifier: Classifier | None
) -> tuple[Look, ...]:
    answers: list[tuple[tuple[str, float], ...]] = [()] * len(pairs)
    if classifier is not None:
        table = classifier.probabilities(np.stack([pixels for _name, pixels in pairs]))
        answers = [tuple((classifier.classes[i], float(row[i])) for i in np.argsort(-row)[:3]) for row in table]
    return tuple(
        Look(name, pixels, float(np.abs(pixels.astype(np.int64) - base).mean()), answer)
        for (name, pixels), answer in zip(pairs, answers, strict=True)
    )


def _drawn(base: np.ndarray, how: Augmentation, other: np.ndarray, draws: int, seed: int) -> list[np.ndarray]:
    """The first ``draws`` of the picture that are not as it was, each uint8 (size, size, C)."""
    batch = torch.from_numpy(np.stack([base, other] * (8 * draws)))
    x, _targets = augment(batch, torch.arange(len(batch)), how, torch.Generator().manual_seed(seed))
    drawn = (x[::2] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()  # of the picture, not of the other
    return [pixels for pixels in drawn if (pixels != base).any()][:draws]


def _photograph(name: str) -> np.ndarray:
    """One of the two wide photographs that scikit-learn carries, 427 x 640; found without loading it: half a second."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None  # it is always installed
    return picture_of(Path(found.origin).with_name("datasets") / "images" / name)


def _said(look: Look) -> str:
    return "  ".join(f"{label} {probability:.3f}" for label, probability in look.answer) or "-"


def _show(ax: Axes, look: Look) -> None:
    pixels = look.pixels[..., 0] if look.pixels.shape[-1] == 1 else look.pixels
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    said = f": {look.answer[0][0]} {look.answer[0][1]:.2f}" if look.answer else ""
    ax.set_title(labels()[look.name] + said, fontsize=9)
