"""MobileNet V1.

Paper: A. G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017,
arXiv:1704.04861 (table 1; the width multiplier is section 3.3).

Idea: a convolution is split in two, a depthwise one that filters each channel by itself and a pointwise (1x1) one that
mixes channels; together they cost about a ninth. A width factor thins every layer alike and trades accuracy for speed.

Deviation: ReLU6, TensorFlow's padding and the epsilon of batch normalization are those of the authors' code (and of
Keras), where the paper says ReLU or nothing; so those weights fit. An odd map is padded at both ends, as TensorFlow
does; Keras pads depthwise layers at the far end only, and its next map is smaller by one. The paper prints s2 for the
last depthwise layer by mistake: its input and output are both 7x7. Small images: stem="small" gives the first
convolution stride 1.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, is_small, scale_filters

STAGES = {  # filters and stride of each block, by the size of the map: H/2, H/4, H/8, H/16, H/32
    "stage1": ((64, 1),),
    "stage2": ((128, 2), (128, 1)),
    "stage3": ((256, 2), (256, 1)),
    "stage4": ((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    "stage5": ((1024, 2), (1024, 1)),
}
EPSILON = 1e-3


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution padded as TensorFlow's SAME: with stride 2 an even side gets its zeros only at the far end."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, padding=0 if stride == 2 else 1, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            height, width = x.shape[2:]
            x = F.pad(x, (width % 2, 1, height % 2, 1))
        return super().forward(x)


class Separable(nn.Module):
    """Depthwise 3x3, then pointwise 1x1: (N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.dw = Conv3x3(inputs, inputs, stride, groups=inputs)
        self.dw_bn = nn.BatchNorm2d(inputs, eps=EPSILON)
        self.pw = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pw_bn = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.dw_bn(self.dw(x)))
        return self.relu(self.pw_bn(self.pw(x)))


class MobileNet(Network):
    """One convolution, thirteen depthwise separable ones, global average pooling, a linear head.

    Parameters
    ----------
    width : float
        Fraction of the filters that remain, above 0: the paper's 1.0, 0.75, 0.5, 0.25.

    Examples
    --------
    >>> sum(p.numel() for p in MobileNet().parameters())
    4231976
    """

    head_name = "fc"

    def __init__(
        self, classes: int = 1000, channels: int = 3, size: int = 224, width: float = 1.0, stem: str = "auto"
    ) -> None:
        super().__init__()
        inputs = scale_filters(32, width)
        self.conv1 = Conv3x3(channels, inputs, stride=1 if is_small(stem, size) else 2)
        self.bn1 = nn.BatchNorm2d(inputs, eps=EPSILON)
        self.relu = nn.ReLU6(inplace=True)
        for name, rows in STAGES.items():
            blocks = []
            for filters, stride in rows:
                blocks.append(Separable(inputs, scale_filters(filters, width), stride))
                inputs = scale_filters(filters, width)
            self.add_module(name, nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)
        init_convolutions(self, "fan_in")  # torch's fan_out of a depthwise layer is its channels too large

    @property
    def keras_layers(self) -> dict[str, str]:
        """The layer names of `keras.applications.MobileNet` -> dotted module names here."""
        layers = {"conv1": "conv1", "conv1_bn": "bn1", "conv_preds": "fc"}
        blocks = [f"{stage}.{i}" for stage, rows in STAGES.items() for i in range(len(rows))]
        for number, block in enumerate(blocks, start=1):
            for kind in ("dw", "pw"):
                layers |= {f"conv_{kind}_{number}": f"{block}.{kind}", f"conv_{kind}_{number}_bn": f"{block}.{kind}_bn"}
        return layers

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 32, H / 2, W / 2), or (N, 32, H, W) with the small stem."""
        return self.relu(self.bn1(self.conv1(x)))

    def body(self) -> Body:
        return {"stem": self.stem, **{name: self.get_submodule(name) for name in STAGES}}

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 1024, 7, 7) -> (N, 1024)
