from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from discern.data.image import decode_reduced
from discern.models.mobilenet import Conv3x3
from discern.models.network import Network
from discern.models.pretrained import get_input_spec
from discern.models.registry import TABLE, build_model
from discern.models.weights import load_weights, read_weights
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess

os.environ.setdefault("KERAS_BACKEND", "torch")
FILE = "mobilenet_v1_0.25_224_imagenet.safetensors"
KERAS_STAGES = {  # Keras' layers whose outputs are the stages
    "stem": "conv1_relu",
    "stage1": "conv_pw_1_relu",
    "stage2": "conv_pw_3_relu",
    "stage3": "conv_pw_5_relu",
    "stage4": "conv_pw_11_relu",
    "stage5": "conv_pw_13_relu",
}
VARIABLES = ("depthwise_kernel", "kernel", "gamma", "beta", "moving_mean", "moving_variance", "bias")  # Keras' order
INSECTS = {"ants": 310, "bees": 309}  # classes of ImageNet
A_KIND = 20  # images of each


@pytest.fixture(scope="module")
def weights(shared_weights: Path) -> Path:
    path = shared_weights / FILE
    if not path.is_file():
        pytest.skip(f"no weights: {path} is not there")
    return path


@pytest.fixture(scope="module")
def network(weights: Path) -> Network:
    network = TABLE["mobilenet-0.25"].build(classes=1000).eval()
    load_weights(network, weights)
    return network


def keras_model(path: Path, height: int, width: int, top: bool) -> Any:
    """Keras' own network with the tensors of the file, layer by layer; it gives the maps, then the probabilities."""
    import keras

    if keras.backend.backend() != "torch":
        pytest.skip(f"keras computes with {keras.backend.backend()}; {sys.executable} has it loaded already")
    shape = (height, width, 3)
    model = keras.applications.MobileNet(input_shape=shape, alpha=0.25, weights=None, include_top=top)
    tensors, named = read_weights(path), 0
    for layer in model.layers:
        own = [tensors[f"{layer.name}/{name}"] for name in VARIABLES if f"{layer.name}/{name}" in tensors]
        for variable, tensor in zip(layer.weights, own, strict=True):
            variable.assign(tensor)
        named += len(own)
    assert named == len(tensors) - (0 if top else 2)
    maps = [model.get_layer(name).output for name in KERAS_STAGES.values()]
    return keras.Model(model.input, maps + model.outputs if top else maps)


def keras_outputs(model: Any, x: Tensor) -> list[Tensor]:
    """Images (N, C, H, W) -> maps (N, C, H, W) and, with a head, probabilities (N, classes)."""
    with torch.no_grad():
        outputs = model(x.permute(0, 2, 3, 1).contiguous(), training=False)
    return [given.permute(0, 3, 1, 2) if given.dim() == 4 else given for given in outputs]


def photographs(folder: Path, count: int) -> Tensor:
    """The first images of a folder as ImageNet's weights take them: (N, 3, 224, 224)."""
    fed = get_input_spec("mobilenet-0.25")
    spec = Preprocess(size=fed.size, mean=fed.mean, std=fed.std, interpolation=fed.interpolation)
    paths = sorted(folder.glob("*.jpg"))[:count]
    assert len(paths) == count
    pixels = np.stack([spec.apply(*decode_reduced(path.read_bytes(), spec.min_side)) for path in paths])
    return normalize(to_float(torch.from_numpy(pixels)), spec).contiguous()


def test_agrees_with_keras_on_photographs(network: Network, weights: Path, shared_data: Path) -> None:
    x = torch.cat([photographs(shared_data / "hymenoptera" / "val" / name, 2) for name in INSECTS])
    *wanted, probabilities = keras_outputs(keras_model(weights, 224, 224, top=True), x)
    with torch.no_grad():
        maps, logits = network.stages(x), network(x)
    assert list(maps) == list(KERAS_STAGES)
    for ours, theirs in zip(maps.values(), wanted, strict=True):
        close(ours, theirs)
    assert (logits.softmax(1) - probabilities).abs().max() <= 1e-4
    # the logits, but for a constant that softmax does not see
    assert (logits.log_softmax(1) - probabilities.log()).abs().max() <= 1e-4


@pytest.mark.parametrize(("height", "width"), [(95, 95), (127, 64)])  # odd sides that leave even maps
def test_agrees_with_keras_at_other_sizes(network: Network, weights: Path, height: int, width: int) -> None:
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    wanted = keras_outputs(keras_model(weights, height, width, top=False), x)
    with torch.no_grad():
        maps = network.stages(x)
    for ours, theirs in zip(maps.values(), wanted, strict=True):
        close(ours, theirs)


def close(ours: Tensor, theirs: Tensor) -> None:
    """Values of 0 to 6: on photographs float32 alone moves them by 9e-5 from what float64 gives."""
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_weights_and_preprocessing_name_ants_and_bees(network: Network, shared_data: Path) -> None:
    # seen: 15 of 20 ants and 17 of 20 bees (of all 70 and 83 in val: 43 and 72); by chance it would be 1 of 200
    found = []
    for name, label in INSECTS.items():
        with torch.no_grad():
            top = network(photographs(shared_data / "hymenoptera" / "val" / name, A_KIND)).topk(5).indices
        found.append((top == label).any(1))
    assert torch.cat(found).float().mean() >= 0.75


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
            network = build_model("mobilenet", classes=1000, model_args={"width": width})
        assert network.head.in_features == filters


def test_small_stem_leaves_a_map_to_pool() -> None:
    x = torch.zeros(1, 3, 28, 28, device="meta")
    with torch.device("meta"):
        network = build_model("mobilenet-0.25", classes=10, size=28)
    assert [map.shape[-1] for map in network.stages(x).values()] == [28, 28, 14, 7, 4, 2]
