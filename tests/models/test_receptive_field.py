"""The oracle is the gradient: pixels that change a unit are those it depends on.

Weights are positive and pooling is by average, so no way from a pixel to a unit is cut or cancelled.
"""

from __future__ import annotations

from typing import TypeVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.network import Network
from discern.models.receptive_field import Axis, ReceptiveField
from discern.models.registry import TABLE, build_model
from discern.models.summary import summarize
from discern.models.tracer import LayerTracer

Module = TypeVar("Module", bound=nn.Module)


def trace(network: Network | Chain, size: int, channels: int = 3) -> dict[str, ReceptiveField]:
    like = next(network.parameters())
    image = torch.zeros(1, channels, size, size, dtype=like.dtype, device=like.device)
    with torch.no_grad(), LayerTracer(network, image) as tracer:
        return {name: tracer.fields[map] for name, map in network.stages(image).items()}


@pytest.fixture
def smooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations that let every pixel through: means for maxima, nothing cut off at 6."""

    def mean(
        x: Tensor, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool, **_more: bool
    ) -> Tensor:
        return F.avg_pool2d(x, kernel, stride, padding, ceil_mode)

    monkeypatch.setattr(F, "max_pool2d", mean)
    monkeypatch.setattr(F, "hardtanh", lambda x, *_bounds: x)  # is ReLU6


def positive(network: Module) -> Module:
    for parameter in network.double().eval().parameters():
        nn.init.constant_(parameter, 1 / max(1, parameter[0].numel()) if parameter.dim() > 1 else 1.0)
    return network


def support(map: Tensor, image: Tensor, row: int, column: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """First and last row, first and last column of the pixels that unit (row, column) changes with."""
    (gradient,) = torch.autograd.grad(map[0, :, row, column].sum(), image, retain_graph=True)
    changed = gradient[0].abs().sum(0) > 0
    rows, columns = changed.any(1).nonzero().flatten(), changed.any(0).nonzero().flatten()
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


def within(axis: Axis | None, unit: int, size: int) -> tuple[int, int]:
    assert axis is not None
    first, last = unit * axis.jump + axis.first, unit * axis.jump + axis.last
    return max(0, int(first)), min(size - 1, int(last))


def assert_gradient_agrees(network: Network | Chain, size: int) -> None:
    fields = trace(network, size, channels=1)
    image = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    for name, map in network.stages(image).items():
        rows, columns = map.shape[2:]
        height, width = fields[name].axes
        for row, column in {(0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1)}:
            wanted = within(height, row, size), within(width, column, size)
            assert support(map, image, row, column) == wanted, (name, row, column)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("lenet", 32),
        ("cnn-course", 64),
        ("resnet18-narrow", 128),
        ("mobilenet-0.25", 192),
        ("squeezenet1.1", 127),
        ("googlenet", 72),
    ],
)
@pytest.mark.usefixtures("smooth")
def test_gradient_agrees_at_every_stage(name: str, size: int) -> None:
    row = TABLE[name]
    published = {"stem": "imagenet"} if "stem" in row.model_args else {}
    network = build_model(name, classes=2, channels=1, size=size, model_args=published)
    assert_gradient_agrees(positive(network), size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [("mobilenet-0.25", 384), ("resnet18-narrow", 480), ("densenet121", 96), ("nasnet-mobile", 95), ("vgg11", 192)],
)
@pytest.mark.usefixtures("smooth")
def test_gradient_agrees_on_images_larger_than_the_field(name: str, size: int) -> None:
    row = TABLE[name]
    network = build_model(
        name, classes=2, channels=1, size=size, model_args={"stem": "imagenet"} if "stem" in row.model_args else {}
    )
    assert_gradient_agrees(positive(network), size)


class Chain(nn.Module):
    """Windows one after the other, then two branches that are cut and padded apart."""

    def __init__(self, windows: list[tuple[int, int, int, int]], border: int) -> None:
        super().__init__()
        self.border = border
        self.windows = nn.Sequential(
            *(nn.Conv2d(1, 1, k, s, min(p, d * (k - 1)), d, bias=False) for k, s, p, d in windows)
        )
        self.corner = nn.Conv2d(1, 1, 2, bias=False)

    def stages(self, x: Tensor) -> dict[str, Tensor]:
        map = self.windows(x)
        padded = F.pad(map, (self.border, 1, self.border, 1))
        both = torch.cat([self.corner(padded[:, :, 1:, 1:]), padded[:, :, 1:-1, 1:-1]], dim=1)
        return {"windows": map, "both": both, "every other": both.transpose(2, 3)[..., ::2, ::2]}


window = st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2))


@settings(deadline=None, max_examples=60)
@given(windows=st.lists(window, min_size=1, max_size=4), border=st.integers(0, 3))
def test_any_chain_of_windows(windows: list[tuple[int, int, int, int]], border: int) -> None:
    network, size = positive(Chain(windows, border)), 160
    fields = trace(network, size, channels=1)
    image = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
    for name, map in network.stages(image).items():
        row, column = (side // 2 for side in map.shape[2:])  # does not reach the border
        wanted = within(fields[name].axes[0], row, size), within(fields[name].axes[1], column, size)
        assert support(map, image, row, column) == wanted, name


# Araujo et al., Distill 2019, table of receptive fields: AlexNet 195, VGG-16 212, MobileNet v1 315, Inception v2 699;
# their ResNet-50 has its strides elsewhere (483, as SE-ResNet-50 has them). ResNet-18: 435, the usual count.
PUBLISHED = {
    "alexnet": 195,
    "vgg16": 212,
    "mobilenet": 315,
    "inception-v2": 699,
    "resnet18": 435,
    "se-resnet50": 483,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_last_stage_is_as_published(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, classes=1000)
    assert summarize(network, 224).stages[-1].receptive_field == PUBLISHED[name]


def test_vgg_and_alexnet_before_the_last_pooling() -> None:
    for name, wanted in (("alexnet", 163), ("vgg16", 196)):
        with torch.device("meta"):
            network = build_model(name, classes=1000)
        convolutions = [layer for layer in summarize(network, 224).layers if layer.kind == "Conv"]
        assert convolutions[-1].receptive_field == wanted


def test_a_gate_widens_nothing() -> None:
    with torch.device("meta"):
        plain, gated = build_model("resnet18", classes=10), build_model("se-resnet18", classes=10)
    assert [stage.receptive_field for stage in summarize(plain, 224).stages] == [
        stage.receptive_field for stage in summarize(gated, 224).stages
    ]
    assert not summarize(plain, 224).has_gates
    assert summarize(gated, 224).has_gates


def test_dense_layers_see_the_whole_image() -> None:
    stages = summarize(build_model("mlp-course", classes=3), 28).stages
    assert [stage.receptive_field for stage in stages] == [1, 28, 28, 28]
    assert stages[-1].height is None


def test_what_has_no_rule_is_unknown() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3))
    image = torch.zeros(1, 1, 8, 8)
    with torch.no_grad(), LayerTracer(network, image) as tracer:
        field = tracer.fields[network(image)]
    assert field.size is None
    assert field.depth == 2
