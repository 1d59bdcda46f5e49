"""One convolution layer with every product kept.

What deep learning calls a convolution is a cross-correlation: the kernel is not turned round.

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

MOST_PRODUCTS = 5_000_000  # 40 MB of float64

Pads = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Layer:
    """A convolution layer at work on one picture.

    Attributes
    ----------
    picture : numpy.ndarray
        (C, H, W).
    kernels : numpy.ndarray
        (O, C / groups, kh, kw).
    bias : numpy.ndarray, optional
        (O,); none unless given.
    stride, dilation, groups : int
    pads : tuple
        Cells added ((above, below), (left, right)).
    border : {"zero", "reflect"}
        What the added cells hold.
    padded : numpy.ndarray
        (C, H + above + below, W + left + right).
    products : numpy.ndarray
        (O, H', W', C / groups, kh, kw): every input times its weight.
    output : numpy.ndarray
        (O, H', W'): the sum of the products of a window, and the bias.
    """

    picture: np.ndarray
    kernels: np.ndarray
    bias: np.ndarray | None
    stride: int
    dilation: int
    groups: int
    pads: Pads
    border: str
    padded: np.ndarray
    products: np.ndarray
    output: np.ndarray

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from a window's first cell to its last, dilation included."""
        height, width = self.kernels.shape[2:]
        return _reach(height, self.dilation), _reach(width, self.dilation)

    def channels(self, kernel: int) -> range:
        """The channels of the picture that a kernel reads."""
        each = self.kernels.shape[1]
        first = kernel * self.groups // len(self.kernels) * each
        return range(first, first + each)

    def cells(self, row: int, column: int) -> list[tuple[int, int]]:
        """The cells of the padded picture under the window of score (row, column)."""
        height, width = self.kernels.shape[2:]
        return [
            (row * self.stride + i * self.dilation, column * self.stride + j * self.dilation)
            for i, j in np.ndindex(height, width)
        ]

    def patch(self, kernel: int, row: int, column: int) -> np.ndarray:
        """What a kernel sees at score (row, column): (C / groups, kh, kw)."""
        rows, columns = (
            start * self.stride + self.dilation * np.arange(size)
            for start, size in zip((row, column), self.kernels.shape[2:], strict=True)
        )
        return self.padded[np.ix_(np.array(self.channels(kernel)), rows, columns)]


def convolve(
    picture: np.ndarray,
    kernels: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: str | int = "valid",
    border: str = "zero",
    dilation: int = 1,
    groups: int = 1,
) -> Layer:
    """Slide kernels over a picture.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W) or (C, H, W).
    kernels : numpy.ndarray
        (kh, kw), planes (P, kh, kw), of which each kernel takes C / groups in turn, or (O, C / groups, kh, kw).
    bias : numpy.ndarray, optional
        (O,); none unless given.
    padding : {"valid", "same"} or int
        None; as much as keeps ceil(H / stride) rows, an odd cell below and to the right; or cells on every side.

    Raises
    ------
    ConfigError
        When the parts do not fit together; the sentence says which.

    Examples
    --------
    >>> ramp = np.arange(2.0, 20, 2).reshape(3, 3)
    >>> convolve(ramp, np.array([[1.0, 3], [5, 7]]), bias=np.array([5.0])).output
    array([[[129., 161.],
            [225., 257.]]])
    """
    picture = picture[None] if picture.ndim == 2 else picture
    if picture.ndim != 3:
        raise ConfigError(_("One picture of one or several channels is needed: separate its channels with |."))
    kernels = _kernels(kernels, len(picture), groups)
    if bias is not None and bias.shape != (len(kernels),):
        sentence = _("{n} numbers are no bias for {kernels} kernels: give one number for each kernel.")
        raise ConfigError(sentence.format(n=bias.size, kernels=len(kernels)))
    reach = _reach(kernels.shape[2], dilation), _reach(kernels.shape[3], dilation)
    pads = _pads(padding, picture.shape[1:], reach, stride)
    padded = _padded(picture, pads, border)
    if reach[0] > padded.shape[1] or reach[1] > padded.shape[2]:
        sentence = _(
            "A kernel that reaches over {h} x {w} cells does not fit into {rows} x {columns} cells (padding included): "
            "take a smaller kernel or more padding."
        )
        raise ConfigError(sentence.format(h=reach[0], w=reach[1], rows=padded.shape[1], columns=padded.shape[2]))
    views = sliding_window_view(padded, reach, axis=(1, 2))[:, ::stride, ::stride, ::dilation, ::dilation]
    total = views[0].size * kernels.shape[1] * len(kernels)
    if total > MOST_PRODUCTS:
        sentence = _("That would be {n:,} products, of which {most:,} can be kept: take a smaller picture.")
        raise ConfigError(sentence.format(n=total, most=MOST_PRODUCTS))
    patches = views.reshape(groups, -1, *views.shape[1:])  # (G, C / G, H', W', kh, kw)
    own = np.repeat(np.arange(groups), len(kernels) // groups)  # the group of each kernel
    products = patches[own].transpose(0, 2, 3, 1, 4, 5) * kernels[:, None, None] + 0.0  # no -0
    output = products.sum(axis=(3, 4, 5)) + (0 if bias is None else bias[:, None, None])
    return Layer(picture, kernels, bias, stride, dilation, groups, pads, border, padded, products, output)


def _reach(size: int, dilation: int) -> int:
    return dilation * (size - 1) + 1


def _kernels(planes: np.ndarray, channels: int, groups: int) -> np.ndarray:
    """Planes -> (O, C / groups, kh, kw)."""
    if channels % groups:
        sentence = _("{groups} groups do not divide {n} channels into equal parts: take a divisor of {n}.")
        raise ConfigError(sentence.format(groups=groups, n=channels))
    each = channels // groups
    if planes.ndim < 4:
        planes = planes.reshape(-1, *planes.shape[-2:])
        if len(planes) % each:
            sentence = _(
                "{n} kernel planes are no multiple of the {each} channels that each kernel reads: add | planes."
            )
            raise ConfigError(sentence.format(n=len(planes), each=each))
        planes = planes.reshape(-1, each, *planes.shape[-2:])
    if planes.shape[1] != each:
        sentence = _("A kernel of {n} planes cannot read {each} channels: give it one plane for each channel.")
        raise ConfigError(sentence.format(n=planes.shape[1], each=each))
    if len(planes) % groups:
        sentence = _("{groups} groups do not divide {n} kernels into equal parts: take a divisor of {n}.")
        raise ConfigError(sentence.format(groups=groups, n=len(planes)))
    return planes


def _pads(padding: str | int, sizes: tuple[int, ...], reach: tuple[int, int], stride: int) -> Pads:
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        lacking = [max(0, (-(-n // stride) - 1) * stride + r - n) for n, r in zip(sizes, reach, strict=True)]
        above, left = (n // 2 for n in lacking)
        return (above, lacking[0] - above), (left, lacking[1] - left)
    try:
        n = int(padding)
    except ValueError:
        n = -1
    if n < 0:
        sentence = _("padding={padding} is not allowed: valid, same, or a number of cells, 0 or more.")
        raise ConfigError(sentence.format(padding=padding))
    return (n, n), (n, n)


def _padded(picture: np.ndarray, pads: Pads, border: str) -> np.ndarray:
    if border == "zero":
        return np.pad(picture, ((0, 0), *pads))
    for size, pad in zip(picture.shape[1:], pads, strict=True):
        if max(pad) >= size:
            sentence = _("{n} cells cannot be reflected out of {size}: pad with fewer cells, or with border zero.")
            raise ConfigError(sentence.format(n=max(pad), size=size))
    return np.pad(picture, ((0, 0), *pads), mode="reflect")
