"""Augmentation of whole batches on the device, random for each image; no Python loop over images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from discern.i18n import N_
from discern.notices import Notice
from discern.preprocess.normalize import to_float
from discern.runtime import sample_gamma, to_device
from discern.settings import Group, setting


class Augmentation(Group):
    """How much each image may be changed; zero switches a change off.

    Sources: random erasing, Zhong et al. 2017, "Random Erasing Data Augmentation"; mixup, Zhang et al. 2018, "mixup";
    cutmix, Yun et al. 2019, "CutMix". With both of the latter, each batch draws one of the two.
    """

    augment: bool = setting(True, N_("Augment the training images; false switches all of it off."))
    flip: bool = setting(False, N_("Mirror left and right, each image in every second epoch."))
    translate: float = setting(0.0, N_("Move by up to this fraction of the side, both ways."), ge=0.0, le=0.5)
    rotation: float = setting(0.0, N_("Rotate by up to this angle, both ways."), unit=N_("degrees"), ge=0.0, le=180.0)
    zoom: float = setting(0.0, N_("Enlarge or shrink by up to this fraction."), ge=0.0, lt=1.0)
    color_jitter: float = setting(
        0.0, N_("Change brightness, contrast and saturation by up to this fraction each."), ge=0.0, le=1.0
    )
    random_erasing: float = setting(0.0, N_("Probability of hiding a random rectangle."), ge=0.0, le=1.0)
    mixup: float = setting(0.0, N_("Alpha of the Beta distribution that blends two images."), ge=0.0)
    cutmix: float = setting(0.0, N_("Alpha of the Beta distribution that pastes a rectangle of another image."), ge=0.0)

    @property
    def effective(self) -> Augmentation:
        """These settings, or none where ``augment`` is false."""
        return self if self.augment else Augmentation()


class Targets(NamedTuple):
    """What the loss compares with: class ``a``, and where images were mixed, class ``b`` with weight ``1 - lam``."""

    a: Tensor  # (N,) int64
    b: Tensor | None = None
    lam: Tensor | None = None  # (N,) weight of a


def augment(
    pixels: Tensor, labels: Tensor, settings: Augmentation, generator: torch.Generator, mirrored: Tensor | None = None
) -> tuple[Tensor, Targets]:
    """Change a batch at random, as ``settings`` say.

    Parameters
    ----------
    pixels, labels : torch.Tensor
        uint8 (N, H, W, C) and int64 (N,).
    generator : torch.Generator
        On the CPU; the same state gives the same batch on every device.
    mirrored : torch.Tensor, optional
        bool (N,) on the CPU, which images to mirror where the settings flip any; drawn unless given.

    Returns
    -------
    x : torch.Tensor
        float32 (N, C, H, W) in 0..1, channels last.
    targets : Targets
        The labels, mixed where the images are.

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
    elif settings.flip or settings.translate:
        x = to_float(_translate_and_flip(pixels, settings, generator, mirrored))
    else:
        x = to_float(pixels)
    if settings.color_jitter:
        x = _jitter(x, settings.color_jitter, generator)
    if settings.random_erasing:
        x = _erase(x, settings.random_erasing, generator)
    if settings.mixup or settings.cutmix:
        return _mix(x, labels, settings, generator)
    return x, Targets(labels)


def find_flip_exclusion(classes: Sequence[str]) -> Notice | None:
    """Return why mirroring would change what an image is, or None if it would not.

    Examples
    --------
    >>> find_flip_exclusion(["cat", "dog"]) is None
    True
    """
    if all(name.isdigit() or (len(name) == 1 and name.isascii()) for name in classes):
        return Notice("preprocess.flip_digits")
    words = {word for name in classes for word in name.lower().replace("-", "_").split("_")}
    if {"left", "right"} <= words or any("左" in name for name in classes):
        return Notice("preprocess.flip_left_right")
    return None


def suggest_augmentation(classes: Sequence[str], channels: int, size: int) -> tuple[Augmentation, Notice | None]:
    """Return the augmentation used unless another is requested, and a notice on what it leaves out."""
    reason = find_flip_exclusion(classes)
    if channels == 1 and reason is not None:
        return Augmentation(translate=0.07, rotation=10.0, zoom=0.1), reason
    flip = reason is None
    if size <= 64:
        return Augmentation(flip=flip, translate=0.125), reason
    return Augmentation(flip=flip, translate=0.125, rotation=10.0, zoom=0.2, color_jitter=0.2), reason


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator, like: Tensor) -> Tensor:
    drawn = torch.rand(shape, generator=generator).mul_(high - low).add_(low)
    return to_device(drawn, like.device)


def _translate_and_flip(pixels: Tensor, settings: Augmentation, generator: torch.Generator, mirrored: Tensor) -> Tensor:
    """Gather bytes, for whole pixels move and nothing is interpolated: uint8 (N, H, W, C) -> the same."""
    n, height, width, channels = pixels.shape
    top, left = (int(settings.translate * side) for side in (height, width))
    shifts = torch.rand(2, n, generator=generator)
    dy = (shifts[0] * (2 * top + 1)).long() - top
    dx = (shifts[1] * (2 * left + 1)).long() - left
    rows = _reflect(torch.arange(height) + dy[:, None], height)  # (N, H)
    columns = _reflect(torch.arange(width) + dx[:, None], width)  # (N, W)
    if settings.flip:
        columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
    first = torch.arange(n)[:, None, None] * (height * width)
    flat = to_device((first + rows[:, :, None] * width + columns[:, None, :]).view(-1), pixels.device)
    cells = pixels.reshape(-1, channels).squeeze(1)  # of one byte: taken 4x as fast as from rows of one byte
    return cells.index_select(0, flat).view(n, height, width, channels)


def _reflect(index: Tensor, length: int) -> Tensor:
    """Mirror positions outside ``0..length-1`` back, the edge not repeated."""
    return (length - 1) - (index.abs() - (length - 1)).abs()


def _warp(x: Tensor, settings: Augmentation, generator: torch.Generator, mirrored: Tensor) -> Tensor:
    """Translate, flip, rotate and zoom in one bilinear sampling, reflected at the border. (N, C, H, W) -> the same."""
    n, _channels, height, width = x.shape
    angle = _uniform((n, 1), -settings.rotation, settings.rotation, generator, mirrored).deg2rad_()
    scale = 1.0 / _uniform((n, 1), 1.0 - settings.zoom, 1.0 + settings.zoom, generator, mirrored)
    reach = 2 * settings.translate  # the grid spans -1..1
    move = _uniform((n, 1, 2), -reach, reach, generator, mirrored)
    side = torch.where(mirrored[:, None], -1.0, 1.0) if settings.flip else 1.0
    # Complex numbers turn and scale by one multiplication: a cell at x + iy is read at turn * (x + iy) + move. That is
    # the sum of a part of x and a part of y, so the grid (N, H, W) is a row plus a column, not N matrix products.
    turn = torch.polar(scale, angle)
    along = (turn * side * _cell_centers(width))[:, None, :]  # (N, 1, W)
    across = (turn * 1j * _cell_centers(height) + torch.view_as_complex(move))[:, :, None]  # (N, H, 1)
    grid = to_device(along, x.device) + to_device(across, x.device)
    return grid_sample(x, torch.view_as_real(grid), padding_mode="reflection", align_corners=False)


def _cell_centers(length: int) -> Tensor:
    """Return the centers of ``length`` cells between -1 and 1."""
    return (2 * torch.arange(length) + 1) / length - 1


def _jitter(x: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and saturation, each by a factor in 1 ± amount. (N, C, H, W) -> the same."""
    brightness, contrast, saturation = _uniform((3, len(x), 1, 1, 1), 1 - amount, 1 + amount, generator, x)
    x = x * brightness
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * contrast + mean
    if x.shape[1] == 3:
        gray = x.mean(dim=1, keepdim=True)
        x = (x - gray) * saturation + gray
    return x.clamp_(0, 1)


def _rectangles(n: int, height: int, width: int, area: Tensor, generator: torch.Generator, like: Tensor) -> Tensor:
    """Draw a boolean mask (N, 1, H, W), true inside a random rectangle that covers the fraction ``area`` (N,)."""
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
    other = to_device(torch.randperm(n, generator=generator), x.device)
    lam = to_device(_beta(n, settings.mixup if blend else settings.cutmix, generator), x.device)
    if blend:
        weight = lam[:, None, None, None]
        return x * weight + x[other] * (1 - weight), Targets(labels, labels[other], lam)
    mask = _rectangles(n, height, width, 1 - lam, generator, x)
    lam = 1 - mask.float().mean(dim=(1, 2, 3))
    return torch.where(mask, x[other], x), Targets(labels, labels[other], lam)


def _beta(n: int, alpha: float, generator: torch.Generator) -> Tensor:
    """Draw from Beta(alpha, alpha) by two gamma draws, which take a generator: float32 (n,)."""
    gammas = sample_gamma(torch.full((2, n), alpha), generator)
    return gammas[0] / gammas.sum(dim=0).clamp_(min=1e-12)
