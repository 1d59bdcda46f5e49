from __future__ import annotations

import functools
import json
import re
from dataclasses import asdict

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from discern.i18n import use_language
from discern.models.registry import TABLE, build_model
from discern.models.summary import ModelSummary, summarize

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
        return build_model(name, classes, size=size)


def test_mobilenet_is_the_lectures_table() -> None:
    summary = summarize(on_meta("mobilenet", 1000, 224), 224)
    rows = [
        f"{count} | {layer.type} | {layer.filter} | {' x '.join(map(str, layer.input))}"
        for count, layers in summary.group_repeats()
        for layer in layers
    ]
    assert rows == LECTURE.strip().splitlines()


def test_mobilenet_totals_are_the_papers_and_keras() -> None:
    summary = summarize(on_meta("mobilenet", 1000, 224), 224)
    assert (summary.trainable, summary.total) == (4_231_976, 4_253_864)
    assert round(summary.multiply_adds / 1e6) == 569  # table 4 of the paper
    assert summary.bytes == 4 * 4_253_864 + 8 * 27  # 27 batch counters of 8 bytes


@functools.cache
def native(name: str) -> tuple[nn.Module, ModelSummary]:
    """Return the network as published, without memory, and its summary."""
    row = TABLE[name]
    with torch.device("meta"):
        network = row.build(row.classes, row.channels).eval()
    return network, summarize(network, row.size, row.channels)


def counted(network: nn.Module, size: int, channels: int) -> int:
    """Count operations as torch does: a multiply-add is two."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, channels, size, size, device="meta"))
    return counter.get_total_flops()


@pytest.mark.parametrize("name", TABLE)
def test_multiply_adds_agree_with_torchs_counter(name: str) -> None:
    network, summary = native(name)
    assert 2 * summary.multiply_adds == counted(network, TABLE[name].size, TABLE[name].channels)
    assert summary.multiply_adds == sum(layer.multiply_adds for layer in summary.layers)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_multiply_adds_of_the_small_form_agree(name: str) -> None:
    network = on_meta(name, 10, 32).eval()
    assert 2 * summarize(network, 32).multiply_adds == counted(network, 32, 3)


@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224", "timm:efficientnet_b0", "torchvision:swin_t"])
def test_multiply_adds_of_other_libraries_agree(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, classes=10, size=224).eval()
    assert 2 * summarize(network, 224).multiply_adds == counted(network, 224, 3)


@pytest.mark.parametrize("name", TABLE)
def test_every_parameter_is_on_a_row_or_auxiliary(name: str) -> None:
    network, summary = native(name)
    assert summary.trainable == sum(p.numel() for p in network.parameters())
    assert summary.trainable == sum(layer.parameters for layer in summary.layers) + summary.auxiliary
    heads = [network.get_submodule(head) for head in network.auxiliary.values()]
    assert summary.auxiliary == sum(p.numel() for head in heads for p in head.parameters())


@pytest.mark.parametrize("name", TABLE)
def test_stored_count_is_the_networks(name: str) -> None:
    _network, summary = native(name)
    stored = TABLE[name].parameters or summary.trainable
    assert stored == summary.trainable, f'models/variants.py: "{name}": {summary.trainable:_},'


@pytest.mark.parametrize("name", TABLE)
def test_fields_and_strides_grow(name: str) -> None:
    _network, summary = native(name)
    fields = [stage.receptive_field for stage in summary.stages]
    strides = [stage.stride for stage in summary.stages if stage.stride is not None]
    assert None not in fields
    assert fields == sorted(fields, key=lambda field: field or 0)
    assert strides == sorted(strides)


# the number in the name, or the paper's: GoogLeNet "22 layers deep", AlexNet "eight learned layers"
DEPTHS = {"lenet": 5, "alexnet": 8, "googlenet": 22, "mobilenet": 28, "squeezenet1.0": 18, "feed-forward": 2}


@pytest.mark.parametrize("name", TABLE)
def test_depth_is_the_one_in_the_name(name: str) -> None:
    _network, summary = native(name)
    number = re.fullmatch(r"(?:vgg|resnet|se-resnet|densenet)(\d+)(?:-bn|-narrow)?", name)
    wanted = int(number[1]) if number else DEPTHS.get(name, summary.depth)
    assert summary.depth == wanted


def test_network_is_left_as_it_was() -> None:
    network = build_model("lenet", 10, channels=1).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    summarize(network, 32, channels=1)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_table_has_repeated_groups_once() -> None:
    summary = summarize(on_meta("mobilenet", 1000, 224), 224)
    table = summary.layer_table("Layers")
    assert table.rows[0] == (
        "",
        "Conv / s2",
        "3 x 3 x 3 x 32",
        "224 x 224 x 3",
        "112 x 112 x 32",
        "conv1",
        928,
        10_838_016,
    )
    first = [row[0] for row in table.rows].index("5 x")
    assert [row[:3] for row in table.rows[first : first + 2]] == [
        ("5 x", "Conv dw / s1", "3 x 3 x 512 dw"),
        ("  |", "Conv / s1", "1 x 1 x 512 x 512"),
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)
    with use_language("zh_TW"):
        assert summary.layer_table().rows[1][2] == "3 x 3 x 32 dw"


def test_totals_are_sentences() -> None:
    parameters, work = summarize(on_meta("mobilenet", 1000, 224), 224).totals()
    assert parameters == "4,231,976 trainable parameters, 4,253,864 with the running statistics."
    assert work == "568,740,352 multiply-adds per image; weights file: 17.0 MB."
    googlenet = summarize(on_meta("googlenet", 1000, 224), 224).totals()
    assert googlenet[1] == "6,379,984 of them in auxiliary heads, which only training uses."
    assert summarize(on_meta("lenet", 10, 32), 32).totals()[0].endswith(" parameters, all trainable.")


def test_a_summary_comes_back_from_json() -> None:
    summary = summarize(on_meta("lenet", 10, 32), 32)
    assert ModelSummary.from_json(json.loads(json.dumps(asdict(summary)))) == summary


def test_layers_of_other_kinds_have_a_row() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=1, groups=2),
        nn.PReLU(),
        nn.AvgPool2d((2, 2), (2, 2)),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 2),
    )
    summary = summarize(network, 8, channels=4)
    assert [(layer.type, layer.filter) for layer in summary.layers] == [
        ("Conv group / s1", "3 x 3 x 2 x 8"),
        ("Avg Pool / s2", "Pool 2 x 2"),
        ("Max Pool / s2", "Pool 2 x 2"),
        ("FC / s1", "32 x 2"),
        ("Softmax / s1", "Classifier"),
    ]


def test_padding_belongs_to_the_layer_that_reads_it() -> None:
    network = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(512, 2))
    first, last = summarize(network, 8).layers[:2]
    assert (first.name, first.input, first.output, first.parameters) == ("1", (8, 8, 3), (8, 8, 8), 27 * 8 + 8 + 16)
    assert (last.name, last.input, last.output) == ("4", (1, 1, 512), (1, 1, 2))


def test_pooling_without_a_module_has_a_row() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.fc = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(nn.functional.max_pool2d(self.conv(x), 2).mean((2, 3)))

    kinds = [layer.type for layer in summarize(Functional(), 10).layers]
    assert kinds == ["Conv / s1", "Max Pool / s2", "Avg Pool / s1", "FC / s1", "Softmax / s1"]


def test_a_number_without_a_place_is_followed() -> None:
    class Scalar(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x).mean((2, 3))
            return self.head(y * y.sum().mean())

    assert summarize(Scalar(), 8).layers[-2].output == (1, 1, 2)
