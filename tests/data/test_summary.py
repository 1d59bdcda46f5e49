from __future__ import annotations

import json
from pathlib import Path

import pytest

from discern.data.audit import audit_dataset
from discern.data.columns import ColumnSpec
from discern.data.open import open_data
from discern.data.split import split_dataset
from discern.data.summary import DataSummary, ImageSummary, TableSummary, summarize_data
from discern.i18n import use_language


def summarize(source: str | Path, target: str = "") -> DataSummary:
    dataset = open_data(source, column_spec=ColumnSpec(target))
    stats, duplicates, audit = audit_dataset(dataset)
    return summarize_data(dataset, stats, audit, split_dataset(dataset, stats, duplicates, audit))


def test_images() -> None:
    summary = summarize("digits")
    assert isinstance(summary, ImageSummary) and summary.is_gray
    assert summary.sentences()[0] == "digits: 1,797 images in 10 classes, median size 8 x 8 pixels."
    assert summary.sentences()[-1] == "The audit found nothing."
    (table,) = summary.tables()
    assert table.columns == ("class", "all", "training", "validation", "test")
    assert table.rows[0] == ("0", 178, 124, 18, 36) and table.rows[-1][:2] == ("all", 1797)
    for row in table.rows:
        assert row[1] == sum(row[2:])  # type: ignore[operator, arg-type]


def test_findings_are_said(shared_data: Path) -> None:
    summary = summarize(shared_data / "hymenoptera")
    texts = summary.sentences()
    assert texts.index("The audit found:") == len(texts) - 1 - len(summary.findings)
    assert any("imageNotFound.gif" in text for text in texts)
    assert summary.n_excluded == 1


def test_a_table_to_classify_and_one_to_regress() -> None:
    summary = summarize("iris")
    assert isinstance(summary, TableSummary) and summary.columns["petal width"].max == 2.5
    assert summary.sentences()[0] == "iris: 150 rows of 4 columns, species to predict (3 classes)."
    columns, classes = summary.tables()
    assert columns.rows[0] == ("sepal length", 4.3, 5.8, 7.9) and len(classes.rows) == 4
    summary = summarize("iris", "petal width")
    assert summary.sentences()[0] == "iris: 150 rows of 3 columns, the number petal width to predict."
    assert [row[0] for row in summary.tables()[1].rows] == ["all"] and summary.figsize is None


def test_it_is_plain_json_without_sentences(shared_data: Path) -> None:
    value = json.loads(json.dumps(summarize(shared_data / "fruit").to_json()))
    assert value["classes"] == {"Apple": 49, "Banana": 39, "Watermelon": 51} and value["n_unlabeled"] == 3
    assert value["split"]["validation"]["Apple"] > 0 and value["width"]["median"] > 0
    assert all(set(notice) == {"code", "fields"} for notice in value["notices"])


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_it_is_drawn_and_saved(tmp_path: Path, name: str) -> None:
    summary = summarize(name)
    for ending in (".png", ".svg", ".html", ".json"):
        summary.save(tmp_path / f"data{ending}")
    assert (tmp_path / "data.svg").read_text(encoding="utf-8").count("<path") > 10


def test_it_speaks_the_language_of_the_reader() -> None:
    summary = summarize("digits")
    with use_language("zh_TW"):
        assert summary.tables()[0].columns[2] == "訓練"
