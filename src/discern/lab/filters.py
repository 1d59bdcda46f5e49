"""The classical filters side by side, on any picture, with noise to take away.

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
from discern.i18n import _
from discern.lab.options import Matrix, Picture, written
from discern.lab.result import Cell, Result, Table
from discern.lab.smoothing import (
    KERNELS,
    WHITE,
    average_kernel,
    bilateral,
    correlate,
    gaussian_kernel,
    grey,
    keeps_brightness,
    median,
    noisy,
    psnr,
    scene,
    shrunk,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4  # of pictures in the figure
AMOUNTS = {"none": 0.0, "gaussian": 20.0, "salt-pepper": 0.05}
SMOOTHING = ("average", "gaussian", "lecture-gaussian", "median", "bilateral")


def summary() -> str:
    """What this lab shows."""
    return _("Average, Gaussian, median, bilateral, sharpening and edge filters on a picture, and on its noise.")


@dataclass(frozen=True)
class Filtered:
    """A picture under one filter.

    Attributes
    ----------
    name : str
    kernel : numpy.ndarray, optional
        Its weights; none where it is no weighted sum.
    picture : numpy.ndarray
        (H, W) or (H, W, 3); grey levels, below 0 and above 255 too.
    shown : {"picture", "signed", "size"}
        Grey levels, numbers on both sides of 0, or numbers from 0.
    psnr : float, optional
        Decibels against the picture before the noise; none without noise, or where it is no picture any more.
    """

    name: str
    kernel: np.ndarray | None
    picture: np.ndarray
    shown: str
    psnr: float | None


@dataclass(frozen=True)
class Filters(Result):
    """A picture, with noise if asked for, under filters.

    Attributes
    ----------
    picture, noisy : numpy.ndarray
        (H, W) or (H, W, 3) in grey levels from 0 to 255, before and after the noise.
    noise : {"none", "gaussian", "salt-pepper"}
    amount : float
        Standard deviation in grey levels, or share of the pixels.
    seed : int
    psnr : float, optional
        Of the noisy picture, in decibels; none without noise.
    filtered : tuple of Filtered
    """

    picture: np.ndarray
    noisy: np.ndarray
    noise: str
    amount: float
    seed: int
    psnr: float | None
    filtered: tuple[Filtered, ...]

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        columns, rows = self._grid()
        height, width = self.picture.shape[:2]
        return 10.0, rows * (10 / columns * min(height / width, 2) + 0.5)  # half an inch for the titles

    def sentences(self) -> Sequence[str]:
        told = []
        judged = [(one.psnr, one.name) for one in self.filtered if one.psnr is not None]
        if self.psnr is None:
            told.append(_("Add noise (gaussian or salt-pepper) to see which filters take it away."))
        elif judged:
            after, name = max(judged)
            sentence = _(
                "{name} brings the picture nearest to what it was: PSNR {before:.1f} dB before, {after:.1f} after."
            )
            if after <= self.psnr:
                sentence = _(
                    "None of these takes the noise away: PSNR {before:.1f} dB before, at best {after:.1f} after."
                )
            told.append(sentence.format(name=labels()[name], before=self.psnr, after=after))
        names = {one.name for one in self.filtered}
        if names & set(SMOOTHING):
            told.append(
                _("Averages blur edges, too; the median drops outliers and thin lines; the bilateral keeps edges.")
            )
        if any(one.shown != "picture" for one in self.filtered):
            told.append(
                _("Weights that add up to 0 answer to change alone: an even area becomes 0, an edge stands out.")
            )
        return told

    def tables(self) -> Sequence[Table]:
        does, judged = _effects(), self.psnr is not None
        rows: list[list[Cell]] = [
            [labels()[one.name], _weights(one.kernel), does[one.name], _decibels(one.psnr)] for one in self.filtered
        ]
        if judged:
            rows.insert(0, [_("none"), "-", _("leaves the noise"), _decibels(self.psnr)])
        titles = (_("filter"), _("weights"), _("what it does"), _("PSNR, dB"))
        end = len(titles) if judged else -1
        return [Table(_("Filters"), titles[:end], [row[:end] for row in rows])]

    def plot(self, figure: Figure) -> None:
        panels: list[tuple[str, np.ndarray, str]] = [(_("picture"), self.picture, "picture")]
        if self.psnr is not None:
            panels.append((_("with noise") + f"\n{_decibels(self.psnr)} dB", self.noisy, "picture"))
        for one in self.filtered:
            after = "" if one.psnr is None else f"\n{_decibels(one.psnr)} dB"
            panels.append((labels()[one.name] + after, one.picture, one.shown))
        columns, rows = self._grid()
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, (title, picture, shown) in zip(axes, panels, strict=False):
            _show(ax, title, picture, shown)

    def _grid(self) -> tuple[int, int]:
        """Columns and rows of the figure."""
        panels = 1 + (self.psnr is not None) + len(self.filtered)
        columns = min(COLUMNS, panels)
        return columns, -(-panels // columns)


def labels() -> dict[str, str]:
    """The filters as a person reads them."""
    return {
        "average": _("average"),
        "gaussian": _("Gaussian"),
        "lecture-gaussian": _("the lecture's Gaussian"),
        "median": _("median"),
        "bilateral": _("bilateral"),
        "sharpen": _("sharpening"),
        "sobel-horizontal": _("Sobel, horizontal edges"),
        "sobel-vertical": _("Sobel, vertical edges"),
        "sobel-magnitude": _("Sobel, magnitude"),
        "laplacian": _("Laplacian"),
        "own": _("own kernel"),
    }


def run(
    picture: Annotated[Picture | None, Field(description=_("A picture file; a drawn scene unless given."))] = None,
    show: Annotated[
        Literal[
            "all",
            "average",
            "gaussian",
            "lecture-gaussian",
            "median",
            "bilateral",
            "sharpen",
            "sobel-horizontal",
            "sobel-vertical",
            "sobel-magnitude",
            "laplacian",
            "own",
        ],
        Field(description=_("One filter alone, or all.")),
    ] = "all",
    kernel: Annotated[Matrix | None, Field(description=_("Weights of an own filter, rows with / between."))] = None,
    size: Annotated[
        int, Field(ge=1, le=31, description=_("Side of the window of average, Gaussian, median and bilateral, odd."))
    ] = 3,
    sigma: Annotated[
        float, Field(gt=0, description=_("Width of the Gaussian and the bilateral, in pixels (the lecture's: 0.7071)."))
    ] = 0.7071,
    tone: Annotated[
        float, Field(gt=0, description=_("Grey levels by which the bilateral's neighbours may differ."))
    ] = 50.0,
    noise: Annotated[
        Literal["none", "gaussian", "salt-pepper"], Field(description=_("Noise to add before filtering."))
    ] = "none",
    amount: Annotated[
        float | None,
        Field(ge=0, description=_("Of gaussian: grey levels (20); of salt-pepper: share of the pixels (0.05).")),
    ] = None,
    seed: Annotated[int, Field(ge=0, description=_("Another seed, other noise."))] = 0,
    side: Annotated[
        int, Field(ge=8, le=1024, description=_("A larger picture is shrunk to this many pixels on its longer side."))
    ] = 256,
) -> Filters:
    """Put a picture under filters.

    Raises
    ------
    ConfigError
        When the window is even, the own kernel is missing or has channels, or the noise has no such amount.

    Examples
    --------
    >>> found = run(noise="salt-pepper", show="median")
    >>> found.filtered[0].psnr > found.psnr
    True
    """
    amount = AMOUNTS[noise] if amount is None else amount
    _check(size, show, kernel, noise, amount)
    clean = shrunk(scene() if picture is None else picture, side)
    spoilt = clean if noise == "none" else noisy(clean, noise, amount, seed)
    kernels = {"average": average_kernel(size), "gaussian": gaussian_kernel(size, sigma), **KERNELS}
    if kernel is not None:
        kernels["own"] = kernel
    names = [name for name in labels() if show in ("all", name) and (name != "own" or kernel is not None)]
    filtered = []
    for name in names:
        made, shown = _apply(name, spoilt, kernels.get(name), size, sigma, tone)
        judged = psnr(made, clean) if noise != "none" and shown == "picture" else None
        filtered.append(Filtered(name, kernels.get(name), made, shown, judged))
    before = None if noise == "none" else psnr(spoilt, clean)
    return Filters(clean, spoilt, noise, amount, seed, before, tuple(filtered))


def _check(size: int, show: str, kernel: np.ndarray | None, noise: str, amount: float) -> None:
    if size % 2 == 0:
        sentence = _("size={size} is not allowed: a window has a middle pixel, so its side is odd.")
        raise ConfigError(sentence.format(size=size))
    if kernel is not None and kernel.ndim != 2:
        raise ConfigError(_("An own kernel has one channel: write its rows with / between, without |."))
    if show == "own" and kernel is None:
        raise ConfigError(_("There is no own kernel to show: give its weights as kernel, rows with / between."))
    if noise == "salt-pepper" and amount > 1:
        raise ConfigError(_("amount={amount} is not allowed: a share of the pixels, 0 to 1.").format(amount=amount))
    if noise == "none" and amount:
        raise ConfigError(_("An amount of noise needs its kind: add noise gaussian or salt-pepper."))


def _apply(
    name: str, picture: np.ndarray, kernel: np.ndarray | None, size: int, sigma: float, tone: float
) -> tuple[np.ndarray, str]:
    """The filtered picture, and how its numbers are to be shown."""
    if kernel is not None and keeps_brightness(kernel):
        return correlate(picture, kernel), "picture"
    if kernel is not None:
        return correlate(grey(picture), kernel), "signed"
    if name == "median":
        return median(picture, size), "picture"
    if name == "bilateral":
        return bilateral(picture, size, sigma, tone), "picture"
    across, down = (correlate(grey(picture), KERNELS[f"sobel-{way}"]) for way in ("horizontal", "vertical"))
    return np.hypot(across, down), "size"


def _effects() -> dict[str, str]:
    return {
        "average": _("blurs: every neighbour counts alike"),
        "gaussian": _("blurs: near neighbours count more"),
        "lecture-gaussian": _("blurs: the lecture's weights"),
        "median": _("takes the middle value: outliers vanish"),
        "bilateral": _("averages what looks alike: edges stay"),
        "sharpen": _("adds to a pixel what sets it apart"),
        "sobel-horizontal": _("above minus below"),
        "sobel-vertical": _("left minus right"),
        "sobel-magnitude": _("strength of an edge of any direction"),
        "laplacian": _("a pixel against all its neighbours"),
        "own": _("your weights"),
    }


def _show(ax: Axes, title: str, picture: np.ndarray, shown: str) -> None:
    most = max(1.0, float(np.percentile(np.abs(picture), 99)))  # a few outliers must not make all else grey
    low, high = {"picture": (0.0, WHITE), "signed": (-most, most), "size": (0.0, most)}[shown]
    if picture.ndim == 3:
        ax.imshow(np.clip(picture, 0, WHITE).astype(np.uint8))
    else:
        ax.imshow(picture, cmap="gray", vmin=low, vmax=high)
    ax.set_title(title, fontsize=9)


def _weights(kernel: np.ndarray | None) -> str:
    return "-" if kernel is None or kernel.size > 25 else written(kernel.round(3))


def _decibels(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if np.isfinite(value) else "∞"
