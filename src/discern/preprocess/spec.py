"""One frozen, JSON-able spec of what happens to an image, the same at train, evaluate, predict and export.

The spec ends in uint8 pixels; `discern.preprocess.normalize` turns them into floats on the device.
No torch here: worker processes that decode images import this file.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import model_validator

from discern.i18n import N_, _
from discern.settings import Group, setting

Resize = Literal["crop", "pad", "stretch"]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


class Preprocess(Group):
    """What happens to every image.

    Examples
    --------
    >>> spec = Preprocess(size=32)
    >>> spec.apply(Image.new("L", (100, 50), 7)).shape
    (32, 32, 3)
    >>> Preprocess.model_validate_json(spec.model_dump_json()) == spec
    True
    """

    size: int = setting(32, N_("Side of the square images that the model takes."), unit=N_("pixels"), ge=1, le=4096)
    resize: Resize = setting(
        "crop", N_("How an image becomes square: cut the longer side, fill the shorter side, or distort.")
    )
    interpolation: Literal["bilinear", "nearest", "bicubic", "lanczos"] = setting(
        "bilinear", N_("Resampling filter, antialiased.")
    )
    channels: Literal[1, 3] = setting(3, N_("Color channels: 3 for RGB, 1 for grayscale."))
    mean: tuple[float, ...] = setting((), N_("Mean of each channel, of pixels in 0..1; that of the training images."))
    std: tuple[float, ...] = setting(
        (), N_("Standard deviation of each channel, of pixels in 0..1; that of the training images.")
    )

    @model_validator(mode="after")
    def _check_channels(self) -> Preprocess:
        if {len(self.mean), len(self.std)} not in ({0}, {self.channels}) or not (
            all(map(math.isfinite, (*self.mean, *self.std))) and all(s > 0 for s in self.std)
        ):
            message = _("mean={mean} and std={std} do not fit: give {channels} finite numbers each, std above 0.")
            raise ValueError(message.format(mean=self.mean, std=self.std, channels=self.channels))
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of what `apply` returns."""
        return (self.size, self.size, self.channels)

    @property
    def min_side(self) -> int:
        """The side below which a decoder that can scale down must not go: the filter still has work to do.

        At a quarter more than the size, photographs of 375 x 500 pixels are decoded at 1/2 for 128 pixels, 1/4 for 64
        and 1/8 for 32, and differ from those decoded in full by 1 to 1.5 of 255 levels on average; the difference
        between bilinear and bicubic resizing is 1.5 to 2.5. benchmarks/decode.py measures both.
        """
        return self.size + -(-self.size // 4)

    @property
    def key(self) -> str:
        """A key of what decides the pixels (mean and std do not)."""
        text = self.model_dump_json(include={"size", "resize", "interpolation", "channels"})
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def apply(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
        """Resize an image, of mode RGB or L, to what the network reads before normalization: uint8 (H, W, C).

        Of the image ``box`` counts, (left, top, right, bottom) in pixels and their fractions; all of it without.
        """
        mode = "RGB" if self.channels == 3 else "L"
        if image.mode != mode:
            image = image.convert(mode)
        full = (0, 0, *image.size)
        if image.size != (self.size, self.size) or box not in (None, full):
            image = self._resize(image, box or full)
        return np.array(image, dtype=np.uint8).reshape(self.shape)  # a copy: torch takes no read-only memory

    def visible_box(self, width: int, height: int) -> Box:
        """Compute where the square that `apply` makes of an image lies on the image, in pixels of the image.

        Examples
        --------
        >>> Preprocess(resize="crop").visible_box(500, 375), Preprocess(resize="pad").visible_box(500, 375)
        ((62.5, 0.0, 437.5, 375.0), (0.0, -62.5, 500.0, 437.5))
        """
        if self.resize == "stretch":
            return (0.0, 0.0, float(width), float(height))
        side = min(width, height) if self.resize == "crop" else max(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return (left, top, left + side, top + side)

    def _resize(self, image: Image.Image, box: Box) -> Image.Image:
        target, resampling = (self.size, self.size), Image.Resampling[self.interpolation.upper()]
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        if self.resize == "crop":
            side = min(width, height)
            left, top = left + (width - side) / 2, top + (height - side) / 2
            return image.resize(target, resampling, box=(left, top, left + side, top + side))
        if self.resize == "pad":
            page = Image.new(image.mode, target, _border_color(image))
            inner = (round(self.size * min(1, width / height)), round(self.size * min(1, height / width)))
            if min(inner):  # else it is too thin to show
                inside = image.resize(inner, resampling, box=box)
                page.paste(inside, (round((self.size - inner[0]) / 2), round((self.size - inner[1]) / 2)))
            return page
        return image.resize(target, resampling, box=box)


def _border_color(image: Image.Image) -> int | tuple[int, ...]:
    """Return the mean color of the image's four edges, so that padding draws no line of its own."""
    pixels = np.asarray(image)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).reshape(2 * sum(image.size), -1)
    color = tuple(round(float(c)) for c in edge.mean(axis=0))
    return color if image.mode == "RGB" else color[0]
