"""The parameters are counted from the paper's table, apart from the code."""

from __future__ import annotations

import torch
from torch import nn

from discern.models.inception_v2 import HalvingPool
from discern.models.registry import build_model, count_parameters
from discern.models.summary import summarize

# arXiv:1502.03167, figure 5: channels in, 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, pool projection
FIGURE_5 = """
3a  192   64   64   64   64   96   32
3b  256   64   64   96   64   96   64
3c  320    0  128  160   64   96    0
4a  576  224   64   96   96  128  128
4b  576  192   96  128   96  128  128
4c  576  160  128  160  128  160  128
4d  608   96  128  192  160  192  128
4e  608    0  128  192  192  256    0
5a 1056  352  192  320  160  224  128
5b 1024  352  192  320  192  224  128
"""
REFERENCE = 11_295_240  # the published weights (pretrained-models' bninception), a bias in every convolution


def convolutions() -> list[tuple[int, int, int]]:
    """Of every convolution: side of the window, channels in, filters."""
    found = [(7, 3, 64), (1, 64, 64), (3, 64, 192)]
    for row in FIGURE_5.strip().splitlines():
        inputs, one, three_reduce, three, double_reduce, double, projection = map(int, row.split()[1:])
        found += [(1, inputs, filters) for filters in (one, three_reduce, double_reduce, projection) if filters]
        found += [(3, three_reduce, three), (3, double_reduce, double), (3, double, double)]
    return found


def test_parameters_are_the_references() -> None:
    weights = sum(side * side * inputs * filters for side, inputs, filters in convolutions())
    filters = sum(filters for _side, _inputs, filters in convolutions())
    head = 1024 * 1000 + 1000
    counted = weights + 2 * filters + head  # a scale and a shift for every filter
    assert count_parameters("inception-v2") == counted == 11_285_224
    assert counted + filters == REFERENCE  # its biases do nothing before a normalization (section 3.2)


def test_layers_are_those_of_figure_5() -> None:
    with torch.device("meta"):
        network = build_model("inception-v2", classes=1000)
    found = [
        (layer.kernel_size[0], layer.in_channels, layer.out_channels)
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    assert sorted(found) == sorted(convolutions())
    maps = network.stages(torch.zeros(1, 3, 224, 224, device="meta"))
    assert {name: tuple(map.shape[1:]) for name, map in maps.items()} == {
        "stem": (192, 28, 28),
        "inception_3b": (320, 28, 28),
        "inception_4d": (608, 14, 14),
        "inception_5b": (1024, 7, 7),
    }
    assert round(summarize(network, 224).multiply_adds / 1e9, 1) == 2.0


def test_every_convolution_is_normalised() -> None:
    with torch.device("meta"):
        layers = [
            m for m in build_model("inception-v2", classes=10).modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)
        ]
    assert all(isinstance(layer, nn.Conv2d) and layer.bias is None for layer in layers[::2])
    assert all(isinstance(layer, nn.BatchNorm2d) for layer in layers[1::2])


def test_pooling_halves_as_a_strided_convolution_does() -> None:
    for side in range(1, 12):
        x = torch.rand(1, 2, side, side)
        pooled = HalvingPool()(x)
        assert pooled.shape[-1] == nn.Conv2d(2, 2, 3, 2, padding=1)(x).shape[-1]
        for i in range(pooled.shape[-1]):
            for j in range(pooled.shape[-1]):
                window = x[..., 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                assert torch.equal(pooled[..., i, j], window.amax(dim=(2, 3)))


def test_small_stem_keeps_a_small_image() -> None:
    with torch.device("meta"):
        maps = build_model("inception-v2", classes=10, size=28).stages(torch.zeros(1, 3, 28, 28))
    assert [map.shape[-1] for map in maps.values()] == [14, 14, 7, 4]
