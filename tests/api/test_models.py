"""The list of models, one of them, several side by side: what the verbs add to the rooms."""

from __future__ import annotations

import subprocess
import sys

import pytest

import discern
from discern.classical.estimators import CLASSICAL
from discern.errors import ModelError
from discern.models.registry import TABLE


def test_the_list_has_every_model() -> None:
    models = discern.list_models()
    assert models.names == [*TABLE, *CLASSICAL]
    assert [len(table.rows) for table in models.tables()] == [len(TABLE), len(CLASSICAL)]


def test_the_list_loads_no_torch() -> None:
    code = "import sys, discern; discern.list_models(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_network_and_a_classical_model_are_described() -> None:
    assert discern.describe_model("resnet18", size=32).summary.depth == 18  # type: ignore[union-attr]
    assert len(discern.describe_model("lenet", layers=True).tables()) == 2
    knn = discern.describe_model("knn")
    assert knn.to_json()["settings"]["n_neighbors"] == 3
    assert "1, 3, 5" in knn.tables()[0].texts()[0][-1]


def test_comparison_needs_names() -> None:
    assert [row["name"] for row in discern.compare_models(["lenet", "sample"]).rows()] == ["lenet", "sample"]
    with pytest.raises(ModelError, match="--compare lenet resnet18"):
        discern.compare_models([])
