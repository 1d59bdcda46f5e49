"""torchvision is the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from discern.models.squeezenet import Fire
from discern.models.summary import summarize
from tests.oracle import assert_agrees, assert_names

STAGES = {  # each ends before torchvision's next pooling
    "squeezenet1.1": ("features.1", "features.4", "features.7", "features.12"),
    "squeezenet1.0": ("features.1", "features.5", "features.10", "features.12"),
}
PUBLISHED = {"squeezenet1.1": 1_235_496, "squeezenet1.0": 1_248_424}  # torchvision's num_params


def reference(name: str) -> nn.Module:
    network: nn.Module = getattr(torchvision.models, name.replace(".", "_"))(weights=None)
    return network


@pytest.mark.parametrize("name", STAGES)
def test_torchvision_weights_load_and_agree_at_every_stage(name: str) -> None:
    assert_agrees(name, reference(name), {f"stage{i}": node for i, node in enumerate(STAGES[name], start=1)})


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_parameters_are_torchvisions(name: str) -> None:
    assert_names(name, lambda: reference(name))
    assert count_parameters(name) == PUBLISHED[name]


def test_later_version_takes_the_authors_share_of_the_work() -> None:
    with torch.device("meta"):
        work = [
            summarize(build_model(name, classes=1000), 224).multiply_adds for name in ("squeezenet1.0", "squeezenet1.1")
        ]
    assert 2.3 < work[0] / work[1] < 2.4  # the authors say 2.4


def test_fire_keeps_the_map_and_puts_its_halves_side_by_side() -> None:
    x = torch.randn(2, 6, 5, 5)
    fire = Fire(6, squeeze=3, expand=4)
    with torch.no_grad():
        squeezed = fire.squeeze(x).clamp(min=0)
        halves = [fire.expand1x1(squeezed), fire.expand3x3(squeezed)]
        assert torch.equal(fire(x), torch.cat(halves, dim=1).clamp(min=0))


@pytest.mark.parametrize("name", PUBLISHED)
def test_small_form_leaves_a_map(name: str) -> None:
    with torch.device("meta"):
        maps = build_model(name, classes=10, size=28).stages(torch.zeros(1, 3, 28, 28))
    assert [map.shape[-1] for map in maps.values()] == [28, 14, 7, 3]


@pytest.mark.parametrize(
    "name, stem, min_size",
    [
        ("squeezenet1.0", "imagenet", 21),
        ("squeezenet1.1", "imagenet", 17),
        ("squeezenet1.0", "small", 8),
    ],
)
def test_min_size_leaves_one_place(name: str, stem: str, min_size: int) -> None:
    with torch.device("meta"):
        network = build_model(name, classes=10, size=min_size, model_args={"stem": stem})
        *_others, last = network.stages(torch.zeros(1, 3, min_size, min_size)).values()
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 3, min_size - 1, min_size - 1))
    assert last.shape[-2:] == (1, 1)
    with pytest.raises(ModelError, match=rf"{min_size}.*{min_size - 1}|{min_size - 1}.*{min_size}"):
        build_model(name, classes=10, size=min_size - 1, model_args={"stem": stem})


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_class_starts_without_gradient(name: str) -> None:
    torch.manual_seed(0)
    network = build_model(name, classes=10, size=32)
    assert (network.head(network.forward_features(torch.randn(2, 3, 32, 32))) > 0).all()


@pytest.mark.parametrize("pools", [(), (1, 4), (4, 2), (2, 2), (10,)])
def test_pooling_before_no_module_is_refused(pools: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="name some of 2 to 9, in order"):
        build_model("squeezenet1.1", classes=10, size=28, model_args={"pools": pools})
