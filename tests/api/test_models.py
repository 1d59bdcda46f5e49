"""The table, one network of it, and several side by side, as Python gives them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import discern
from discern.errors import ModelError
from discern.models.registry import TABLE


def test_list_has_every_network_in_the_order_of_history() -> None:
    models = discern.list_models().networks
    assert [model.name for model in models] == list(TABLE)
    years = [model.year for model in models]
    assert years == sorted(years)


def test_list_loads_no_torch() -> None:
    code = "import sys, discern; discern.list_models(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_description_is_json_with_every_fact() -> None:
    facts = json.loads(json.dumps(discern.describe_model("resnet18", size=32).to_json()))
    assert (facts["year"], facts["native_size"], facts["size"], facts["classes"]) == (2015, 224, 32, 1000)
    assert "arXiv:1512.03385" in facts["paper"]
    assert facts["depth"] == 18
    assert facts["trainable"] < facts["total"]
    assert facts["stages"][-1]["receptive_field"] == 109
    assert facts["layers"][0]["filter"] == "3 x 3 x 3 x 64"


def test_facts_that_another_library_does_not_give_are_left_out() -> None:
    facts = discern.describe_model("timm:resnet18").to_json()
    assert not {"year", "paper"} & facts.keys()
    assert facts["multiply_adds"] == discern.describe_model("resnet18").summary.multiply_adds
    assert facts["stages"][-1]["receptive_field"] == 435


@pytest.mark.parametrize("name", ["alexnet", "sample", "torchvision:inception_v3"])
def test_images_too_small_are_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(ModelError, match="8") as refused:
        discern.describe_model(name, size=8)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", TABLE)
def test_a_size_fits_or_is_refused(name: str) -> None:
    try:
        discern.describe_model(name, size=9)
    except ModelError as refused:
        assert "9" in str(refused)


def test_comparison_is_a_row_a_network() -> None:
    found = discern.compare_models(["resnet18", "lenet", "resnet18"], size=32)
    rows = found.rows()
    assert [row["name"] for row in rows] == ["resnet18", "lenet"]
    assert rows[1]["depth"] == 5
    assert "latency_ms" not in rows[0]
    assert found.to_json() == {"networks": rows}


def test_comparison_measures_here() -> None:
    found = discern.compare_models(["feed-forward", "lenet"], size=32, time=True).to_json()
    assert found["batch_size"] == 32
    assert found["machine"]["threads"] >= 1
    assert all(row["latency_ms"] > 0 and row["images_per_second"] > 0 for row in found["networks"])


def test_comparison_needs_names() -> None:
    with pytest.raises(ModelError, match="--compare lenet resnet18"):
        discern.compare_models([])
