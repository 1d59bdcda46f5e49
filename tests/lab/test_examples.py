"""Rows for the labs, from wherever they come; and what a run's network makes of its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.errors import ConfigError, RunError
from discern.lab.examples import MOST, examples
from tests.pictures import make_folder
from tests.runs import QUICK


def test_digits_are_pictures() -> None:
    digits = examples("digits")
    assert digits.values.shape == (1797, 64) and digits.picture == (8, 8)
    assert digits.features[9] == "2, 2" and digits.classes[3] == "3"


def test_scaled_columns() -> None:
    scaled = examples("digits").scaled()  # the first pixel is white in every digit
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert set(scaled.std(axis=0).round(9)) == {0.0, 1.0}


def test_a_runs_embedding_clustered_and_analysed(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "colours")
    run = discern.train(data, "sample", epochs=2, out=tmp_path / "run", settings=QUICK)
    found = examples(str(run.path))
    assert 0 < len(found.values) <= MOST
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1, atol=1e-5)
    assert found.classes == discern.load(run.path).classes and set(found.labels) == {0, 1, 2}
    clustering = discern.lab("kmeans", data=str(run.path))
    assert len(clustering.centres) == 3 and len(clustering.labels) == len(found.values)
    assert discern.lab("pca", data=str(run.path), count=2).directions.shape == (2, found.values.shape[1])


def test_what_a_classical_model_sees(tmp_path: Path) -> None:
    neighbours = discern.train(make_folder(tmp_path / "colours"), "knn", out=tmp_path / "knn")
    assert examples(str(neighbours.path)).values.shape[1] == 28 * 28 * 3


def test_what_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        examples(str(tmp_path))
    with pytest.raises(ConfigError, match=r"no examples moons: give one of iris, digits, a \.csv file or a run"):
        examples("moons")
