"""The classical filters as SciPy computes them, noise to test them on, and the PSNR that is left.

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

# Name -> weights, as the lectures print them. As in a network's convolution, kernels are not flipped.
KERNELS = {
    "lecture-gaussian": np.array([[0.045, 0.122, 0.045], [0.122, 0.332, 0.122], [0.045, 0.122, 0.045]]),
    "sharpen": np.array([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
    "sobel-horizontal": np.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]),
    "sobel-vertical": np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]),
    "laplacian": np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}


def build_average_kernel(size: int) -> np.ndarray:
    """Return equal weights: (size, size)."""
    return np.full((size, size), 1 / size**2)


def build_gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    """Return a Gaussian of standard deviation ``sigma`` pixels, cut to (size, size) and normalized to sum 1.

    Examples
    --------
    >>> build_gaussian_kernel(3, 0.5**0.5).round(3)
    array([[0.045, 0.122, 0.045],
           [0.122, 0.332, 0.122],
           [0.045, 0.122, 0.045]])
    """
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1
    return np.asarray(ndimage.gaussian_filter(impulse, sigma, radius=size // 2, mode="constant"))


def preserves_brightness(kernel: np.ndarray) -> bool:
    """Return whether the weights sum to 1, so that a uniform area stays as it is."""
    return bool(np.isclose(kernel.sum(), 1, atol=1e-3))


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Slide a kernel over an image (H, W) or (H, W, 3); beyond the border the image is mirrored."""
    weights = kernel if image.ndim == 2 else kernel[..., None]
    return np.asarray(ndimage.correlate(image, weights, mode="reflect"))


def filter_median(image: np.ndarray, size: int) -> np.ndarray:
    """Replace every pixel by the median of its window, each channel by itself."""
    window = (size, size) if image.ndim == 2 else (size, size, 1)
    return np.asarray(ndimage.median_filter(image, window, mode="reflect"))


def filter_bilateral(image: np.ndarray, size: int, sigma: float, sigma_color: float) -> np.ndarray:
    """Average the neighbors of similar color with Gaussian weights, so that edges stay sharp.

    ``sigma`` is the standard deviation of the distance to a neighbor, in pixels, ``sigma_color`` that of the difference
    to it, in gray levels (colors: their Euclidean distance).
    """
    planes = image[..., None] if image.ndim == 2 else image  # (H, W, C)
    half = size // 2
    padded = np.pad(planes, ((half, half), (half, half), (0, 0)), mode="symmetric")
    shifted = sliding_window_view(padded, planes.shape[:2], axis=(0, 1))  # (size, size, C, H, W): a view
    total, weights = np.zeros_like(planes), np.zeros((*planes.shape[:2], 1))
    # One pass over the image for each cell of the window: size * size passes instead of a loop over all pixels.
    for (row, column), closeness in np.ndenumerate(build_gaussian_kernel(size, sigma)):
        neighbor = np.moveaxis(shifted[row, column], 0, -1)
        squared_difference = ((neighbor - planes) ** 2).sum(axis=2, keepdims=True)
        weight = closeness * np.exp(-squared_difference / (2 * sigma_color**2))
        total += weight * neighbor
        weights += weight
    return (total / weights).reshape(image.shape)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Convert (H, W) or (H, W, 3) to (H, W)."""
    return image if image.ndim == 2 else image @ LUMA


def add_noise(image: np.ndarray, noise: str, amount: float, seed: int) -> np.ndarray:
    """Add ``gaussian`` noise of standard deviation ``amount``, or a fraction of ``salt-pepper``, to gray levels."""
    rng = np.random.default_rng(seed)
    if noise == "gaussian":
        return np.rint(np.clip(image + rng.normal(0, amount, image.shape), 0, WHITE))
    hit = rng.random(image.shape[:2]) < amount
    noisy = image.copy()
    white = rng.random(image.shape[:2]) < 0.5
    noisy[hit & white], noisy[hit & ~white] = WHITE, 0
    return noisy


def compute_psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in decibels, 10 log10(255² / mean squared error); inf for equal images."""
    error = float(((np.clip(image, 0, WHITE) - clean) ** 2).mean())
    return float(10 * np.log10(WHITE**2 / error)) if error else float("inf")


def shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    """Resize a uint8 image so that its longer side is at most ``max_side`` pixels, as float64."""
    height, width = image.shape[:2]
    if (side := max(height, width)) > max_side:
        size = max(1, round(width * max_side / side)), max(1, round(height * max_side / side))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return image.astype(np.float64)


def draw_scene() -> np.ndarray:
    """Draw an example: uint8 (64, 64) with uniform areas, edges of every direction, thin lines and a gradient."""
    rows, columns = np.mgrid[:64, :64]
    image = 60.0 + columns
    image[(rows - 20) ** 2 + (columns - 20) ** 2 <= 144] = 220
    image[38:58, 8:28] = 20
    image[8:30, 42] = image[30, 38:60] = 240
    image[(rows - columns == 0) & (rows >= 38)] = 240
    stripes = (rows >= 44) & (rows < 58) & (columns >= 40) & (columns < 54) & (columns % 4 < 2)
    image[stripes & (rows - columns != 0)] = 20
    return image.astype(np.uint8)
