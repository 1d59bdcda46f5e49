"""One network described, several compared, all listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from discern.errors import ModelError
from discern.models.description import describe_network
from discern.models.listing import ModelList, list_networks
from discern.models.model_comparison import compare_networks
from discern.models.registry import TABLE
from discern.result import Result


def test_sentences_have_the_facts() -> None:
    text = "\n".join(describe_network("resnet18").sentences())
    for fact in ("2015", "arXiv:1512.03385", "224x224", "11,689,512", "11,699,112", "1,814,073,344", "46.8 MB", "18:"):
        assert fact in text
    assert "extends beyond the image" in text and "Gates" not in text
    assert "numbers below are for images of 32x32" in "\n".join(describe_network("se-resnet18", 32).sentences())
    assert "Gates count for neither" in describe_network("se-resnet18", 32).sentences()[-1]


def test_tables_are_stages_and_on_request_layers() -> None:
    (stages,) = describe_network("resnet18").tables()
    assert stages.texts()[-1] == ["layer4", "7 x 7", "512", "32", "435"]
    _stages, layers = describe_network("mobilenet", shows_layers=True).tables()
    assert layers.texts()[0][1:5] == ["Conv / s2", "3 x 3 x 3 x 32", "224 x 224 x 3", "112 x 112 x 32"]
    (stages,) = describe_network("mlp-course").tables()
    assert stages.texts()[-1] == ["hidden3", "–", "128", "–", "28"]


def test_json_has_every_fact_that_exists() -> None:
    facts = json.loads(json.dumps(describe_network("resnet18", size=32).to_json()))
    assert (facts["year"], facts["native_size"], facts["size"], facts["classes"]) == (2015, 224, 32, 1000)
    assert facts["depth"] == 18
    assert facts["trainable"] < facts["total"]
    assert facts["stages"][-1]["receptive_field"] == 109
    assert facts["layers"][0]["filter"] == "3 x 3 x 3 x 64"
    other = describe_network("timm:resnet18").to_json()
    assert not {"year", "paper"} & other.keys()
    assert other["multiply_adds"] == describe_network("resnet18").summary.multiply_adds
    assert other["stages"][-1]["receptive_field"] == 435


@pytest.mark.parametrize("name", ["alexnet", "sample", "torchvision:inception_v3"])
def test_images_too_small_are_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(ModelError, match="8") as refused:
        describe_network(name, size=8)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", TABLE)
def test_a_size_fits_or_is_refused(name: str) -> None:
    try:
        describe_network(name, size=9)
    except ModelError as refused:
        assert "9" in str(refused)


def test_comparison_is_a_row_a_network() -> None:
    comparison = compare_networks(["resnet18", "lenet", "resnet18"], size=32)
    rows = comparison.rows()
    assert [row["name"] for row in rows] == ["resnet18", "lenet"]
    assert rows[1]["depth"] == 5
    assert "latency_ms" not in rows[0]
    assert comparison.to_json() == {"networks": rows}
    (table,) = comparison.tables()
    assert table.texts() == [
        ["resnet18", "11,681,832", "555.9", "46.8", "18", "109"],
        ["lenet", "61,706", "0.4", "0.2", "5", "16"],
    ]
    assert "32x32" in comparison.sentences()[0]
    (native,) = compare_networks(["lenet", "resnet18"]).tables()
    assert native.columns[1] == "pixels" and [row[1] for row in native.rows] == [32, 224]


def test_comparison_measures_here() -> None:
    comparison = compare_networks(["feed-forward", "lenet"], size=32, with_speed=True)
    facts = comparison.to_json()
    assert facts["batch_size"] == 32
    assert facts["machine"]["threads"] == torch.get_num_threads()
    assert all(row["latency_ms"] > 0 and row["images_per_second"] > 0 for row in facts["networks"])
    assert comparison.sentences()[-1].startswith("Measured on")
    assert all(len(row) == len(comparison.tables()[0].columns) == 8 for row in comparison.tables()[0].rows)


def test_the_list_is_in_the_order_of_history() -> None:
    networks = list_networks()
    assert [model.name for model in networks] == list(TABLE) == ModelList(networks).names
    assert [model.year for model in networks] == sorted(model.year for model in networks)
    (table,) = ModelList(networks).tables()
    assert sum(bool(row[1]) for row in table.rows if row[2] == "2014") == 2  # variants share an idea


@pytest.mark.parametrize("name", ["lenet", "mlp-course"])
def test_figures_and_pages_are_drawn(name: str, tmp_path: Path) -> None:
    for result in (describe_network(name), compare_networks([name, "sample"])):
        assert isinstance(result, Result)
        result.save(tmp_path / "result.png")
        result.save(tmp_path / "result.html")
        assert "<svg" in (tmp_path / "result.html").read_text(encoding="utf-8")
