"""The lecture's table: what it prints, and what the networks that run here are counted to be."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import nn

from discern.errors import ModelError
from discern.models.published_table import LECTURE, PublishedModel, get_published_table
from discern.models.registry import build_model

os.environ.setdefault("KERAS_BACKEND", "torch")

PRINTED = """\
Xception 88 .790 .945 22,910,480
VGG16 528 .713 .901 138,357,544
VGG19 549 .713 .900 143,667,240
ResNet50 98 .749 .921 25,636,712
ResNet101 171 .764 .928 44,707,176
ResNet152 232 .766 .931 60,419,944
ResNet50V2 98 .760 .930 25,613,800
ResNet101V2 171 .772 .938 44,675,560
ResNet152V2 232 .780 .942 60,380,648
InceptionV3 92 .779 .937 23,851,784
InceptionResNetV2 215 .803 .953 55,873,736
MobileNet 16 .704 .895 4,253,864
MobileNetV2 14 .713 .901 3,538,984
DenseNet121 33 .750 .923 8,062,504
DenseNet169 57 .762 .932 14,307,880
DenseNet201 80 .773 .936 20,242,984
NASNetMobile 23 .744 .919 5,326,716
NASNetLarge 343 .825 .960 88,949,818
EfficientNetB0 29 5,330,571
EfficientNetB1 31 7,856,239
EfficientNetB2 36 9,177,569
EfficientNetB3 48 12,320,535
EfficientNetB4 75 19,466,823
EfficientNetB5 118 30,562,527
EfficientNetB6 166 43,265,143
EfficientNetB7 256 66,658,687
"""

every = pytest.mark.parametrize("row", LECTURE, ids=lambda row: row.name)


def test_is_the_lectures_table() -> None:
    lines = [line.split() for line in PRINTED.splitlines()]
    for row, (name, megabytes, *accuracies, parameters) in zip(LECTURE, lines, strict=True):
        assert (row.name, row.size_mb) == (name, int(megabytes))
        assert [value for value in (row.top1, row.top5) if value is not None] == [float(value) for value in accuracies]
        assert row.parameters == int(parameters.replace(",", ""))


def test_parameters_are_as_printed_in_all_rows() -> None:
    assert [row.name for row in LECTURE if not row.is_equal] == []


def test_what_training_does_not_change_is_counted_in_pairs() -> None:
    """The rest is a mean and a variance of each channel, and seven numbers of an EfficientNet's input."""
    for row in LECTURE:
        rest = row.total - row.trainable - 7 * row.name.startswith("EfficientNet")
        assert rest >= 0 and rest % 2 == 0


def test_the_one_that_keras_refuses_is_counted_from_ours() -> None:
    row = next(row for row in LECTURE if row.name == "NASNetMobile")
    with torch.device("meta"):
        network = build_model(row.model, classes=1000)
    assert counts(network) == {"trainable": row.trainable, "total": row.total, "layers": row.layers}


@pytest.mark.slow
@every
def test_recount(row: PublishedModel) -> None:
    """Build the real network, count it, and let one image of its native size through."""
    counted, scores = ours(row) if row.model == "nasnet-mobile" else kerases(row)
    gc.collect()
    assert counted == {field.name: getattr(row, field.name) for field in fields(row) if field.name in counted}
    assert scores.shape == (1, 1000)
    assert torch.isfinite(scores).all()


def ours(row: PublishedModel) -> tuple[dict[str, int], torch.Tensor]:
    network = build_model(row.model, classes=1000).eval()
    with torch.no_grad():
        return counts(network), network(torch.rand(1, 3, row.size, row.size))


def kerases(row: PublishedModel) -> tuple[dict[str, int], torch.Tensor]:
    keras = keras_on_torch()
    model = getattr(keras.applications, row.model.removeprefix("keras:"))(weights=None)
    counted = {
        "size": model.input_shape[1],
        "trainable": sum(weight.value.numel() for weight in model.trainable_weights),
        "total": model.count_params(),
        "layers": sum(1 for layer in model.layers if layer.weights),
    }
    with torch.no_grad():
        return counted, model(torch.rand(1, row.size, row.size, 3), training=False).cpu()


def keras_on_torch() -> Any:
    import keras

    if keras.backend.backend() != "torch":
        pytest.skip(f"keras computes with {keras.backend.backend()}; {sys.executable} has it loaded already")
    return keras


def counts(network: nn.Module) -> dict[str, int]:
    """As Keras counts: running statistics are numbers too, a separable convolution is one layer."""
    modules = list(network.modules())
    depthwise = [m for m in modules if isinstance(m, nn.Conv2d) and m.groups > 1]
    return {
        "trainable": sum(p.numel() for p in network.parameters()),
        "total": sum(t.numel() for t in network.state_dict().values() if t.is_floating_point()),
        "layers": sum(1 for m in modules if list(m.parameters(recurse=False))) - len(depthwise),
    }


def test_table_and_json_have_every_row() -> None:
    table = get_published_table("lecture")
    (shown,) = table.tables()
    assert len(shown.rows) == 26
    assert shown.texts()[0] == (
        [
            "Xception",
            "keras:Xception",
            "88",
            "0.790",
            "0.945",
            "22,910,480",
            "126",
            "22,855,952",
            "22,910,480",
            "81",
            "=",
        ]
    )
    assert shown.texts()[18][3:5] == ["–", "–"]
    assert "26 of 26" in table.sentences()[0]
    assert "running mean and variance" in table.sentences()[1]
    row = table.to_json()["rows"][1]
    assert row["name"] == "VGG16" and row["bytes"] == 4 * row["parameters"] and row["equal"]


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ModelError, match=r'Unknown table "lectures" \(did you mean lecture\?\)'):
        get_published_table("lectures")
