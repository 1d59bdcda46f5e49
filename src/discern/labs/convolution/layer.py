"""One convolution layer, with every product.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped.

Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II.A; Dumoulin and Visin
2016, A guide to convolution arithmetic for deep learning (sizes, padding, dilation); Krizhevsky et al. 2012, ImageNet
classification with deep convolutional neural networks, section 3.5 (groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from discern.errors import ConfigError
from discern.i18n import _

MAX_PRODUCTS = 5_000_000  # 40 MB of float64

Pads = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Layer:
    """A convolution layer and what it computes from one image."""

    image: np.ndarray  # (C, H, W)
    kernels: np.ndarray  # (O, C / groups, kh, kw)
    bias: np.ndarray | None  # (O,)
    stride: int
    dilation: int
    groups: int
    pads: Pads  # cells added: ((above, below), (left, right))
    padding_mode: str  # the values of the added cells, "zeros" or "reflect"
    padded: np.ndarray  # (C, H + above + below, W + left + right)
    products: np.ndarray  # (O, H', W', C / groups, kh, kw): every input times its weight
    output: np.ndarray  # (O, H', W'): the feature maps, each the sum of the products of a window, plus the bias

    @property
    def effective_size(self) -> tuple[int, int]:
        """Return the rows and columns that a window spans, dilation included."""
        height, width = self.kernels.shape[2:]
        return _dilate(height, self.dilation), _dilate(width, self.dilation)

    def input_channels(self, kernel: int) -> range:
        """Return the channels of the image that a kernel reads."""
        each = self.kernels.shape[1]
        first = kernel * self.groups // len(self.kernels) * each
        return range(first, first + each)

    def window_cells(self, row: int, column: int) -> list[tuple[int, int]]:
        """Return the cells of the padded image that output (row, column) reads."""
        top, left, step = row * self.stride, column * self.stride, self.dilation
        return [(top + i * step, left + j * step) for i, j in np.ndindex(self.kernels.shape[2:])]

    def extract_patch(self, kernel: int, row: int, column: int) -> np.ndarray:
        """Return the inputs of a kernel at output (row, column): (C / groups, kh, kw)."""
        height, width = self.kernels.shape[2:]
        rows = row * self.stride + self.dilation * np.arange(height)
        columns = column * self.stride + self.dilation * np.arange(width)
        return self.padded[np.ix_(np.array(self.input_channels(kernel)), rows, columns)]


def convolve(
    image: np.ndarray,
    kernels: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: str | int = "valid",
    padding_mode: str = "zeros",
    dilation: int = 1,
    groups: int = 1,
) -> Layer:
    """Slide kernels over an image (H, W) or (C, H, W); raise `ConfigError` when the shapes do not fit together.

    Parameters
    ----------
    kernels : numpy.ndarray
        (kh, kw); planes (P, kh, kw), of which each kernel takes C / groups in turn; or (O, C / groups, kh, kw).
    bias : numpy.ndarray, optional
        (O,).
    padding : {"valid", "same"} or int
        None; enough for ceil(H / stride) rows, an odd cell below and to the right; or cells on every side.

    Examples
    --------
    >>> ramp = np.arange(2.0, 20, 2).reshape(3, 3)
    >>> convolve(ramp, np.array([[1.0, 3], [5, 7]]), bias=np.array([5.0])).output
    array([[[129., 161.],
            [225., 257.]]])
    """
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise ConfigError(_("Expected one image of one or more channels, with | between the channels."))
    kernels = _group_planes(kernels, len(image), groups)
    if bias is not None and bias.shape != (len(kernels),):
        message = _("Expected one bias for each of {kernels} kernels, got {n}.")
        raise ConfigError(message.format(n=bias.size, kernels=len(kernels)))
    height, width = _dilate(kernels.shape[2], dilation), _dilate(kernels.shape[3], dilation)
    pads = _compute_pads(padding, image.shape[1:], (height, width), stride)
    padded = _pad_image(image, pads, padding_mode)
    rows, columns = padded.shape[1:]
    if height > rows or width > columns:
        message = _(
            "A kernel that spans {h} x {w} cells does not fit into {rows} x {columns} cells (padding included): use a "
            "smaller kernel or more padding."
        )
        raise ConfigError(message.format(h=height, w=width, rows=rows, columns=columns))
    views = sliding_window_view(padded, (height, width), axis=(1, 2))[:, ::stride, ::stride, ::dilation, ::dilation]
    n_products = views[0].size * kernels.shape[1] * len(kernels)
    if n_products > MAX_PRODUCTS:
        message = _("This layer has {n:,} products, more than the {limit:,} that are listed: use a smaller image.")
        raise ConfigError(message.format(n=n_products, limit=MAX_PRODUCTS))
    patches = views.reshape(groups, -1, *views.shape[1:])  # (G, C / G, H', W', kh, kw)
    group_of_kernel = np.repeat(np.arange(groups), len(kernels) // groups)  # (O,)
    products = patches[group_of_kernel].transpose(0, 2, 3, 1, 4, 5) * kernels[:, None, None] + 0.0  # + 0.0: no -0
    output = products.sum(axis=(3, 4, 5)) + (0 if bias is None else bias[:, None, None])
    return Layer(image, kernels, bias, stride, dilation, groups, pads, padding_mode, padded, products, output)


def _dilate(size: int, dilation: int) -> int:
    return dilation * (size - 1) + 1


def _group_planes(planes: np.ndarray, channels: int, groups: int) -> np.ndarray:
    """Reshape planes to (O, C / groups, kh, kw)."""
    if channels % groups:
        message = _("{groups} groups do not divide {n} channels: choose a divisor of {n}.")
        raise ConfigError(message.format(groups=groups, n=channels))
    each = channels // groups
    if planes.ndim < 4:
        planes = planes.reshape(-1, *planes.shape[-2:])
        if len(planes) % each:
            message = _("Expected a multiple of {each} kernel planes, one for each input channel, got {n}.")
            raise ConfigError(message.format(n=len(planes), each=each))
        planes = planes.reshape(-1, each, *planes.shape[-2:])
    if planes.shape[1] != each:
        message = _("Expected kernels of {each} planes, one for each input channel, got {n}.")
        raise ConfigError(message.format(n=planes.shape[1], each=each))
    if len(planes) % groups:
        message = _("{groups} groups do not divide {n} kernels: choose a divisor of {n}.")
        raise ConfigError(message.format(groups=groups, n=len(planes)))
    return planes


def _compute_pads(padding: str | int, sizes: tuple[int, ...], window: tuple[int, int], stride: int) -> Pads:
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        missing = [max(0, (-(-n // stride) - 1) * stride + k - n) for n, k in zip(sizes, window, strict=True)]
        above, left = (n // 2 for n in missing)
        return (above, missing[0] - above), (left, missing[1] - left)
    try:
        n = int(padding)
    except ValueError:
        n = -1
    if n < 0:
        message = _("padding={padding} is not allowed: valid, same, or a number of cells, 0 or more.")
        raise ConfigError(message.format(padding=padding))
    return (n, n), (n, n)


def _pad_image(image: np.ndarray, pads: Pads, padding_mode: str) -> np.ndarray:
    if padding_mode == "zeros":
        return np.pad(image, ((0, 0), *pads))
    for size, pad in zip(image.shape[1:], pads, strict=True):
        if max(pad) >= size:
            message = _("Reflecting {n} cells takes more than {size}: use less padding, or padding_mode zeros.")
            raise ConfigError(message.format(n=max(pad), size=size))
    return np.pad(image, ((0, 0), *pads), mode="reflect")
