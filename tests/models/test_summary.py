from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from discern.i18n import use_language
from discern.models.summary import summary
from discern.models.table import TABLE, build

# SYLLABUS section 2 = table 1 of arXiv:1704.04861; (times, type, filter shape, input size)
LECTURE = """
1 | Conv / s2 | 3 x 3 x 3 x 32 | 224 x 224 x 3
1 | Conv dw / s1 | 3 x 3 x 32 dw | 112 x 112 x 32
1 | Conv / s1 | 1 x 1 x 32 x 64 | 112 x 112 x 32
1 | Conv dw / s2 | 3 x 3 x 64 dw | 112 x 112 x 64
1 | Conv / s1 | 1 x 1 x 64 x 128 | 56 x 56 x 64
1 | Conv dw / s1 | 3 x 3 x 128 dw | 56 x 56 x 128
1 | Conv / s1 | 1 x 1 x 128 x 128 | 56 x 56 x 128
1 | Conv dw / s2 | 3 x 3 x 128 dw | 56 x 56 x 128
1 | Conv / s1 | 1 x 1 x 128 x 256 | 28 x 28 x 128
1 | Conv dw / s1 | 3 x 3 x 256 dw | 28 x 28 x 256
1 | Conv / s1 | 1 x 1 x 256 x 256 | 28 x 28 x 256
1 | Conv dw / s2 | 3 x 3 x 256 dw | 28 x 28 x 256
1 | Conv / s1 | 1 x 1 x 256 x 512 | 14 x 14 x 256
5 | Conv dw / s1 | 3 x 3 x 512 dw | 14 x 14 x 512
5 | Conv / s1 | 1 x 1 x 512 x 512 | 14 x 14 x 512
1 | Conv dw / s2 | 3 x 3 x 512 dw | 14 x 14 x 512
1 | Conv / s1 | 1 x 1 x 512 x 1024 | 7 x 7 x 512
1 | Conv dw / s1 | 3 x 3 x 1024 dw | 7 x 7 x 1024
1 | Conv / s1 | 1 x 1 x 1024 x 1024 | 7 x 7 x 1024
1 | Avg Pool / s1 | Pool 7 x 7 | 7 x 7 x 1024
1 | FC / s1 | 1024 x 1000 | 1 x 1 x 1024
1 | Softmax / s1 | Classifier | 1 x 1 x 1000
"""


def on_meta(name: str, classes: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return build(name, classes, size=size)


def test_mobilenet_is_the_lectures_table() -> None:
    facts = summary(on_meta("mobilenet", 1000, 224), 224)
    rows = [
        f"{count} | {layer.type} | {layer.filter} | {' x '.join(map(str, layer.input))}"
        for count, layers in facts.folded()
        for layer in layers
    ]
    assert rows == LECTURE.strip().splitlines()


def test_mobilenet_totals_are_the_papers_and_keras() -> None:
    facts = summary(on_meta("mobilenet", 1000, 224), 224)
    assert (facts.trainable, facts.total) == (4_231_976, 4_253_864)
    assert round(facts.multiply_adds / 1e6) == 569  # table 4 of the paper
    assert facts.bytes == 4 * 4_253_864 + 8 * 27  # 27 batch counters of 8 bytes


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("size", [32, "native"])
def test_multiply_adds_agree_with_torchs_counter(name: str, size: int | str) -> None:
    side = TABLE[name].size if size == "native" else int(size)
    network = on_meta(name, 10, side).eval()
    facts = summary(network, side)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, side, side, device="meta"))
    assert 2 * facts.multiply_adds == counter.get_total_flops()
    assert facts.trainable == sum(p.numel() for p in network.parameters())
    assert facts.trainable == sum(layer.parameters for layer in facts.layers) + facts.aside


def test_network_is_left_as_it_was() -> None:
    network = build("lenet", 10, channels=1).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    summary(network, 32, channels=1)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_drawn_table_is_aligned() -> None:
    drawn = str(summary(on_meta("mobilenet", 1000, 224), 224))
    lines = drawn.splitlines()
    column = lines[0].index("Filter shape")
    assert lines[1][column:].startswith("3 x 3 x 3 x 32")
    assert "5 x  Conv dw / s1" in drawn
    assert lines[-2].startswith("4,231,976 trainable parameters, 4,253,864")
    assert lines[-1] == "568,740,352 multiply-adds a picture, weights of 17.0 MB"


def test_chinese_is_drawn_too() -> None:
    with use_language("zh_TW"):
        assert "3 x 3 x 32 dw" in str(summary(on_meta("mobilenet", 1000, 224), 224))


def test_layers_of_other_kinds_have_a_row() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1, groups=2),
        nn.PReLU(),
        nn.AvgPool2d((2, 2), (2, 2)),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    facts = summary(network, 8, channels=4)
    assert [(layer.type, layer.filter) for layer in facts.layers] == [
        ("Conv group / s1", "3 x 3 x 2 x 8"),
        ("Avg Pool / s2", "Pool 2 x 2"),
        ("Max Pool / s2", "Pool 2 x 2"),
        ("FC / s1", "32 x 2"),
        ("Softmax / s1", "Classifier"),
    ]
