from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from discern import i18n
from discern.evaluation.predictions import Predictions
from discern.evaluation.report.headline import headline
from discern.evaluation.report.kept import Samples, encoded
from discern.evaluation.report.page import page
from discern.evaluation.report.story import Story, read_story
from discern.i18n import use_language
from discern.run import RunDirectory
from tests.evaluation.report.made import NASTY, make_run, predicted

VOID = {"meta", "link", "br", "img"}
SECTIONS = (
    "Curves",
    "Confusion matrix",
    "The surest mistakes",
    "The least certain",
    "Numbers",
    "Classes",
    "Calibration",
    "What training saw",
    "What the audit found",
    "The network",
    "How to make it again",
    "Split",
)
DOT = encoded(np.zeros((8, 8, 1), np.uint8))


class Reader(HTMLParser):
    """Checks that tags close, and keeps tags, attributes and text."""

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


def told(folder: Path, classes: tuple[str, ...] = ("水果", "dog"), n: int = 40, **changes: Any) -> Story:
    return read_story(make_run(folder, predicted(classes, n, sharp=1.0), **changes))


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zh_TW catalogue that knows three of the report's phrases."""
    catalogue = Catalog(locale="zh_TW", charset="utf-8")
    for english, translated in {"Confusion matrix": "混淆矩陣", "loss by epoch": "損失", "test": "測試"}.items():
        catalogue.add(english, translated)
    folder = tmp_path / "zh_TW" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / f"{i18n.DOMAIN}.mo").open("wb") as stream:
        write_mo(stream, catalogue)
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    yield
    i18n._catalogue.cache_clear()


def test_every_section_is_there_in_its_order(tmp_path: Path) -> None:
    text = page(told(tmp_path, samples=Samples(("dog",), ((DOT, DOT),))))
    assert re.findall("<h2>(.*?)</h2>", text) == list(SECTIONS)
    assert "Notice about 水果." in text and "Found in 水果." in text and "Cut by the seed." in text


def test_one_file_that_needs_no_network(tmp_path: Path) -> None:
    text = page(told(tmp_path))
    read = Reader(text)
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?:|@import|url\(|fetch\(|import\(", text)
    assert {"iframe", "object", "embed"}.isdisjoint(read.tags)
    places = {value for name, value in read.attributes if name in ("src", "href", "action", "srcset")}
    assert all(place.startswith(("data:", "#s")) for place in places)


def test_it_says_what_was_asked_and_what_came_out(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], dtype=np.float32)
    four = Predictions(("水果", "dog"), ("a", "b", "c", "d"), np.array([0, 1, 1, 0]), probabilities)
    assert headline(read_story(make_run(tmp_path, four))) == (
        "lenet learnt from 10 pictures to tell 2 classes of 水果 apart: of 4 test pictures it names 3 right, 75.0% "
        "(30.1% to 95.4% at 95 %)."
    )


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    text = page(told(tmp_path, (NASTY, "</script><script>boom()</script>"), name=NASTY))
    read = Reader(text)
    assert read.tags.count("script") == 2  # the pictures, and what opens them
    assert "alert('x')</script>" in "".join(read.text)
    stored = json.loads(text.split('id="store">')[1].split("</script>")[0])
    assert any("<script>" in name for name, _said, _source in stored["pictures"].values())


def test_the_confusion_matrix_has_true_classes_in_rows(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], dtype=np.float32)
    four = Predictions(("水果", "dog"), ("a", "b", "c", "d"), np.array([0, 1, 1, 0]), probabilities)
    text = page(read_story(make_run(tmp_path, four)))
    table = text[text.index('<table class="confusion') :].split("</table>")[0]
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", table)]
    assert cells == ["true ↓ named →", "水果", "dog", "水果", "2", "", "dog", "1", "1"]
    labels = re.findall(r'aria-label="([^"]*)" aria-haspopup', table)
    assert labels == ["水果, named right: 2", "dog, named 水果: 1", "dog, named right: 1"]
    assert table.count('class="wrong"') == 1


def test_every_number_of_the_matrix_opens_pictures_that_are_there(tmp_path: Path) -> None:
    text = page(told(tmp_path, ("a", "b", "c"), 60))
    stored = json.loads(text.split('id="store">')[1].split("</script>")[0])
    cells = re.findall('data-cell="([^"]*)"', text)
    assert sorted(cells) == sorted(stored["cells"])
    drawn = set(re.findall('data-row="([^"]*)"', text))
    for rows in stored["cells"].values():
        for row in map(str, rows):
            assert stored["pictures"][row][2].startswith("data:image/png") or row in drawn


@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_any_number_of_epochs(tmp_path: Path, epochs: int) -> None:
    read = Reader(page(told(tmp_path, epochs=epochs)))
    assert read.tags.count("svg") == (3 if epochs else 1)  # the last is of the calibration


def test_ten_thousand_pictures_of_a_hundred_classes_stay_below_three_megabytes(tmp_path: Path) -> None:
    classes = tuple(f"class number {i}" for i in range(100))
    many = predicted(classes, 10_000, sharp=2.0)
    assert many.correct.mean() < 0.6
    dots = Samples(
        ("one",) * 4, ((encoded(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)),) * 6,) * 4
    )
    text = page(read_story(make_run(tmp_path, many, side=96, samples=dots)))
    assert len(text.encode()) < 3_000_000
    assert "Shown are the 20 of 100 classes" in text
    assert text.count("data-cell=") > 200


def test_an_interrupted_run_tells_what_there_is_and_how_to_go_on(tmp_path: Path) -> None:
    text = page(told(tmp_path / "my run", finished=False))
    Reader(text)
    assert "training stopped after 3 of 5 epochs" in text
    assert f"discern train --resume &#x27;{tmp_path}/my run&#x27;" in text
    assert re.findall("<h2>(.*?)</h2>", text)[0] == "Curves so far"
    assert "<script" not in text


def test_rows_of_a_table_are_lines_of_their_names(tmp_path: Path) -> None:
    story = told(tmp_path)
    story = replace(story, config={**story.config, "preprocess": {"columns": ["a"]}}, kept=None)
    assert story.predictions is not None
    text = page(story)
    assert "<figure" not in text and text.count('class="tall"') > page(told(tmp_path / "b")).count('class="tall"')
    choice = np.argsort(story.predictions.probabilities.max(axis=1))
    least, most = (story.predictions.paths[row] for row in choice[[0, -1]])
    doubted = text.split("<h2>The least certain</h2>")[1].split("</section>")[0]
    assert least in doubted and most not in doubted
    sure = replace(story.predictions, probabilities=np.eye(2, dtype=np.float32)[story.predictions.labels])
    assert "The least certain" not in page(replace(story, predictions=sure))


def test_a_run_of_before_pictures_were_kept_has_a_report(tmp_path: Path) -> None:
    run = make_run(tmp_path, predicted(("a", "b"), 30, sharp=1.0))
    run.pictures.unlink()
    run.layers.unlink()
    text = page(read_story(run))
    assert "<img" not in text and "data-cell" in text and "a/" in text
    run.predictions.unlink()
    text = page(read_story(run))
    assert "was not kept (predictions.npz)" in text and "data-cell" not in text
    shutil.rmtree(tmp_path)


def test_pictures_that_moved_are_told_of(tmp_path: Path) -> None:
    run = make_run(tmp_path, predicted(("a", "b"), 30), name=str(tmp_path / "gone"))
    assert "The data is not in" in page(read_story(run))
    assert "The data is not in" not in page(read_story(make_run(tmp_path, predicted(("a", "b"), 30))))


def test_no_mistake_is_said(tmp_path: Path) -> None:
    assert "There is none: all were named right." in page(
        read_story(make_run(tmp_path, predicted(("a", "b"), 20, sharp=50.0)))
    )


def test_validation_where_there_is_no_test(tmp_path: Path) -> None:
    assert "40 validation pictures" in headline(told(tmp_path, part="validation"))


@pytest.mark.usefixtures("chinese")
def test_in_the_readers_language(tmp_path: Path) -> None:
    story = told(tmp_path)
    english = page(story)
    assert '<html lang="en">' in english
    with use_language("zh_TW"):
        text = page(story)
    assert '<html lang="zh-TW">' in text
    assert "<h2>混淆矩陣</h2>" in text
    assert "損失" in text
    assert "40 測試 pictures" in text
    assert page(story) == english


def test_the_command_makes_the_run_again(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    make_run(tmp_path, predicted(("a", "b"), 20))
    config = run.read_config()
    config["asked"] = {"model": "auto", "epochs": 5, "weights": "official", "flip": False, "features": "color,hog"}
    run.write_config(config)
    assert read_story(run).command == (
        "discern train '水果' --pretrained --model lenet --epochs 5 --features color,hog --set flip=false "
        "--set precision=fp32 --set layout=contiguous"
    )
