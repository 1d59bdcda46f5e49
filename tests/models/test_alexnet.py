"""torchvision is the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
import torchvision

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from tests.oracle import assert_agrees, assert_names

STAGES = {
    "conv1": "features.2",
    "conv2": "features.5",
    "conv3": "features.7",
    "conv4": "features.9",
    "conv5": "features.12",
}


def test_torchvision_weights_load_and_agree_at_every_stage() -> None:
    assert_agrees("alexnet", torchvision.models.alexnet(weights=None), STAGES)


def test_names_and_parameters_are_torchvisions() -> None:
    assert_names("alexnet", lambda: torchvision.models.alexnet(weights=None))
    assert count_parameters("alexnet") == 61_100_840  # torchvision's num_params


def test_dropout_stands_where_torchvision_has_it() -> None:
    with torch.device("meta"):
        ours = build_model("alexnet", classes=1000).get_submodule("classifier")
        theirs = torchvision.models.alexnet(weights=None).classifier
    assert [type(layer) for layer in ours.children()] == [type(layer) for layer in theirs]


def test_small_form_leaves_a_map_and_few_neurons() -> None:
    with torch.device("meta"):
        network = build_model("alexnet", classes=10, size=28)
        sides = [map.shape[-1] for map in network.stages(torch.zeros(1, 3, 28, 28)).values()]
    assert sides == [13, 6, 6, 6, 2]
    assert sum(p.numel() for p in network.parameters()) < 5_000_000


@pytest.mark.parametrize("stem, min_size", [("imagenet", 63), ("small", 15)])
def test_min_size_leaves_one_place(stem: str, min_size: int) -> None:
    with torch.device("meta"):
        network = build_model("alexnet", classes=10, size=min_size, model_args={"stem": stem})
        *_others, last = network.stages(torch.zeros(1, 3, min_size, min_size)).values()
    assert last.shape[-2:] == (1, 1)
    with pytest.raises(ModelError, match=rf"{min_size}.*{min_size - 1}|{min_size - 1}.*{min_size}"):
        build_model("alexnet", classes=10, size=min_size - 1, model_args={"stem": stem})


def test_dropout_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="at least 0 and below 1"):
        build_model("alexnet", classes=10, size=28, model_args={"dropout": 1.0})
