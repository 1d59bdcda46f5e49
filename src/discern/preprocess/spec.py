"""One frozen, JSON-able spec of what happens to a picture, the same at train, evaluate, predict and export.

The spec ends in uint8 pixels; `discern.preprocess.normalise` turns them into floats on the device.
No torch here: worker processes that decode pictures import this file.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

Mode = Literal["stretch", "crop", "pad"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class Preprocess(BaseModel):
    """What happens to every picture.

    Attributes
    ----------
    size : int
        Side of the square that the network sees, in pixels.
    mode : {"crop", "pad", "stretch"}
        How a picture that is not square becomes one: cut the longer side, fill the shorter side, or distort.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos"}
        Pillow's antialiased resampling filter.
    channels : {3, 1}
        RGB or grey.
    mean, std : tuple of float
        Per channel, of pixels scaled to 0..1; from the training part, or fixed.

    Examples
    --------
    >>> spec = Preprocess(size=32)
    >>> spec.pixels(Image.new("L", (100, 50), 7)).shape
    (32, 32, 3)
    >>> Preprocess.model_validate_json(spec.model_dump_json()) == spec
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=1, le=4096)
    mode: Mode = "crop"
    interpolation: Interpolation = "bilinear"
    channels: Literal[1, 3] = 3
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _one_number_a_channel(self) -> Preprocess:
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (0, self.channels):
                raise ValueError(f"{name} needs {self.channels} numbers")
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std come together")
        if any(s <= 0 for s in self.std):
            raise ValueError("std must be above 0")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of `pixels`."""
        return (self.size, self.size, self.channels)

    @property
    def at_least(self) -> int:
        """The side below which a decoder that can scale down must not go: the filter still has work to do.

        At a quarter more than the size, photographs of 375 x 500 pixels are decoded at 1/2 for 128 pixels, 1/4 for 64
        and 1/8 for 32, and differ from those decoded whole by 1 to 1.5 of 255 levels on average; the difference
        between bilinear and bicubic resizing is 1.5 to 2.5. benchmarks/decode.py measures both.
        """
        return self.size + -(-self.size // 4)

    @property
    def key(self) -> str:
        """Names what decides the pixels (mean and std do not)."""
        text = self.model_dump_json(include={"size", "mode", "interpolation", "channels"})
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def pixels(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
        """The picture as the network will see it, before normalisation.

        Parameters
        ----------
        image : PIL.Image.Image
            Mode RGB or L, any size.
        box : tuple of float, optional
            (left, top, right, bottom) of the part that counts, in pixels and their fractions; all of it without.

        Returns
        -------
        numpy.ndarray
            uint8 (size, size, channels).
        """
        wanted = "RGB" if self.channels == 3 else "L"
        if image.mode != wanted:
            image = image.convert(wanted)
        whole = (0, 0, *image.size)
        if image.size != (self.size, self.size) or box not in (None, whole):
            image = self._resize(image, box or whole)
        return np.array(image, dtype=np.uint8).reshape(self.shape)  # a copy: torch takes no read-only memory

    def _resize(self, image: Image.Image, box: Box) -> Image.Image:
        target, resampling = (self.size, self.size), _FILTERS[self.interpolation]
        left, top, right, bottom = box
        width, height = right - left, bottom - top
        if self.mode == "crop":
            side = min(width, height)
            left, top = left + (width - side) / 2, top + (height - side) / 2
            return image.resize(target, resampling, box=(left, top, left + side, top + side))
        if self.mode == "pad":
            page = Image.new(image.mode, target, _border_colour(image))
            inner = (round(self.size * min(1, width / height)), round(self.size * min(1, height / width)))
            if min(inner):  # else it is too thin to show
                inside = image.resize(inner, resampling, box=box)
                page.paste(inside, (round((self.size - inner[0]) / 2), round((self.size - inner[1]) / 2)))
            return page
        return image.resize(target, resampling, box=box)


def _border_colour(image: Image.Image) -> int | tuple[int, ...]:
    """The mean colour of the picture's four edges, so that padding draws no line of its own."""
    a = np.asarray(image)
    edge = np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]]).reshape(2 * sum(image.size), -1)
    colour = tuple(round(float(c)) for c in edge.mean(axis=0))
    return colour if image.mode == "RGB" else colour[0]
