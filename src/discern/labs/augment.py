"""One image under every way to make it square and under every augmentation, and what a trained model says of each.

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
from discern.i18n import N_, _
from discern.labs.options import ImageOption, load_image
from discern.preprocess.augment import Augmentation, augment
from discern.preprocess.spec import Preprocess
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discern.preprocess.spec import Resize

MODES: tuple[Resize, ...] = ("stretch", "crop", "pad")
CHANGES = {
    "flip": Augmentation(flip=True),
    "translate": Augmentation(translate=0.2),
    "rotation": Augmentation(rotation=25.0),
    "zoom": Augmentation(zoom=0.4),
    "color_jitter": Augmentation(color_jitter=0.5),
    "random_erasing": Augmentation(random_erasing=1.0),
    "mixup": Augmentation(mixup=1.0),
    "cutmix": Augmentation(cutmix=1.0),
}


@dataclass(frozen=True)
class Look:
    """One way the image can look.

    Attributes
    ----------
    name : str
        Of the mode or augmentation.
    pixels : numpy.ndarray
        uint8 (size, size, C).
    changed : float
        Mean absolute difference from the cropped image, in grey values.
    answer : tuple of (str, float)
        What the model says, most probable first; empty without one.
    """

    name: str
    pixels: np.ndarray
    changed: float
    answer: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class AugmentLab(Result):
    """What preprocessing and augmentation make of one image.

    Attributes
    ----------
    image : numpy.ndarray
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

    image: np.ndarray
    modes: tuple[Look, ...]
    changes: tuple[Look, ...]
    draws: int
    seed: int

    @property
    def figsize(self) -> tuple[float, float]:
        return 10.0, 1.9 * (1 + len(self._rows()))

    def sentences(self) -> Sequence[str]:
        height, width = self.image.shape[:2]
        long, short = max(height, width), min(height, width)
        lines = [
            _(
                "Stretched, shapes are squeezed {ratio:.2f} times, and a Shiba may turn into a Corgi; cropped, "
                "{lost:.0%} of the image is lost; padded, {border:.0%} of the square is border."
            ).format(ratio=long / short, lost=1 - short / long, border=1 - short / long)
        ]
        if not self.modes[0].answer:
            return [*lines, _("Give --model RUN to see what a trained model says of each.")]
        answers = {scan_batch.answer[0][0] for scan_batch in self.modes}
        if len(answers) == 1:
            lines.append(_("All three ways, the model says {label}.").format(label=next(iter(answers))))
        else:
            lines.append(_("The model's answer depends on how the image was made square: see the table."))
        first = self.modes[1].answer[0][0]
        same = sum(scan_batch.answer[0][0] == first for scan_batch in self.changes)
        message = _("Of {same} of the {n} augmented images the model still says {label}.")
        return [*lines, message.format(n=len(self.changes), same=same, label=first)]

    def tables(self) -> Sequence[Table]:
        columns = (_("way"), _("mean change, grey values"), _("the model says"))
        named = labels()
        modes = [(named[scan_batch.name], scan_batch.changed, _said(scan_batch)) for scan_batch in self.modes]
        changes = [(named[scan_batch.name], scan_batch.changed, _said(scan_batch)) for scan_batch in self.changes]
        return [
            Table(_("How it is made square"), columns, modes),
            Table(_("Augmentations of the cropped image, seed {seed}").format(seed=self.seed), columns, changes),
        ]

    def plot(self, figure: Figure) -> None:
        rows = self._rows()
        axes = figure.subplots(1 + len(rows), 4)
        for ax in axes.flat:
            ax.set_axis_off()
        axes[0, 0].imshow(self.image, cmap="gray", vmin=0, vmax=255)
        axes[0, 0].set_title(_("the image"), fontsize=9)
        for ax, scan_batch in zip(axes[0, 1:], self.modes, strict=True):
            _show(ax, scan_batch)
        for line, views in zip(axes[1:], rows, strict=True):
            for ax, scan_batch in zip(line, views, strict=False):
                _show(ax, scan_batch)

    def _rows(self) -> list[tuple[Look, ...]]:
        """Draw the augmented images, four a row."""
        return [self.changes[i : i + 4] for i in range(0, len(self.changes), 4)]


def labels() -> dict[str, str]:
    """Return the names of modes and augmentations in the reader's language."""
    return {
        "stretch": _("stretch"),
        "crop": _("crop"),
        "pad": _("pad"),
        "flip": _("flip"),
        "translate": _("shift"),
        "rotation": _("rotation"),
        "zoom": _("zoom"),
        "color_jitter": _("colour jitter"),
        "random_erasing": _("erase"),
        "mixup": _("mixup"),
        "cutmix": _("cutmix"),
    }


def run(
    image: Annotated[ImageOption | None, N_("An image file; a photograph unless given.")] = None,
    model: Annotated[str | None, N_("A run or bundle, to see what it says of each.")] = None,
    size: Annotated[int, Field(ge=8, le=512), N_("Pixels a side without a model.")] = 96,
    draws: Annotated[int, Field(ge=1, le=16), N_("How often each augmentation is drawn.")] = 2,
    seed: Annotated[int, Field(ge=0), N_("Another seed, other draws.")] = 1,
) -> AugmentLab:
    """Make an image square in three ways and change it in every way there is.

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
    shown = photographs[0] if image is None else image
    classifier = None if model is None else Classifier.load(model)
    spec = Preprocess(size=size) if classifier is None else classifier.card.spec
    pil_image = Image.fromarray(shown)
    square = {mode: spec.model_copy(update={"resize": mode}).apply(pil_image) for mode in MODES}
    base = square["crop"]
    pairs = [("stretch", square["stretch"]), ("crop", base), ("pad", square["pad"])]
    modes = _draw_views(pairs, base, classifier)
    stranger = next(photograph for photograph in photographs if not np.array_equal(photograph, shown))
    other = spec.apply(Image.fromarray(stranger))  # what mixup and cutmix mix in
    pairs = [(name, pixels) for name, how in CHANGES.items() for pixels in _drawn(base, how, other, draws, seed)]
    return AugmentLab(shown, modes, _draw_views(pairs, base, classifier), draws, seed)


def _draw_views(
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
    """Return the first ``draws`` of the image that differ from it, each uint8 (size, size, C)."""
    batch = torch.from_numpy(np.stack([base, other] * (8 * draws)))
    x, _targets = augment(batch, torch.arange(len(batch)), how, torch.Generator().manual_seed(seed))
    drawn = (x[::2] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()  # of the image, not of the other
    return [pixels for pixels in drawn if (pixels != base).any()][:draws]


def _photograph(name: str) -> np.ndarray:
    """Read a wide photograph that scikit-learn carries, 427 x 640, without the 0.5 s of importing it."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None  # it is always installed
    return load_image(Path(found.origin).with_name("datasets") / "images" / name)


def _said(scan_batch: Look) -> str:
    return "  ".join(f"{label} {probability:.3f}" for label, probability in scan_batch.answer) or "-"


def _show(ax: Axes, scan_batch: Look) -> None:
    pixels = scan_batch.pixels[..., 0] if scan_batch.pixels.shape[-1] == 1 else scan_batch.pixels
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    said = f": {scan_batch.answer[0][0]} {scan_batch.answer[0][1]:.2f}" if scan_batch.answer else ""
    ax.set_title(labels()[scan_batch.name] + said, fontsize=9)
