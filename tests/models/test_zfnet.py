"""The oracle is figure 3 of arXiv:1311.2901, layer by layer; no library has the network."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters

FIGURE = [  # what the figure prints: filters, side of a filter, maps it reads
    (96, 7, 3),
    (256, 5, 96),
    (384, 3, 256),
    (384, 3, 384),
    (256, 3, 384),
    (4096, 6, 256),  # fc6 reads the whole 6 x 6 map
    (4096, 1, 4096),
    (1000, 1, 4096),
]


def test_parameters_are_the_figures() -> None:
    count = sum(filters * (side * side * maps + 1) for filters, side, maps in FIGURE)  # one bias a filter
    assert count == 62_357_608
    assert count_parameters("zfnet") == count


def test_maps_are_the_figures() -> None:
    with torch.device("meta"):
        network = build_model("zfnet", classes=1000)
        x = torch.zeros(1, 3, 224, 224)
        maps = network.stages(x)
        before_pooling = network.get_submodule("conv1.0")(x)
    assert before_pooling.shape[1:] == (96, 110, 110)
    assert [tuple(map.shape[1:]) for map in maps.values()] == [
        (96, 55, 55),
        (256, 13, 13),
        (384, 13, 13),
        (384, 13, 13),
        (256, 6, 6),
    ]


def test_contrast_is_normalised_as_the_alexnet_paper_writes_it() -> None:
    x = torch.rand(2, 12, 3, 3) * 100
    squares = F.pad(x.square(), (0, 0, 0, 0, 2, 2))
    neighbours = sum(squares[:, i : i + 12] for i in range(5))
    wanted = x / (2 + 1e-4 * neighbours) ** 0.75  # k, alpha, n, beta = 2, 1e-4, 5, 0.75: NIPS 2012, section 3.3
    found = build_model("zfnet", classes=2, size=28).get_submodule("conv1.3")(x)
    torch.testing.assert_close(found, wanted)


def test_small_form_leaves_a_map_and_few_neurons() -> None:
    with torch.device("meta"):
        network = build_model("zfnet", classes=10, size=28)
        sides = [map.shape[-1] for map in network.stages(torch.zeros(1, 3, 28, 28)).values()]
    assert sides == [14, 3, 3, 3, 3]
    assert sum(p.numel() for p in network.parameters()) < 7_000_000


@pytest.mark.parametrize("stem, min_size", [("imagenet", 47), ("small", 6)])
def test_min_size_leaves_one_place(stem: str, min_size: int) -> None:
    with torch.device("meta"):
        network = build_model("zfnet", classes=10, size=min_size, model_args={"stem": stem})
        *_others, last = network.stages(torch.zeros(1, 3, min_size, min_size)).values()
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 3, min_size - 1, min_size - 1))
    assert last.shape[-2:] == (1, 1)
    with pytest.raises(ModelError, match=rf"{min_size}.*{min_size - 1}|{min_size - 1}.*{min_size}"):
        build_model("zfnet", classes=10, size=min_size - 1, model_args={"stem": stem})
