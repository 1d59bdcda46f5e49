"""The pictures and kernels that the lectures work through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from discern.lab.options import matrix

Name = Literal[
    "one-channel",
    "two-channels",
    "parameters",
    "cross",
    "sobel",
    "lines",
    "same",
    "scoreboard",
    "stack",
    "separable",
]


@dataclass(frozen=True)
class Worked:
    """One worked convolution; see `discern.lab.convolution.run` for what the parts mean."""

    picture: np.ndarray
    kernels: np.ndarray
    bias: np.ndarray | None = None
    padding: str = "valid"
    groups: int = 1
    then: np.ndarray | None = None
    stack: np.ndarray | None = None


EIGHT = matrix(
    "2 5 5 2 5 2 0 1/2 3 4 0 4 2 1 5/4 3 1 3 5 5 4 3/5 3 4 5 0 2 1 5/"
    "2 3 1 1 1 0 1 3/4 4 1 1 5 1 1 4/2 3 2 2 0 4 2 4/0 5 4 5 3 4 1 4"
)
# As the slide prints it: row 2, column 4 ought to be 37.
SCOREBOARD = matrix(
    "35 27 44 32 36 38/36 36 37 36 36 43/37 37 23 26 17 35/29 25 22 18 14 27/27 25 24 21 24 32/31 38 27 34 25 40"
)
HIDDEN = matrix("1 0 1/2 1 3/1 1 2")
VERTICAL = matrix("0 1 0/0 1 0/0 1 0")
DIAGONAL = np.eye(3)
THREE = np.repeat([[[0.0]], [[1.0]], [[2.0]]], 25, axis=1).reshape(3, 5, 5)  # channels of zeros, ones and twos
TWO = matrix("1 1 1/1 1 1/1 1 1 | 2 2 2/2 2 2/2 2 2")

WORKED: dict[str, Worked] = {
    "one-channel": Worked(matrix("2 4 6/8 10 12/14 16 18"), matrix("1 3/5 7"), np.array([5.0])),
    "two-channels": Worked(TWO, matrix("3 3/3 3 | 4 4/4 4 | 1 1/1 1 | 2 2/2 2"), np.array([10.0, 5.0])),
    "parameters": Worked(THREE, np.ones((2, 3, 3, 3)), then=np.ones((3, 2, 3, 3))),
    "cross": Worked(
        matrix("0 0 0 0 0/0 0 1 1 0/1 1 1 1 1/0 1 0 1 1/0 0 1 0 1"),
        matrix("0 1 0/1 1 1/0 1 0"),
    ),
    "sobel": Worked(
        matrix("0 0 0 0 0 0/0 0 3 3 3 0/0 0 1 1 3 0/0 0 1 1 3 0/0 0 0 0 0 0/0 0 0 0 0 0"),
        matrix("1 0 -1/1 0 -1/1 0 -1"),
    ),
    "lines": Worked(
        matrix("0 1 0 0 1 0 0/0 1 0 0 0 1 0/0 1 0 0 0 0 1"),  # a vertical line, then a diagonal
        np.stack([VERTICAL, DIAGONAL]),
    ),
    "same": Worked(matrix("1 0 0 0 0/1 0 0 0 0/1 0 0 0 0/1 0 0 0 0/1 0 0 0 0"), VERTICAL, padding="same"),
    "scoreboard": Worked(EIGHT, HIDDEN),
    "stack": Worked(EIGHT, HIDDEN, stack=matrix("2 2/3 1")),
    "separable": Worked(TWO, matrix("3 3/3 3 | 4 4/4 4"), groups=2, then=matrix("1|1|1|-1")),
}
