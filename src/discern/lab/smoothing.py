"""The classical filters as SciPy computes them, noise to try them on, and how much of it is left.

Source: Gonzalez and Woods, Digital image processing, chapters 3 and 5 (averages, median, Laplacian, sharpening, noise);
Tomasi and Manduchi 1998, Bilateral filtering for gray and color images (equations 3 to 6).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from scipy import ndimage  # type: ignore[import-untyped]

WHITE = 255.0
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in Pillow

# Name -> weights, as the lectures print them. Like a network's convolution they are not turned round.
KERNELS = {
    "lecture-gaussian": np.array([[0.045, 0.122, 0.045], [0.122, 0.332, 0.122], [0.045, 0.122, 0.045]]),
    "sharpen": np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "sobel-horizontal": np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "sobel-vertical": np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "laplacian": np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}


def average_kernel(size: int) -> np.ndarray:
    """Equal weights: (size, size)."""
    return np.full((size, size), 1 / size**2)


def gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    """A bell of standard deviation ``sigma`` pixels, cut to (size, size), adding up to 1.

    Examples
    --------
    >>> gaussian_kernel(3, 0.5**0.5).round(3)
    array([[0.045, 0.122, 0.045],
           [0.122, 0.332, 0.122],
           [0.045, 0.122, 0.045]])
    """
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 1
    bell: np.ndarray = ndimage.gaussian_filter(point, sigma, radius=size // 2, mode="constant")
    return bell


def keeps_brightness(kernel: np.ndarray) -> bool:
    """Whether the weights add up to 1, so that an even area stays as it is."""
    return bool(np.isclose(kernel.sum(), 1, atol=1e-3))


def correlate(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A picture (H, W) or (H, W, 3) under a kernel; beyond the border the picture is mirrored."""
    weights = kernel if picture.ndim == 2 else kernel[..., None]
    found: np.ndarray = ndimage.correlate(picture, weights, mode="reflect")
    return found


def median(picture: np.ndarray, size: int) -> np.ndarray:
    """The middle one of the values in a window, each channel by itself."""
    sides = (size, size) if picture.ndim == 2 else (size, size, 1)
    found: np.ndarray = ndimage.median_filter(picture, sides, mode="reflect")
    return found


def bilateral(picture: np.ndarray, size: int, sigma: float, tone: float) -> np.ndarray:
    """A Gaussian average of those neighbours alone that look alike: edges stay.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W) or (H, W, 3).
    size : int
        Side of the window, odd.
    sigma : float
        How far a neighbour may be: standard deviation in pixels.
    tone : float
        How different it may be: standard deviation in grey levels (colours: their Euclidean distance).
    """
    planes = picture[..., None] if picture.ndim == 2 else picture  # (H, W, C)
    half = size // 2
    padded = np.pad(planes, ((half, half), (half, half), (0, 0)), mode="symmetric")
    shifted = sliding_window_view(padded, planes.shape[:2], axis=(0, 1))  # (size, size, C, H, W): a view
    total, weights = np.zeros_like(planes), np.zeros((*planes.shape[:2], 1))
    for (row, column), near in np.ndenumerate(gaussian_kernel(size, sigma)):
        neighbour = np.moveaxis(shifted[row, column], 0, -1)
        unlike = ((neighbour - planes) ** 2).sum(axis=2, keepdims=True)
        weight = near * np.exp(-unlike / (2 * tone**2))
        total += weight * neighbour
        weights += weight
    return (total / weights).reshape(picture.shape)


def grey(picture: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) -> (H, W)."""
    return picture if picture.ndim == 2 else picture @ LUMA


def noisy(picture: np.ndarray, noise: str, amount: float, seed: int) -> np.ndarray:
    """A picture (0 to 255) with noise: ``gaussian`` of standard deviation ``amount``, or a share of ``salt-pepper``."""
    rng = np.random.default_rng(seed)
    if noise == "gaussian":
        return np.rint(np.clip(picture + rng.normal(0, amount, picture.shape), 0, WHITE))
    spoilt = rng.random(picture.shape[:2]) < amount
    found = picture.copy()
    whites = rng.random(picture.shape[:2]) < 0.5
    found[spoilt & whites], found[spoilt & ~whites] = WHITE, 0
    return found


def psnr(picture: np.ndarray, clean: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels: 10 log10(255² / mean squared error); infinite where nothing differs."""
    error = float(((np.clip(picture, 0, WHITE) - clean) ** 2).mean())
    return float(10 * np.log10(WHITE**2 / error)) if error else float("inf")


def shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    """A uint8 picture whose longer side is at most ``side`` pixels, as float64."""
    height, width = picture.shape[:2]
    if max(height, width) > side:
        size = max(1, round(width * side / max(height, width))), max(1, round(height * side / max(height, width)))
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    return picture.astype(np.float64)


def scene() -> np.ndarray:
    """A small picture to look at: uint8 (64, 64) with even areas, edges each way, thin lines and a slope of grey."""
    rows, columns = np.mgrid[:64, :64]
    picture = 60.0 + columns
    picture[(rows - 20) ** 2 + (columns - 20) ** 2 <= 144] = 220
    picture[38:58, 8:28] = 20
    picture[8:30, 42] = picture[30, 38:60] = 240
    picture[(rows - columns == 0) & (rows >= 38)] = 240
    stripes = (rows >= 44) & (rows < 58) & (columns >= 40) & (columns < 54) & (columns % 4 < 2)
    picture[stripes & (rows - columns != 0)] = 20
    return picture.astype(np.uint8)
