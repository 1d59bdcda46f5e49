"""The course's five-block CNN.

Source: the lectures' own example (the fruit folder of Apple, Banana, Watermelon); no paper. Its blocks are those of
S. Ioffe, C. Szegedy, "Batch Normalization", 2015, arXiv:1502.03167.

Idea: five times convolution, batch normalization and ReLU, growing to 128 filters and shrinking again. Global average
pooling then keeps one number a filter, so images of any size fit and few weights are left to overfit.

Deviation: none. Strides of 4 in all leave 7x7 of 28x28, so small images need no other form.
"""

from __future__ import annotations

from torch import Tensor, nn

from discern.models.network import Body, Network

# Filters, kernel, stride.
STAGES = {"stem": (32, 5, 2), "block2": (64, 5, 2), "block3": (128, 3, 1), "block4": (64, 3, 1), "block5": (32, 3, 1)}


def build_block(inputs: int, filters: int, kernel: int, stride: int) -> nn.Sequential:
    """Build convolution, batch normalization, ReLU: (N, inputs, H, W) -> (N, filters, H / stride, W / stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
    )


class CourseCNN(Network):
    """Five blocks of `STAGES`, global average pooling, a linear head; images of any size fit.

    Examples
    --------
    >>> import torch
    >>> [tuple(map.shape[1:]) for map in CourseCNN().stages(torch.zeros(1, 3, 28, 28)).values()]
    [(32, 14, 14), (64, 7, 7), (128, 7, 7), (64, 7, 7), (32, 7, 7)]
    """

    head_name = "fc"

    def __init__(self, classes: int = 3, channels: int = 3, size: int = 28) -> None:
        super().__init__()
        inputs = channels
        for name, (filters, kernel, stride) in STAGES.items():
            self.add_module(name, build_block(inputs, filters, kernel, stride))
            inputs = filters
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def body(self) -> Body:
        return {name: self.get_submodule(name) for name in STAGES}

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 32, H, W) -> (N, 32)
