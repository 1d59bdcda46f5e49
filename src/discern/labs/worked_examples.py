"""The images and kernels that the lectures work through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from discern.labs.options import parse_matrix

ExampleName = Literal[
    "one-channel", "two-channels", "parameters", "cross", "sobel", "lines", "same", "feature-map", "stack", "separable"
]


@dataclass(frozen=True)
class WorkedExample:
    """One worked convolution; its fields are parameters of `discern.labs.convolution.run`."""

    image: np.ndarray
    kernels: np.ndarray
    bias: np.ndarray | None = None
    padding: str | int = "valid"
    groups: int = 1
    second_kernels: np.ndarray | None = None
    stack: np.ndarray | None = None


IMAGE_8X8 = parse_matrix(
    "2 5 5 2 5 2 0 1/2 3 4 0 4 2 1 5/4 3 1 3 5 5 4 3/5 3 4 5 0 2 1 5/"
    "2 3 1 1 1 0 1 3/4 4 1 1 5 1 1 4/2 3 2 2 0 4 2 4/0 5 4 5 3 4 1 4"
)
# The lecture's "scoreboard", as the slide prints it: row 2, column 4 should be 37.
FEATURE_MAP = parse_matrix(
    "35 27 44 32 36 38/36 36 37 36 36 43/37 37 23 26 17 35/29 25 22 18 14 27/27 25 24 21 24 32/31 38 27 34 25 40"
)
HIDDEN_FILTER = parse_matrix("1 0 1/2 1 3/1 1 2")
VERTICAL = parse_matrix("0 1 0/0 1 0/0 1 0")
DIAGONAL = np.eye(3)
CHANNELS_0_1_2 = np.repeat([[[0.0]], [[1.0]], [[2.0]]], 25, axis=1).reshape(3, 5, 5)
CHANNELS_1_2 = parse_matrix("1 1 1/1 1 1/1 1 1 | 2 2 2/2 2 2/2 2 2")

WORKED_EXAMPLES: dict[str, WorkedExample] = {
    "one-channel": WorkedExample(parse_matrix("2 4 6/8 10 12/14 16 18"), parse_matrix("1 3/5 7"), np.array([5.0])),
    "two-channels": WorkedExample(
        CHANNELS_1_2, parse_matrix("3 3/3 3 | 4 4/4 4 | 1 1/1 1 | 2 2/2 2"), np.array([10.0, 5.0])
    ),
    "parameters": WorkedExample(CHANNELS_0_1_2, np.ones((2, 3, 3, 3)), second_kernels=np.ones((3, 2, 3, 3))),
    "cross": WorkedExample(
        parse_matrix("0 0 0 0 0/0 0 1 1 0/1 1 1 1 1/0 1 0 1 1/0 0 1 0 1"), parse_matrix("0 1 0/1 1 1/0 1 0")
    ),
    "sobel": WorkedExample(
        parse_matrix("0 0 0 0 0 0/0 0 3 3 3 0/0 0 1 1 3 0/0 0 1 1 3 0/0 0 0 0 0 0/0 0 0 0 0 0"),
        parse_matrix("1 0 -1/1 0 -1/1 0 -1"),
    ),
    "lines": WorkedExample(
        parse_matrix("0 1 0 0 1 0 0/0 1 0 0 0 1 0/0 1 0 0 0 0 1"),  # a vertical line, then a diagonal
        np.stack([VERTICAL, DIAGONAL]),
    ),
    "same": WorkedExample(parse_matrix("1 0 0 0 0/1 0 0 0 0/1 0 0 0 0/1 0 0 0 0/1 0 0 0 0"), VERTICAL, padding="same"),
    "feature-map": WorkedExample(IMAGE_8X8, HIDDEN_FILTER),
    "stack": WorkedExample(IMAGE_8X8, HIDDEN_FILTER, stack=parse_matrix("2 2/3 1")),
    "separable": WorkedExample(
        CHANNELS_1_2, parse_matrix("3 3/3 3 | 4 4/4 4"), groups=2, second_kernels=parse_matrix("1|1|1|-1")
    ),
}
