"""What a detector or a segmentation network builds on: maps, their strides and channels, and nothing besides."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import discern
from discern.errors import DownloadError, ModelError
from discern.models.backbone import Backbone
from discern.models.network import Model
from discern.models.registry import TABLE, build_model
from discern.models.weights import load_weights, save_weights
from discern.runs.run import Run
from tests.images import make_folder

os.environ.setdefault("KERAS_BACKEND", "torch")
MOBILENET = "mobilenet_v1_0.25_224_imagenet.safetensors"
PLAIN = {"precision": "fp32", "memory_format": "contiguous", "size": 28}
FAMILIES = {row.family.module: name for name, row in reversed(TABLE.items()) if row.family.module != "mlp"}  # one each


class Pyramid(nn.Module):
    """A feature pyramid: the last map of each stride, made equally wide, the coarse added to the fine."""

    def __init__(self, backbone: Backbone, width: int = 16) -> None:
        super().__init__()
        self.backbone = backbone
        self.names = {stride: name for name, stride in backbone.strides.items()}
        self.lateral = nn.ModuleDict({name: nn.Conv2d(backbone.channels[name], width, 1) for name in backbone.stages})

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        maps, levels = self.backbone(x), {}
        top: Tensor | None = None
        for stride in sorted(self.names, reverse=True):
            level = self.lateral[self.names[stride]](maps[self.names[stride]])
            top = level if top is None else level + F.interpolate(top, level.shape[2:])
            levels[stride] = top
        return levels


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("resnet18", ("layer1", "layer2", "layer3", "layer4")),
        ("mobilenet-0.25", ("stage2", "stage3", "stage4", "stage5")),
        ("googlenet", ("inception3b", "inception4e", "inception5b")),
    ],
)
def test_a_pyramid_stands_on_it_and_learns(name: str, stages: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    pyramid = Pyramid(discern.backbone(name, stages=stages)).train()
    x = torch.randn(2, 3, 96, 128)
    levels = pyramid(x)
    strides = [4, 8, 16, 32] if len(stages) == 4 else [8, 16, 32]
    assert {stride: tuple(map.shape) for stride, map in levels.items()} == {
        stride: (2, 16, 96 // stride, 128 // stride) for stride in strides
    }
    targets = {stride: torch.randn_like(map) for stride, map in levels.items()}
    optimizer = torch.optim.SGD(pyramid.parameters(), lr=1e-3)
    before = loss(levels, targets)
    before.backward()
    unread = [key for key, p in pyramid.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not unread
    optimizer.step()
    assert loss(pyramid(x), targets) < before


def loss(levels: Mapping[int, Tensor], targets: Mapping[int, Tensor]) -> Tensor:
    return torch.stack([F.mse_loss(levels[stride], target) for stride, target in targets.items()]).sum()


@pytest.mark.parametrize("name", FAMILIES.values())
def test_strides_and_channels_are_those_of_the_maps(name: str) -> None:
    size = TABLE[name].size
    with torch.device("meta"):
        backbone = discern.backbone(name)
        maps = backbone(torch.zeros(2, 3, size, size))
    assert list(maps) == list(backbone.strides) == list(backbone.channels) == list(backbone.stages)
    for stage, map in maps.items():
        stride, side = backbone.strides[stage], map.shape[-1]
        assert map.shape == (2, backbone.channels[stage], side, side)
        assert (side - 1) * stride < size < 2 * side * stride  # lost borders and incomplete last windows included


@pytest.mark.parametrize("name", ["resnet18-narrow", "googlenet", "vgg11", "nasnet-mobile", "squeezenet1.0"])
def test_every_parameter_left_is_needed(name: str) -> None:
    with torch.device("meta"):
        backbone = Backbone(build_model(name, classes=7, size=64), size=64)
        sum(map.sum() for map in backbone(torch.zeros(2, 3, 64, 64)).values()).backward()
    assert all(p.requires_grad and p.grad is not None for p in backbone.parameters())


def test_stages_left_out_are_not_computed() -> None:
    with torch.device("meta"):
        whole, half = discern.backbone("resnet18"), discern.backbone("resnet18", stages=("layer2", "layer1"))
    assert half.stages == ("layer1", "layer2")
    assert count(half) == 683_072 < count(whole) == 11_689_512 - 513_000


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_frozen_parameters_stay_frozen_and_in_their_mode() -> None:
    network = build_model("resnet18-narrow", classes=3, size=32).eval().requires_grad_(False)
    backbone = Backbone(network, size=32)
    assert not backbone.training
    assert not any(p.requires_grad for p in backbone.parameters())


def test_state_is_saved_loaded_and_copied(tmp_path: Path) -> None:
    one, other = (discern.backbone("mobilenet-0.25").eval() for _again in range(2))
    save_weights(one, tmp_path / "backbone.safetensors")
    load_weights(other, tmp_path / "backbone.safetensors")
    x = torch.randn(1, 3, 70, 45)
    same(one(x), other(x))
    same(one(x), copy.deepcopy(one)(x))


def same(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    for name, map in found.items():
        assert torch.equal(map, wanted[name])


def test_weights_of_a_file(shared_weights: Path) -> None:
    backbone = discern.backbone(weights=shared_weights / MOBILENET).eval()
    network = build_model("mobilenet-0.25", classes=1000).eval()
    load_weights(network, shared_weights / MOBILENET)
    x = torch.randn(1, 3, 160, 120)
    same(backbone(x), network.stages(x))
    assert (backbone.mean, backbone.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert list(backbone.strides.values()) == [2, 2, 4, 8, 16, 32]
    assert discern.backbone("mobilenet-0.25", str(shared_weights / MOBILENET)).channels == backbone.channels


def test_weights_of_another_network(shared_weights: Path) -> None:
    with pytest.raises(ModelError, match=r"does not fit the network.*conv1\.weight"):
        discern.backbone("resnet18", weights=shared_weights / MOBILENET)
    with pytest.raises(ModelError, match=r"conv1\.weight is 8x3x3x3, expected 8x1x3x3"):
        discern.backbone(weights=shared_weights / MOBILENET, channels=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = make_folder(tmp_path_factory.mktemp("data"))
    out = tmp_path_factory.mktemp("runs") / "run"
    return discern.train(folder, model="resnet18-narrow", epochs=1, out=out, **PLAIN)


def test_weights_of_a_run(run: Run) -> None:
    network: Model = discern.load(run.path).network
    x = torch.randn(2, 3, 40, 28)
    for weights in (run, run.path, run.path / "model.json"):
        backbone = discern.backbone(weights=weights).eval()
        for name, map in backbone(x).items():
            torch.testing.assert_close(map, network.stages(x)[name])
        assert list(backbone.strides.values()) == [1, 1, 2, 4, 8]
        assert len(backbone.mean) == len(backbone.std) == 3
    with pytest.raises(ModelError, match="holds a resnet18-narrow, not a resnet50"):
        discern.backbone("resnet50", weights=run)


def test_official_weights_that_cannot_be_fetched() -> None:
    with pytest.raises(DownloadError, match=r"resnet18-f37072fd\.pth"):
        discern.backbone("resnet18", weights=True)


def test_refuses_what_makes_no_maps() -> None:
    with pytest.raises(ModelError, match="no feature maps"):
        discern.backbone("mlp-course")
    with pytest.raises(ModelError, match=r'Unknown stage "layer5" .did you mean layer4'):
        discern.backbone("resnet18-narrow", stages=("layer5",))
    with pytest.raises(ModelError, match="Specify a network"):
        discern.backbone()


FOREIGN = [
    ("timm:mobilenetv3_small_050", [2, 4, 8, 16, 32]),
    ("torchvision:squeezenet1_1", [2, 4, 8, 16]),
    pytest.param("torchvision:googlenet", [2, 4, 8, 16, 32], marks=pytest.mark.slow),
    pytest.param("torchvision:vgg11", [1, 2, 4, 8, 16, 32], marks=pytest.mark.slow),
    pytest.param("torchvision:swin_t", [4, 8, 16, 32], marks=pytest.mark.slow),
    pytest.param("timm:convnext_atto", [4, 8, 16, 32], marks=pytest.mark.slow),
    pytest.param("keras:MobileNet", [2, 4, 8, 16, 32], marks=pytest.mark.slow),
    pytest.param("keras:VGG16", [1, 2, 4, 8, 16, 32], marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "strides"), FOREIGN)
def test_networks_of_other_libraries(name: str, strides: list[int]) -> None:
    if name.startswith("keras:"):
        pytest.importorskip("keras")
    torch.manual_seed(0)
    backbone = discern.backbone(name).train()
    assert list(backbone.strides.values()) == strides
    x = torch.randn(2, 3, 128, 192)  # neither its size nor square
    maps = backbone(x)
    for stage, stride in backbone.strides.items():
        _n, channels, height, width = maps[stage].shape
        assert channels == backbone.channels[stage]
        assert abs(height - 128 / stride) <= 1
        assert abs(width - 192 / stride) <= 1
    sum(map.square().sum() for map in maps.values()).backward()
    assert all(p.grad is not None for p in backbone.parameters() if p.requires_grad)
    backbone.eval()
    same(backbone(x), copy.deepcopy(backbone)(x))
