"""One image under every resize mode and every augmentation, and a model's prediction for each.

Source: Shorten and Khoshgoftaar 2019, A survey on image data augmentation for deep learning; random erasing, mixup and
cutmix as cited in `discern.preprocess.augment.Augmentation`.
"""

from __future__ import annotations

import math
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
    from matplotlib.figure import Figure

COLUMNS, MAX_ROWS = 4, 20
TOP_K = 3  # classes of a prediction
MODES = ("stretch", "crop", "pad")
AUGMENTATIONS = {
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
class Variant:
    """The image, resized or augmented in one way."""

    name: str  # of the resize mode or augmentation
    pixels: np.ndarray  # uint8 (size, size, C)
    difference: float  # mean absolute difference from the cropped image, in gray levels
    prediction: tuple[tuple[str, float], ...]  # classes, most probable first, and probabilities; empty without a model

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.prediction[0][0]

    def prediction_text(self) -> str | None:
        """Return the prediction as one line."""
        return "  ".join(f"{label} {probability:.3f}" for label, probability in self.prediction) or None


@dataclass(frozen=True)
class AugmentLab(Result):
    """One image, resized and augmented."""

    image: np.ndarray  # uint8 (H, W[, 3]), before preprocessing
    modes: tuple[Variant, ...]  # stretched, cropped, padded
    augmented: tuple[Variant, ...]  # each augmentation, `draws` times
    draws: int
    seed: int  # of the draws

    @property
    def figsize(self) -> tuple[float, float]:
        return 10.0, 1.9 * self._count_rows()

    def sentences(self) -> Sequence[str]:
        height, width = self.image.shape[:2]
        long, short = max(height, width), min(height, width)
        message = _(
            "Stretching distorts shapes {ratio:.2f} times, so that a Shiba may look like a Corgi; cropping removes "
            "{lost:.1%} of the image; after padding {border:.1%} of the square is border."
        )
        lines = [message.format(ratio=long / short, lost=1 - short / long, border=1 - short / long)]
        if not self.modes[0].prediction:
            return [*lines, _("Add --model RUN to see a trained model's prediction for each.")]
        labels = {variant.label for variant in self.modes}
        message = _("The prediction depends on the resize mode: see the table.")
        if len(labels) == 1:
            message = _("With all three resize modes the prediction is {label}.").format(label=labels.pop())
        lines.append(message)
        label = self.modes[1].label
        same = sum(variant.label == label for variant in self.augmented)
        message = _("For {same} of {n} augmented images the prediction stays {label}.")
        return [*lines, message.format(n=len(self.augmented), same=same, label=label)]

    def tables(self) -> Sequence[Table]:
        names = variant_names()
        predicts = bool(self.modes[0].prediction)
        columns = (_("variant"), *([_("prediction")] if predicts else []), _("mean difference in gray levels"))
        tables = []
        for title, variants in (
            (_("Resize modes"), self.modes),
            (_("Augmentations of the cropped image, seed {seed}").format(seed=self.seed), self.augmented),
        ):
            rows = [
                (names[v.name], *([v.prediction_text()] if predicts else []), f"{v.difference:.3f}") for v in variants
            ]
            tables.append(Table(title, columns, rows, text_columns=len(columns) - 1, max_rows=MAX_ROWS))
        return tables

    def plot(self, figure: Figure) -> None:
        axes, names = figure.subplots(self._count_rows(), COLUMNS).ravel(), variant_names()
        panels = [(_("original"), self.image)]  # the first row: it and the resize modes
        for variant in (*self.modes, *self.augmented):
            prediction = f": {variant.label} {variant.prediction[0][1]:.3f}" if variant.prediction else ""
            panels.append((names[variant.name] + prediction, variant.pixels))
        for ax in axes:
            ax.set_axis_off()
        for ax, (title, pixels) in zip(axes, panels, strict=False):
            ax.imshow(pixels, cmap="gray", vmin=0, vmax=255)  # (H, W), (H, W, 1) or (H, W, 3)
            ax.set_title(title, fontsize=9)

    def _count_rows(self) -> int:
        return 1 + math.ceil(len(self.augmented) / COLUMNS)


def variant_names() -> dict[str, str]:
    """Return the names of modes and augmentations in the reader's language."""
    return {
        "stretch": _("stretch"),
        "crop": _("crop"),
        "pad": _("pad"),
        "flip": _("flip"),
        "translate": _("translate"),
        "rotation": _("rotation"),
        "zoom": _("zoom"),
        "color_jitter": _("color jitter"),
        "random_erasing": _("random erasing"),
        "mixup": _("mixup"),
        "cutmix": _("cutmix"),
    }


def run(
    image: Annotated[ImageOption | None, N_("Image file; a photograph if omitted.")] = None,
    model: Annotated[str | None, N_("Run or bundle that predicts each variant.")] = None,
    size: Annotated[int, Field(ge=8, le=512), N_("Image size in pixels, without a model.")] = 96,
    draws: Annotated[int, Field(ge=1, le=16), N_("Random draws of each augmentation.")] = 2,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the draws.")] = 1,
) -> AugmentLab:
    """Resize an image in three modes and apply every augmentation to it.

    Raises `RunError` when the model is not there, or damaged.

    Examples
    --------
    >>> result = run(size=32, draws=1)
    >>> [variant.name for variant in result.modes], len(result.augmented)
    (['stretch', 'crop', 'pad'], 8)
    """
    photographs = [_photograph("china.jpg"), _photograph("flower.jpg")]
    original = photographs[0] if image is None else image
    classifier = None if model is None else Classifier.load(model)
    spec = Preprocess(size=size) if classifier is None else classifier.card.spec
    resized = {mode: spec.model_copy(update={"resize": mode}).apply(Image.fromarray(original)) for mode in MODES}
    cropped = resized["crop"]
    other = next(photograph for photograph in photographs if not np.array_equal(photograph, original))
    partner = spec.apply(Image.fromarray(other))  # mixup and cutmix need a second image
    augmented = [
        (name, pixels)
        for name, augmentation in AUGMENTATIONS.items()
        for pixels in _draw_augmented(cropped, augmentation, partner, draws, seed)
    ]
    modes = _predict_variants(list(resized.items()), cropped, classifier)
    return AugmentLab(original, modes, _predict_variants(augmented, cropped, classifier), draws, seed)


def _predict_variants(
    images: Sequence[tuple[str, np.ndarray]], cropped: np.ndarray, classifier: Classifier | None
) -> tuple[Variant, ...]:
    predictions: list[tuple[tuple[str, float], ...]] = [()] * len(images)
    if classifier is not None:
        probabilities = classifier.probabilities(np.stack([pixels for _name, pixels in images]))
        predictions = [
            tuple((classifier.classes[i], float(row[i])) for i in np.argsort(-row)[:TOP_K]) for row in probabilities
        ]
    return tuple(
        Variant(name, pixels, float(np.abs(pixels.astype(np.int64) - cropped).mean()), prediction)
        for (name, pixels), prediction in zip(images, predictions, strict=True)
    )


def _draw_augmented(
    cropped: np.ndarray, augmentation: Augmentation, partner: np.ndarray, draws: int, seed: int
) -> list[np.ndarray]:
    """Return the first ``draws`` variants that differ from the image, each uint8 (size, size, C)."""
    batch = torch.from_numpy(np.stack([cropped, partner] * (8 * draws)))
    x, _targets = augment(batch, torch.arange(len(batch)), augmentation, torch.Generator().manual_seed(seed))
    variants = (x[::2] * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()  # of the image, not of the partner
    return [pixels for pixels in variants if (pixels != cropped).any()][:draws]


def _photograph(name: str) -> np.ndarray:
    """Read a wide photograph that scikit-learn carries, 427 x 640, without the 0.5 s of importing it."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None  # it is always installed
    return load_image(Path(found.origin).with_name("datasets") / "images" / name)
