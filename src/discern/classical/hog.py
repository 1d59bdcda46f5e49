"""Histograms of oriented gradients: which way the edges run, cell by cell.

Paper: N. Dalal, B. Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005, section 6.
Idea: gradients vote by their magnitude into nine directions of 0 to 180 degrees in each cell; blocks of 2 x 2 cells are
normalized together (L2-Hys), which takes the light of the scene out.
Deviation: a vote is shared between the two nearest directions, but not between the nearest cells.
"""

from __future__ import annotations

import numpy as np

DIRECTIONS = 9
BLOCK = 2  # cells a side
CLIP = 0.2


def cell_side(side: int) -> int:
    """Return the pixels a side of a cell: 8 as in the paper, less for images that would have fewer than 4 cells a side.

    Examples
    --------
    >>> cell_side(64), cell_side(28), cell_side(8)
    (8, 7, 2)
    """
    return max(2, min(8, side // 4))


def compute_hog(pixels: np.ndarray) -> np.ndarray:
    """Compute the histograms. uint8 (N, H, W, C) -> float32 (N, blocks * 36).

    Examples
    --------
    >>> compute_hog(np.zeros((1, 64, 64, 3), dtype=np.uint8)).shape
    (1, 1764)
    """
    cells = _count_votes(pixels)  # (N, rows, columns, 9)
    n, rows, columns, _directions = cells.shape
    blocks = np.concatenate(
        [cells[:, i : rows - 1 + i, j : columns - 1 + j] for i in range(BLOCK) for j in range(BLOCK)], axis=-1
    )  # (N, rows - 1, columns - 1, 36)
    blocks = np.minimum(_normalize(blocks), CLIP)
    return _normalize(blocks).reshape(n, -1)


def _normalize(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt(np.square(blocks).sum(axis=-1, keepdims=True) + 1e-10)


def _count_votes(pixels: np.ndarray) -> np.ndarray:
    """Sum the votes in each cell. (N, H, W, C) -> (N, rows, columns, 9)"""
    magnitude, angle = _compute_gradients(pixels)
    n, side = len(pixels), cell_side(min(pixels.shape[1:3]))
    rows, columns = pixels.shape[1] // side, pixels.shape[2] // side
    place = angle / (np.pi / DIRECTIONS) - 0.5  # in bins, whose centres are at whole numbers
    low = np.floor(place).astype(np.int64)
    upper = (place - low).astype(np.float32)  # a vote is shared between the two nearest directions
    votes = np.zeros((n, rows, columns, DIRECTIONS), dtype=np.float32)
    for direction in range(DIRECTIONS):
        weight = np.where(low % DIRECTIONS == direction, 1 - upper, 0) + np.where(
            (low + 1) % DIRECTIONS == direction, upper, 0
        )
        vote = (weight * magnitude)[:, : rows * side, : columns * side]
        votes[..., direction] = vote.reshape(n, rows, side, columns, side).sum(axis=(2, 4))
    return votes


def _compute_gradients(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute length and direction (0 to pi) at each pixel, in its steepest color channel. -> (N, H, W) each"""
    x = pixels.astype(np.float32) / 255
    across, down = np.zeros_like(x), np.zeros_like(x)
    across[:, :, 1:-1] = x[:, :, 2:] - x[:, :, :-2]
    down[:, 1:-1] = x[:, 2:] - x[:, :-2]
    length = np.hypot(across, down)
    best = length.argmax(axis=-1)[..., None]
    across, down, length = (np.take_along_axis(a, best, axis=-1)[..., 0] for a in (across, down, length))
    return length, np.mod(np.arctan2(down, across), np.pi)
