"""The Sample network: the first CNN of the PyTorch lecture.

Source: the lectures' own example, after the "Training a Classifier" tutorial of PyTorch; no paper. It is LeNet-5
(LeCun et al. 1998) on color images with ReLU and max pooling.

Idea: two convolutions find features, pooling makes them small, three fully connected layers decide.
It is the smallest network that shows every part a CNN has.

Deviation: none at 32x32. The first fully connected layer (400 inputs there) is computed from the image size, so
other sizes fit; below 16x16 nothing is left after the second pooling.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.network import Body, Network, check_size

MIN_SIZE = 16


class Sample(Network):
    """conv(C, 6, 5) - pool - conv(6, 16, 5) - pool - fc 400-120-84-classes, of images of 16 pixels a side or more.

    Examples
    --------
    >>> Sample(size=32).fc1
    Linear(in_features=400, out_features=120, bias=True)
    """

    head_name = "fc3"

    def __init__(self, classes: int = 10, channels: int = 3, size: int = 32) -> None:
        super().__init__()
        check_size("sample", size, MIN_SIZE, small=True)
        side = ((size - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.maxpool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, 32, 32) to (N, 6, 14, 14)."""
        return self.maxpool(F.relu(self.conv1(x)))

    def stage2(self, x: Tensor) -> Tensor:
        """Map (N, 6, 14, 14) to (N, 16, 5, 5)."""
        return self.maxpool(F.relu(self.conv2(x)))

    def body(self) -> Body:
        return {"stem": self.stem, "stage2": self.stage2}

    def pool(self, x: Tensor) -> Tensor:
        x = F.relu(self.fc1(x.flatten(1)))  # (N, 16, 5, 5) -> (N, 400) -> (N, 120)
        return F.relu(self.fc2(x))
