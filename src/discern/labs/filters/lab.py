"""The classical filters side by side, on any image, with noise to remove.

Source: Gonzalez and Woods, Digital image processing, chapters 3 and 10; Sobel and Feldman 1968, An isotropic 3x3 image
gradient operator; Tomasi and Manduchi 1998, Bilateral filtering for gray and color images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.filters.figure import Panel, Range, draw_panels, grid_shape
from discern.labs.filters.scipy_filters import (
    KERNELS,
    add_noise,
    build_average_kernel,
    build_gaussian_kernel,
    compute_psnr,
    correlate,
    draw_scene,
    filter_bilateral,
    filter_median,
    preserves_brightness,
    shrink,
    to_gray,
)
from discern.labs.options import ImageOption, Matrix, format_value
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_AMOUNTS = {"none": 0.0, "gaussian": 20.0, "salt-pepper": 0.05}
SMOOTHING = ("average", "gaussian", "lecture-gaussian", "median", "bilateral")
MAX_WEIGHTS = 25  # of a kernel that the table writes out

# Name -> label and effect.
FILTERS = {
    "average": (N_("average"), N_("blurs: equal weights")),
    "gaussian": (N_("Gaussian"), N_("blurs: larger weights for closer neighbors")),
    "lecture-gaussian": (N_("the lecture's Gaussian"), N_("blurs: the lecture's weights")),
    "median": (N_("median"), N_("takes the middle value: removes outliers")),
    "bilateral": (N_("bilateral"), N_("averages similar neighbors: preserves edges")),
    "sharpen": (N_("sharpening"), N_("adds the difference to the neighbors")),
    "sobel-horizontal": (N_("Sobel, horizontal edges"), N_("above minus below")),
    "sobel-vertical": (N_("Sobel, vertical edges"), N_("left minus right")),
    "sobel-magnitude": (N_("Sobel, gradient magnitude"), N_("strength of edges of any direction")),
    "laplacian": (N_("Laplacian"), N_("a pixel minus its neighbors")),
    "own": (N_("own kernel"), N_("your weights")),
}


@dataclass(frozen=True)
class Filtered:
    """An image under one filter."""

    name: str
    kernel: np.ndarray | None  # its weights; None for filters that are no weighted sum
    image: np.ndarray  # (H, W) or (H, W, 3); gray levels, which may be below 0 or above 255
    range: Range  # of the values, for drawing
    psnr: float | None  # decibels, compared with the clean image; None without noise, and for edges


@dataclass(frozen=True)
class Filters(Result):
    """An image, with or without noise, under filters."""

    image: np.ndarray  # (H, W) or (H, W, 3) in gray levels from 0 to 255, before the noise
    noisy: np.ndarray  # the same after it
    noise: str  # none, gaussian or salt-pepper
    amount: float  # standard deviation in gray levels, or fraction of the pixels
    seed: int
    psnr: float | None  # of the noisy image, in decibels; None without noise
    filtered: tuple[Filtered, ...]

    @property
    def figsize(self) -> tuple[float, float]:
        rows, columns = grid_shape(len(self._panels()))
        height, width = self.image.shape[:2]
        return 10.0, rows * (10 / columns * min(height / width, 2) + 0.5)  # half an inch for the titles

    def sentences(self) -> Sequence[str]:
        lines = []
        denoised = [(one.psnr, one.name) for one in self.filtered if one.psnr is not None]
        if self.psnr is None:
            lines.append(_("Add noise (gaussian or salt-pepper) to compare how well the filters remove it."))
        elif denoised:
            after, name = max(denoised)
            message = _("Best at removing the noise: {name}, PSNR {before:.1f} dB before, {after:.1f} dB after.")
            if after <= self.psnr:
                message = _("No filter removes the noise: PSNR {before:.1f} dB before, at best {after:.1f} dB after.")
            lines.append(message.format(name=get_label(name), before=self.psnr, after=after))
        if {one.name for one in self.filtered} & set(SMOOTHING):
            lines.append(
                _("Averages also blur edges; the median removes outliers and thin lines; the bilateral keeps edges.")
            )
        if any(one.range != "image" for one in self.filtered):
            lines.append(_("Weights that sum to 0 respond to changes only: uniform areas become 0, edges stand out."))
        return lines

    def tables(self) -> Sequence[Table]:
        rows: list[list[Cell]] = [
            [get_label(one.name), _format_kernel(one.kernel), _(FILTERS[one.name][1]), _format_psnr(one.psnr)]
            for one in self.filtered
        ]
        columns = (_("filter"), _("weights"), _("effect"), _("PSNR, dB"))
        if self.psnr is None:
            return [Table(_("Filters"), columns[:-1], [row[:-1] for row in rows], text_columns=3)]
        unfiltered: list[Cell] = [_("none"), None, _("keeps the noise"), _format_psnr(self.psnr)]
        return [Table(_("Filters"), columns, [unfiltered, *rows], text_columns=3)]

    def plot(self, figure: Figure) -> None:
        draw_panels(figure, self._panels())

    def _panels(self) -> list[Panel]:
        panels = [Panel(_("image"), self.image, "image")]
        if self.psnr is not None:
            panels.append(Panel(_("with noise") + f"\n{_format_psnr(self.psnr)} dB", self.noisy, "image"))
        for one in self.filtered:
            psnr = "" if one.psnr is None else f"\n{_format_psnr(one.psnr)} dB"
            panels.append(Panel(get_label(one.name) + psnr, one.image, one.range))
        return panels


def get_label(name: str) -> str:
    """Return the name of a filter as a person reads it."""
    return _(FILTERS[name][0])


def run(
    image: Annotated[ImageOption | None, N_("An image file; by default a drawn scene.")] = None,
    show: Annotated[
        Literal["all", *FILTERS],  # type: ignore[valid-type]
        N_("All filters, or one of them."),
    ] = "all",
    kernel: Annotated[Matrix | None, N_("Weights of your own filter, with / between rows.")] = None,
    size: Annotated[
        int, Field(ge=1, le=31), N_("Window size of average, Gaussian, median and bilateral filters, odd.")
    ] = 3,
    sigma: Annotated[
        float, Field(gt=0), N_("Standard deviation of the Gaussian and bilateral filters, in pixels.")
    ] = 0.7071,
    sigma_color: Annotated[
        float, Field(gt=0), N_("Standard deviation of the bilateral filter, in gray levels.")
    ] = 50.0,
    noise: Annotated[Literal["none", "gaussian", "salt-pepper"], N_("Noise to add before filtering.")] = "none",
    amount: Annotated[
        float | None, Field(ge=0), N_("gaussian: gray levels (20); salt-pepper: fraction of the pixels (0.05).")
    ] = None,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the noise.")] = 0,
    max_side: Annotated[int, Field(ge=8, le=1024), N_("Longer side in pixels, to which larger images shrink.")] = 256,
) -> Filters:
    """Apply filters to an image.

    Raises
    ------
    ConfigError
        When the window is even, the own kernel is missing or has channels, or the noise does not come in that amount.

    Examples
    --------
    >>> filters = run(noise="salt-pepper", show="median")
    >>> filters.filtered[0].psnr > filters.psnr
    True
    """
    amount = DEFAULT_AMOUNTS[noise] if amount is None else amount
    _validate(size, show, kernel, noise, amount)
    clean = shrink(draw_scene() if image is None else image, max_side)
    noisy = clean if noise == "none" else add_noise(clean, noise, amount, seed)
    kernels = {"average": build_average_kernel(size), "gaussian": build_gaussian_kernel(size, sigma), **KERNELS}
    if kernel is not None:
        kernels["own"] = kernel
    filtered = []
    for name in FILTERS:
        if show not in ("all", name) or (name == "own" and kernel is None):
            continue
        output, value_range = _apply(name, noisy, kernels.get(name), size, sigma, sigma_color)
        psnr = compute_psnr(output, clean) if noise != "none" and value_range == "image" else None
        filtered.append(Filtered(name, kernels.get(name), output, value_range, psnr))
    before = None if noise == "none" else compute_psnr(noisy, clean)
    return Filters(clean, noisy, noise, amount, seed, before, tuple(filtered))


def _validate(size: int, show: str, kernel: np.ndarray | None, noise: str, amount: float) -> None:
    if size % 2 == 0:
        raise ConfigError(
            _("size={size} is not allowed: a window has a center pixel, so use an odd size.").format(size=size)
        )
    if kernel is not None and kernel.ndim != 2:
        raise ConfigError(_("Your own kernel has one channel: write it with / between rows, without |."))
    if show == "own" and kernel is None:
        raise ConfigError(_("There is no own kernel to show: specify kernel, with / between rows."))
    if noise == "salt-pepper" and amount > 1:
        message = _("amount={amount} is not allowed: it is a fraction of the pixels, 0 to 1.")
        raise ConfigError(message.format(amount=amount))
    if noise == "none" and amount:
        raise ConfigError(_("An amount needs a kind of noise: add noise gaussian or salt-pepper."))


def _apply(
    name: str, image: np.ndarray, kernel: np.ndarray | None, size: int, sigma: float, sigma_color: float
) -> tuple[np.ndarray, Range]:
    """Return the filtered image and the range of its values."""
    if kernel is not None and preserves_brightness(kernel):
        return correlate(image, kernel), "image"
    gray = to_gray(image)
    if kernel is not None:
        return correlate(gray, kernel), "signed"
    if name == "median":
        return filter_median(image, size), "image"
    if name == "bilateral":
        return filter_bilateral(image, size, sigma, sigma_color), "image"
    y, x = (correlate(gray, KERNELS[f"sobel-{way}"]) for way in ("horizontal", "vertical"))
    return np.hypot(y, x), "magnitude"


def _format_kernel(kernel: np.ndarray | None) -> str | None:
    return None if kernel is None or kernel.size > MAX_WEIGHTS else format_value(kernel.round(3))


def _format_psnr(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.1f}" if np.isfinite(value) else "∞"
