from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discern.evaluation.measure import measure
from discern.evaluation.predictions import Predictions
from discern.evaluation.report.headline import write_headline
from discern.evaluation.report.page import render_report
from discern.evaluation.report.stored_images import AugmentedExamples, encode_thumbnail
from discern.evaluation.report.tables import MAX_ROWS
from discern.notices import Notice
from tests.evaluation.report.sample_reports import (
    NASTY,
    make_predictions,
    make_regression_report,
    make_report,
    make_unfinished_report,
)

VOID = {"meta", "link", "br", "img", "input"}
SECTIONS = (
    "Learning curves",
    "Confusion matrix",
    "Most confident errors",
    "Least confident predictions",
    "Metrics",
    "Per-class metrics",
    "Calibration",
    "Augmented training examples",
    "Data audit",
    "Network",
    "Reproduce this run",
    "Automatic choices",
    "Split",
)
DOT = encode_thumbnail(np.zeros((8, 8, 1), np.uint8))
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], dtype=np.float32)
FOUR = Predictions(("水果", "dog"), ("a", "b", "c", "d"), np.array([0, 1, 1, 0]), PROBABILITIES)
SEARCH = {"cv": 5, "n": 70, "score": "R2", "candidates": [{"settings": {"k": 3}, "mean": 0.9, "std": None}]}


class Reader(HTMLParser):
    """Checks that tags close, and collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def render(folder: Path, classes: tuple[str, ...] = ("水果", "dog"), n: int = 40, **changes: Any) -> str:
    return render_report(make_report(folder, make_predictions(classes, n, sharp=1.0), **changes))


def find_titles(text: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", text)


def read_store(text: str) -> dict[str, Any]:
    store: dict[str, Any] = json.loads(text.split('id="store">')[1].split("</script>")[0])
    return store


def read_section(text: str, title: str) -> str:
    return text.split(f"<h2>{title}</h2>")[1].split("</section>")[0]


def test_every_section_is_there_in_its_order(tmp_path: Path) -> None:
    text = render(tmp_path, examples=AugmentedExamples(("dog",), ((DOT, DOT),)))
    assert find_titles(text) == list(SECTIONS)
    assert "梨" in read_section(text, "Automatic choices") and "a.png" in read_section(text, "Data audit")


def test_curves_and_matrix_are_side_by_side(tmp_path: Path) -> None:
    overview = render(tmp_path).split('<div class="overview">')[1].split("</div><section")[0]
    assert find_titles(overview) == ["Learning curves", "Confusion matrix"]


def test_one_file_that_needs_no_network(tmp_path: Path) -> None:
    text = render(tmp_path)
    reader = Reader(text)
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?:|@import|url\(|fetch\(|import\(", text)
    assert {"iframe", "object", "embed"}.isdisjoint(reader.tags)
    places = {value for name, value in reader.attributes if name in ("src", "href", "action", "srcset")}
    assert all(place.startswith(("data:", "#s")) for place in places)


@pytest.mark.parametrize(("split", "words"), [("test", "test"), ("validation", "validation")])
def test_the_headline_says_what_came_out_of_how_many(tmp_path: Path, split: str, words: str) -> None:
    text = write_headline(make_report(tmp_path, FOUR, split=split))
    assert text.startswith("lenet, trained on 10 images of 水果 (2 classes): accuracy 0.75")
    assert f"on 4 {words} images (3 correct; 95 % CI 0.30" in text and text.endswith(").")


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    text = render(tmp_path, (NASTY, "</script><script>boom()</script>"), data=NASTY)
    reader = Reader(text)
    assert reader.tags.count("script") == 2  # the images, and what opens them
    assert "alert('x')</script>" in "".join(reader.text)
    assert any("<script>" in name for name, _words, _source in read_store(text)["images"].values())


def test_the_confusion_matrix_has_true_classes_in_rows(tmp_path: Path) -> None:
    text = render_report(make_report(tmp_path, FOUR))
    table = text[text.index('<table class="confusion') :].split("</table>")[0]
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", table)]
    assert cells == ["true ↓ predicted →", "水果", "dog", "水果", "2", "", "dog", "1", "1"]
    labels = re.findall(r'aria-label="([^"]*)" title', table)
    assert labels == ["水果, correct: 2 of 2", "dog, predicted 水果: 1 of 2", "dog, correct: 1 of 2"]
    assert table.count('class="wrong"') == 1
    assert re.findall("--fraction: ([0-9.]+)", table) == ["1.000", "0.000", "0.500", "0.500"]


def test_every_number_of_the_matrix_opens_images_that_are_there(tmp_path: Path) -> None:
    text = render(tmp_path, ("a", "b", "c"), 60)
    store = read_store(text)
    assert sorted(re.findall('data-cell="([^"]*)"', text)) == sorted(store["cells"])
    drawn = set(re.findall('data-image="([^"]*)"', text))
    for images in store["cells"].values():
        for image in map(str, images):
            assert store["images"][image][2].startswith("data:image/png") or image in drawn


@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_any_number_of_epochs(tmp_path: Path, epochs: int) -> None:
    reader = Reader(render(tmp_path, epochs=epochs))
    assert reader.tags.count("svg") == (3 if epochs else 1)  # the last is of the calibration


def test_ten_thousand_images_of_a_hundred_classes_stay_below_three_megabytes(tmp_path: Path) -> None:
    predictions = make_predictions(tuple(f"class number {i}" for i in range(100)), 10_000, sharp=2.0)
    assert predictions.correct.mean() < 0.6
    noise = encode_thumbnail(np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8))
    examples = AugmentedExamples(("one",) * 4, ((noise,) * 6,) * 4)
    text = render_report(make_report(tmp_path, predictions, side=128, examples=examples))
    assert len(text.encode()) < 3_000_000
    assert "These are the 20 of 100 classes" in text
    assert text.count("data-cell=") > 200


def test_long_tables_fold_and_show_their_last_row(tmp_path: Path) -> None:
    text = render(tmp_path, tuple(f"class number {i}" for i in range(30)), 300)
    section = read_section(text, "Per-class metrics")
    short, complete = section.split("<details>")
    assert short.count("<tr") == 1 + MAX_ROWS + 1 - 1  # titles, rows, and one that counts the rows left out
    assert complete.count("<tr") == 1 + 30
    assert re.findall("<tr>.*?</tr>", short)[-1] == re.findall("<tr>.*?</tr>", complete)[-1]
    assert '<td class="text">total</td>' in read_section(text, "Split").split("<details>")[0]


def test_top5_needs_six_classes(tmp_path: Path) -> None:
    titles = {n: "top-5" in render(tmp_path, tuple("abcdef"[:n]), 60) for n in (5, 6)}
    assert titles == {5: False, 6: True}


def test_file_names_are_shortened_in_the_middle(tmp_path: Path) -> None:
    path = "val/bees/2709775832_85b4b50a57_something_long.jpg"
    text = render_report(make_report(tmp_path, replace(FOUR, paths=("a", "b", path, "d"))))
    assert f'<span class="soft" title="{path}">val/bees/…long.jpg</span>' in text


def test_an_unfinished_run_shows_what_there_is() -> None:
    alert = Notice("runs.unfinished", {"run": "'my run'"})
    text = render_report(make_unfinished_report(("a", "b"), alerts=(alert,)))
    Reader(text)
    assert "training stopped after 3 of 5 epochs" in text
    assert f'<p class="alert" role="note">{escape(alert.text())}</p>' in text
    assert find_titles(text)[0] == "Learning curves so far"
    assert "<script" not in text


def test_rows_of_a_table_are_lines_of_their_names(tmp_path: Path) -> None:
    predictions = make_predictions(("a", "b"), 40, sharp=1.0)
    text = render_report(make_report(tmp_path, predictions, unit="rows", images=None))
    assert "<figure" not in text and "<img" not in text
    by_confidence = np.argsort(predictions.probabilities.max(axis=1))
    least, most = (predictions.paths[index] for index in by_confidence[[0, -1]])
    unsure = read_section(text, "Least confident predictions")
    assert least in unsure and most not in unsure


@pytest.mark.parametrize("unit", ["rows", "images"])
def test_the_least_confident_are_hidden_where_all_are_confident(tmp_path: Path, unit: str) -> None:
    text = render_report(make_report(tmp_path, make_predictions(("a", "b"), 20, sharp=50.0), unit=unit))
    assert "Least confident" not in text
    assert "None: every prediction is correct." in read_section(text, "Most confident errors")


def test_a_report_without_images_or_predictions(tmp_path: Path) -> None:
    text = render(tmp_path, images=None, layers=None)
    assert "<img" not in text and "data-cell" in text and "Network" not in find_titles(text)
    report = make_report(tmp_path, make_predictions(("a", "b"), 40, sharp=1.0))
    text = render_report(replace(report, images=None, predictions=None))
    assert "not stored (predictions.npz)" in text and "data-cell" not in text


def test_a_regression_has_metrics_a_chart_and_the_largest_errors() -> None:
    report = make_regression_report(50, search=SEARCH)
    text = render_report(report)
    assert find_titles(text) == [
        "Predicted against true values",
        "Largest errors",
        "Metrics",
        "Hyper-parameter search",
        "Data audit",
        "Reproduce this run",
        "Automatic choices",
        "Split",
    ]
    assert "k=3" in text and text.count('class="dot"') == 50
    errors = np.abs(np.sin(np.linspace(0, 10, 50)))
    assert f">a.csv#{errors.argmax()}</td>" in read_section(text, "Largest errors").split("</tr>")[1]
    assert write_headline(report).startswith("lenet, trained on 5 rows of 水果 to predict price: R2 0.")


def test_numbers_have_three_decimals(tmp_path: Path) -> None:
    text = render(tmp_path)
    for title in ("Metrics", "Per-class metrics"):
        assert not re.search(r"\d\.\d{4}", read_section(text, title))
    assert not re.search(r"\d\.\d{4}", write_headline(make_report(tmp_path, FOUR)))


def test_a_report_is_the_same_each_time(tmp_path: Path) -> None:
    assert render(tmp_path / "a") == render(tmp_path / "b")
    assert measure(PROBABILITIES, FOUR.labels, FOUR.classes).n == 4
