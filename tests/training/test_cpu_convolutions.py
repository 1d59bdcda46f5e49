"""Faster forms of convolutions give the same sums and gradients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from discern.models.registry import build_model
from discern.training.cpu_convolutions import WIDE, cpu_convolutions

SHAPES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (2, 5)]


def run(conv: nn.Conv2d, x: Tensor) -> list[Tensor]:
    """Output and the gradients of input, weight and bias."""
    x = x.detach().clone().requires_grad_()
    y = conv(x)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    wanted = [x, *conv.parameters()]
    return [y.detach(), *torch.autograd.grad((y * weights).sum(), wanted)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_the_same_sums_and_gradients(shape: tuple[int, int], stride: int, bias: bool) -> None:
    conv = nn.Conv2d(3, 4, 3, stride, padding=1, bias=bias, dtype=torch.float64)
    x = torch.randn(5, 3, *shape, dtype=torch.float64)
    wanted = run(conv, x)
    with cpu_convolutions(conv):
        assert "_conv_forward" in vars(conv)
        found = run(conv, x)
    assert "_conv_forward" not in vars(conv)
    assert found[0].shape == wanted[0].shape
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("format", [torch.contiguous_format, torch.channels_last])
def test_any_layout(format: torch.memory_format) -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1).to(memory_format=format)
    x = torch.randn(5, 4, 2, 2).contiguous(memory_format=format)
    wanted = conv(x)
    with cpu_convolutions(conv):
        assert torch.allclose(conv(x), wanted, atol=1e-6)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 5, padding=2),
        nn.Conv2d(4, 4, 3, padding=0),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Conv2d(4, 4, 3, stride=(1, 2), padding=1),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 1),
    ],
    ids=str,
)
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    with cpu_convolutions(conv):
        assert "_conv_forward" not in vars(conv)


def test_names_and_weights_stay_and_an_error_restores_the_classes() -> None:
    model = build_model("resnet18-narrow", classes=3, size=32)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(KeyError), cpu_convolutions(model):
        assert any("_conv_forward" in vars(module) for module in model.modules())
        assert model.state_dict().keys() == before.keys()
        raise KeyError
    assert not any("_conv_forward" in vars(module) for module in model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_whole_network_says_the_same() -> None:
    torch.manual_seed(0)
    model = build_model("resnet18-narrow", classes=3, size=16).eval()
    x = torch.randn(4, 3, 16, 16)  # its last maps are 2x2
    wanted = model(x)
    with cpu_convolutions(model):
        assert torch.allclose(model(x), wanted, atol=1e-5)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("bias", [True, False])
def test_a_strided_pointwise_convolution(side: int, bias: bool) -> None:
    conv = nn.Conv2d(3, 4, 1, stride=2, bias=bias, dtype=torch.float64)
    x = torch.randn(5, 3, side, side, dtype=torch.float64)
    wanted = run(conv, x)
    with cpu_convolutions(conv):
        assert "_conv_forward" in vars(conv)
        for found, value in zip(run(conv, x), wanted, strict=True):
            torch.testing.assert_close(found, value)


def test_batches_of_7_and_8_in_float32_end_well(tmp_path: Path) -> None:
    """Where every test below would be lost as well: in a process of its own."""
    settings = {"size": 32, "batch_size": 8, "train_limit": 60, "precision": "fp32", "memory_format": "contiguous"}
    settings |= {"model": "resnet18-narrow", "epochs": 3, "out": str(tmp_path / "run")}
    code = f"import discern; discern.train('digits', **{settings!r})"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OMP_NUM_THREADS": "2"})


@pytest.mark.parametrize("side", [7, 8])
def test_a_strided_depthwise_convolution_in_bfloat16(side: int) -> None:
    conv, x = nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6), torch.randn(2, 6, side, side)
    with torch.autocast("cpu", torch.bfloat16):
        wanted = run(conv, x)
        with cpu_convolutions(conv):
            found = run(conv, x)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one.float(), other.float(), atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(4, 4), (3, 4)])
def test_a_wide_convolution_over_a_small_map_in_bfloat16(shape: tuple[int, int], stride: int) -> None:
    conv, x = nn.Conv2d(WIDE, WIDE, 3, stride, padding=1), torch.randn(2, WIDE, *shape)
    with torch.autocast("cpu", torch.bfloat16):
        wanted = run(conv, x)
        with cpu_convolutions(conv):
            found = run(conv, x)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one.float(), other.float(), atol=3e-2, rtol=3e-2)


def test_a_convolution_that_pads_for_itself_is_reached() -> None:
    network, x = build_model("mobilenet-0.25", 3, 3, 96).eval(), torch.randn(2, 3, 96, 96)
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        wanted = network(x)
        with cpu_convolutions(network):
            assert sum("_conv_forward" in vars(m) for m in network.modules()) == 4
            found = network(x)
    assert torch.allclose(found.float(), wanted.float(), atol=5e-2, rtol=5e-2)
