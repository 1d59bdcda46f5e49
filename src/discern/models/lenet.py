"""LeNet-5.

Paper: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998 (section II.B, figure 2).

Idea: one small filter slides over the whole image, so a feature is found wherever it is with few weights.
Layers of filters and subsampling alternate until so little place is left that fully connected layers can decide.

Deviation: today's parts in the old frame: ReLU for the scaled tanh, max pooling for trainable averaging, C3 connected
to all six maps (the paper's table II leaves some out to break symmetry) and a linear output with softmax for the
radial basis functions. Images below 32x32 get a border of zeros up to 32 (the paper puts 28x28 digits in 32x32
too); for larger ones the first fully connected layer, C5, grows with the image.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.network import Body, Network

NATIVE = 32


class LeNet(Network):
    """C1 (6 filters 5x5) - S2 - C3 (16 filters 5x5) - S4 - C5 (120) - F6 (84) - classes.

    Examples
    --------
    >>> sum(p.numel() for p in LeNet(size=28).parameters()), sum(p.numel() for p in LeNet(size=32).parameters())
    (61706, 61706)
    """

    head_name = "fc"

    def __init__(self, classes: int = 10, channels: int = 1, size: int = NATIVE) -> None:
        super().__init__()
        border = max(0, NATIVE - size)
        side = ((size + border - 4) // 2 - 4) // 2
        self.border = (border // 2, border - border // 2) * 2  # left, right, top, bottom
        self.c1 = nn.Conv2d(channels, 6, 5)
        self.s2 = nn.MaxPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.s4 = nn.MaxPool2d(2)
        self.c5 = nn.Linear(16 * side * side, 120)
        self.f6 = nn.Linear(120, 84)
        self.fc = nn.Linear(84, classes)

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, 32, 32) or, with a border, (N, C, 28, 28) to (N, 6, 14, 14)."""
        if any(self.border):
            x = F.pad(x, self.border)
        return self.s2(F.relu(self.c1(x)))

    def stage2(self, x: Tensor) -> Tensor:
        """Map (N, 6, 14, 14) to (N, 16, 5, 5)."""
        return self.s4(F.relu(self.c3(x)))

    def body(self) -> Body:
        return {"stem": self.stem, "stage2": self.stage2}

    def pool(self, x: Tensor) -> Tensor:
        x = F.relu(self.c5(x.flatten(1)))  # (N, 16, 5, 5) -> (N, 400) -> (N, 120)
        return F.relu(self.f6(x))
