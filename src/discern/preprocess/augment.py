"""Augmentation of whole batches on the device, random for each picture; no Python loop over pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import grid_sample

from discern.i18n import _
from discern.preprocess.normalise import to_float
from discern.runtime import sent


class Augmentation(BaseModel):
    """How much each picture may be changed; zero switches a change off.

    Attributes
    ----------
    flip : bool
        Mirror left and right with probability one half; in training, a picture is mirrored in every second epoch.
    shift : float
        Move by up to this fraction of the side, both ways; the border is reflected.
    rotation : float
        Turn by up to this many degrees, both ways.
    zoom : float
        Enlarge or shrink by up to this fraction.
    jitter : float
        Change brightness, contrast and saturation by up to this fraction each.
    erase : float
        Probability of hiding a random rectangle (Zhong et al. 2017, "Random Erasing Data Augmentation").
    mixup : float
        Alpha of the Beta distribution that blends two pictures (Zhang et al. 2018, "mixup").
    cutmix : float
        Alpha of the Beta distribution that pastes a rectangle of another picture (Yun et al. 2019, "CutMix").
        With mixup as well, each batch draws one of the two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    flip: bool = False
    shift: float = Field(0.0, ge=0.0, le=0.5)
    rotation: float = Field(0.0, ge=0.0, le=180.0)
    zoom: float = Field(0.0, ge=0.0, lt=1.0)
    jitter: float = Field(0.0, ge=0.0, le=1.0)
    erase: float = Field(0.0, ge=0.0, le=1.0)
    mixup: float = Field(0.0, ge=0.0)
    cutmix: float = Field(0.0, ge=0.0)


class Targets(NamedTuple):
    """What the loss compares with: class ``a``, and where pictures were mixed, class ``b`` with weight ``1 - lam``."""

    a: Tensor  # (N,) int64
    b: Tensor | None = None
    lam: Tensor | None = None  # (N,) weight of a


def augment(
    pixels: Tensor,
    labels: Tensor,
    settings: Augmentation,
    generator: torch.Generator,
    mirrored: Tensor | None = None,
) -> tuple[Tensor, Targets]:
    """Change a batch at random.

    Parameters
    ----------
    pixels : torch.Tensor
        uint8 (N, H, W, C).
    labels : torch.Tensor
        int64 (N,).
    settings : Augmentation
        What may change.
    generator : torch.Generator
        On the CPU; the same state gives the same batch on every device.
    mirrored : torch.Tensor, optional
        bool (N,) on the CPU, which pictures to mirror where the settings mirror any; drawn unless given.

    Returns
    -------
    x : torch.Tensor
        float32 (N, C, H, W) in 0..1, channels last.
    targets : Targets
        The labels, mixed where the pictures are.

    Examples
    --------
    >>> batch = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    >>> x, targets = augment(batch, torch.tensor([0, 1]), Augmentation(flip=True), torch.Generator().manual_seed(0))
    >>> tuple(x.shape), targets.a.tolist()
    ((2, 3, 8, 8), [0, 1])
    """
    if mirrored is None:
        mirrored = torch.rand(len(pixels), generator=generator) < 0.5
    if settings.rotation or settings.zoom:
        x = _warp(to_float(pixels), settings, generator, mirrored)
    elif settings.flip or settings.shift:
        x = to_float(_shift_and_flip(pixels, settings, generator, mirrored))
    else:
        x = to_float(pixels)
    if settings.jitter:
        x = _jitter(x, settings.jitter, generator)
    if settings.erase:
        x = _erase(x, settings.erase, generator)
    if settings.mixup or settings.cutmix:
        return _mix(x, labels, settings, generator)
    return x, Targets(labels)


def why_not_mirrored(classes: Sequence[str]) -> str | None:
    """Why mirroring would change what a picture is, or None if it would not.

    Examples
    --------
    >>> why_not_mirrored(["cat", "dog"]) is None
    True
    """
    if all(name.isdigit() or (len(name) == 1 and name.isascii()) for name in classes):
        return _("Pictures are not mirrored: the classes are digits or letters, and a mirrored one is another sign.")
    words = {word for name in classes for word in name.lower().replace("-", "_").split("_")}
    if {"left", "right"} <= words or any("左" in name for name in classes):
        return _("Pictures are not mirrored: the class names tell left from right.")
    return None


def suggested(classes: Sequence[str], channels: int, size: int) -> tuple[Augmentation, str | None]:
    """The augmentation discern uses unless told otherwise, and a sentence on what it leaves out and why."""
    reason = why_not_mirrored(classes)
    if channels == 1 and reason is not None:
        return Augmentation(shift=0.07, rotation=10.0, zoom=0.1), reason
    flip = reason is None
    if size <= 64:
        return Augmentation(flip=flip, shift=0.125), reason
    return Augmentation(flip=flip, shift=0.125, rotation=10.0, zoom=0.2, jitter=0.2), reason


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator, like: Tensor) -> Tensor:
    drawn = torch.rand(shape, generator=generator).mul_(high - low).add_(low)
    return sent(drawn, like.device)


def _shift_and_flip(pixels: Tensor, settings: Augmentation, generator: torch.Generator, mirrored: Tensor) -> Tensor:
    """Whole pixels move, so bytes are gathered and nothing is interpolated: uint8 (N, H, W, C) -> the same."""
    n, height, width, channels = pixels.shape
    top, left = (int(settings.shift * side) for side in (height, width))
    shifts = torch.rand(2, n, generator=generator)
    dy = (shifts[0] * (2 * top + 1)).long() - top
    dx = (shifts[1] * (2 * left + 1)).long() - left
    rows = _reflect(torch.arange(height) + dy[:, None], height)  # (N, H)
    columns = _reflect(torch.arange(width) + dx[:, None], width)  # (N, W)
    if settings.flip:
        columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
    first = torch.arange(n)[:, None, None] * (height * width)
    flat = sent((first + rows[:, :, None] * width + columns[:, None, :]).view(-1), pixels.device)
    cells = pixels.reshape(-1, channels).squeeze(1)  # of one byte: taken 4x as fast as from rows of one byte
    return cells.index_select(0, flat).view(n, height, width, channels)


def _reflect(index: Tensor, length: int) -> Tensor:
    """Positions outside ``0..length-1`` mirrored back, the edge not repeated."""
    return (length - 1) - (index.abs() - (length - 1)).abs()


def _warp(x: Tensor, settings: Augmentation, generator: torch.Generator, mirrored: Tensor) -> Tensor:
    """Shift, flip, rotation and zoom as one bilinear sampling, reflected at the border. (N, C, H, W) -> the same."""
    n, _channels, height, width = x.shape
    angle = _uniform((n, 1), -settings.rotation, settings.rotation, generator, mirrored).deg2rad_()
    scale = 1.0 / _uniform((n, 1), 1.0 - settings.zoom, 1.0 + settings.zoom, generator, mirrored)
    move = _uniform((n, 1, 2), -2 * settings.shift, 2 * settings.shift, generator, mirrored)  # the grid spans -1..1
    side = torch.where(mirrored[:, None], -1.0, 1.0) if settings.flip else 1.0
    turn = torch.polar(scale, angle)  # a cell at x + iy is read at turn * (x + iy) + move
    along = (turn * side * _middles(width))[:, None, :]  # (N, 1, W)
    across = (turn * 1j * _middles(height) + torch.view_as_complex(move))[:, :, None]  # (N, H, 1)
    grid = sent(along, x.device) + sent(across, x.device)
    return grid_sample(x, torch.view_as_real(grid), padding_mode="reflection", align_corners=False)


def _middles(length: int) -> Tensor:
    """Where the middles of ``length`` cells are between -1 and 1."""
    return (2 * torch.arange(length) + 1) / length - 1


def _jitter(x: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    """Brightness, contrast and saturation, each by a factor in 1 ± amount. (N, C, H, W) -> the same."""
    brightness, contrast, saturation = _uniform((3, len(x), 1, 1, 1), 1 - amount, 1 + amount, generator, x)
    x = x * brightness
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean
    if x.shape[1] == 3:
        grey = x.mean(dim=1, keepdim=True)
        x = (x - grey) * saturation + grey
    return x.clamp_(0, 1)


def _rectangles(n: int, height: int, width: int, area: Tensor, generator: torch.Generator, like: Tensor) -> Tensor:
    """A boolean mask (N, 1, H, W), true inside a random rectangle that covers the fraction ``area`` (N,)."""
    stretch = _uniform((n,), math.log(0.5), math.log(2.0), generator, like).exp().sqrt()
    side = area.sqrt()
    half_height = (side * stretch).clamp_(max=1) * height / 2
    half_width = (side / stretch).clamp_(max=1) * width / 2
    middle = _uniform((2, n), 0, 1, generator, like)
    rows = torch.arange(height, device=like.device) + 0.5
    columns = torch.arange(width, device=like.device) + 0.5
    inside_rows = (rows - middle[0, :, None] * height).abs() < half_height[:, None]
    inside_columns = (columns - middle[1, :, None] * width).abs() < half_width[:, None]
    return (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]


def _erase(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    n, _channels, height, width = x.shape
    chosen = _uniform((n,), 0, 1, generator, x) < probability
    mask = _rectangles(n, height, width, _uniform((n,), 0.02, 0.25, generator, x), generator, x)
    mask = mask & chosen[:, None, None, None]
    return torch.where(mask, x.mean(dim=(2, 3), keepdim=True), x)


def _mix(x: Tensor, labels: Tensor, settings: Augmentation, generator: torch.Generator) -> tuple[Tensor, Targets]:
    n, _channels, height, width = x.shape
    blend = settings.mixup > 0 and (settings.cutmix == 0 or bool(torch.rand((), generator=generator) < 0.5))
    other = sent(torch.randperm(n, generator=generator), x.device)
    lam = sent(_beta(n, settings.mixup if blend else settings.cutmix, generator), x.device)
    if blend:
        weight = lam[:, None, None, None]
        return x * weight + x[other] * (1 - weight), Targets(labels, labels[other], lam)
    mask = _rectangles(n, height, width, 1 - lam, generator, x)
    lam = 1 - mask.float().mean(dim=(1, 2, 3))
    return torch.where(mask, x[other], x), Targets(labels, labels[other], lam)


def _beta(n: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Beta(alpha, alpha) from two gamma draws, which take a generator."""
    gammas = torch._standard_gamma(torch.full((2, n), alpha), generator=generator)
    return gammas[0] / gammas.sum(dim=0).clamp_(min=1e-12)
