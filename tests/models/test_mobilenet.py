from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from discern.models.mobilenet import Conv3x3
from discern.models.table import build


@given(side=st.integers(1, 40))
def test_padding_is_tensorflows_same(side: int) -> None:
    # TensorFlow: out = ceil(n / s), padding = (out - 1) s + k - n in all, the smaller half first
    torch.manual_seed(side)
    layer = Conv3x3(2, 4, stride=2)
    x = torch.randn(1, 2, side, side)
    outputs = -(-side // 2)
    padding = max((outputs - 1) * 2 + 3 - side, 0)
    first = padding // 2
    wanted = F.conv2d(F.pad(x, (first, padding - first) * 2), layer.weight, stride=2)
    assert torch.equal(layer(x), wanted)
    assert wanted.shape[-1] == outputs


def test_width_thins_every_layer() -> None:
    for width, filters in ((1.0, 1024), (0.75, 768), (0.5, 512), (0.25, 256)):
        with torch.device("meta"):
            network = build("mobilenet", classes=1000, settings={"width": width})
        assert network.head.in_features == filters


def test_small_stem_leaves_a_map_to_pool() -> None:
    x = torch.zeros(1, 3, 28, 28, device="meta")
    with torch.device("meta"):
        network = build("mobilenet-0.25", classes=10, size=28)
    assert [map.shape[-1] for map in network.stages(x).values()] == [28, 28, 14, 7, 4, 2]
