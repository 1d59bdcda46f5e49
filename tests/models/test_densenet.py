"""torchvision is the oracle: same names, same numbers; the counts are Keras' too."""

from __future__ import annotations

import pytest
import torch
import torchvision

from discern.errors import ModelError
from discern.models.densenet import DenseBlock
from discern.models.registry import build_model, count_parameters
from discern.models.summary import summarize
from tests.oracle import assert_agrees, assert_names

STAGES = {
    "stem": "features.pool0",
    "denseblock1": "features.denseblock1",
    "denseblock2": "features.denseblock2",
    "denseblock3": "features.denseblock3",
    "denseblock4": "relu",
}
TRAINABLE = {"densenet121": 7_978_856, "densenet169": 14_149_480, "densenet201": 20_013_928}  # torchvision's num_params
TOTAL = {"densenet121": 8_062_504, "densenet169": 14_307_880, "densenet201": 20_242_984}  # Keras', the lecture's table


def light_first() -> list[object]:
    first, *rest = TRAINABLE
    return [first, *(pytest.param(name, marks=pytest.mark.slow) for name in rest)]


@pytest.mark.parametrize("name", light_first())
def test_torchvision_weights_load_and_agree_at_every_stage(name: str) -> None:
    assert_agrees(name, getattr(torchvision.models, name)(weights=None), STAGES)


@pytest.mark.parametrize("name", TRAINABLE)
def test_names_and_parameters_are_torchvisions_and_keras(name: str) -> None:
    network = assert_names(name, lambda: getattr(torchvision.models, name)(weights=None))
    assert count_parameters(name) == TRAINABLE[name]
    assert summarize(network, 224).total == TOTAL[name]


def test_every_layer_reads_all_maps_before_it() -> None:
    block = DenseBlock(inputs=6, count=4, growth=3).eval()
    x = torch.randn(2, 6, 5, 5)
    with torch.no_grad():
        maps = block(x)
        assert maps.shape == (2, 6 + 4 * 3, 5, 5)
        assert torch.equal(maps[:, :6], x)
        for number, layer in enumerate(block.values()):
            inputs = 6 + number * 3
            assert torch.equal(layer(maps[:, :inputs]), maps[:, inputs : inputs + 3])


def test_maps_are_left_as_they_were() -> None:
    network = build_model("densenet121", classes=10, size=28).eval()
    with torch.no_grad():
        maps = network.stages(torch.randn(1, 3, 28, 28))
        copies = {name: map.clone() for name, map in maps.items()}
        network.forward_head(network.pool(maps["denseblock4"]))
        for stage, name in zip(list(network.body().values())[1:], list(maps)[:-1], strict=True):
            stage(maps[name])
    assert all(torch.equal(maps[name], copies[name]) for name in maps)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"blocks": (6, 12)}, "give four numbers"),
        ({"growth": 0}, "grow by 0: it must be 1 or more"),
        ({"stem": "imagenet"}, r"densenet needs images of at least 29x29 pixels, got 28x28.*stem=small"),
    ],
)
def test_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_model("densenet121", classes=10, size=28, model_args=settings)


def test_min_sizes_leave_a_map() -> None:
    for stem, min_size in (("imagenet", 29), ("small", 8)):
        with torch.device("meta"):
            network = build_model("densenet121", classes=10, size=min_size, model_args={"stem": stem})
            assert network(torch.zeros(2, 3, min_size, min_size)).shape == (2, 10)
    with pytest.raises(ModelError, match="densenet needs images of at least 8x8"):
        build_model("densenet121", classes=10, size=7)


def test_small_stem_keeps_a_small_image() -> None:
    with torch.device("meta"):
        maps = build_model("densenet121", classes=10, size=32).stages(torch.zeros(1, 3, 32, 32))
    assert [map.shape[-1] for map in maps.values()] == [32, 32, 16, 8, 4]
