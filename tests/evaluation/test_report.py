from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from discern import i18n
from discern.evaluation.curves import curves
from discern.evaluation.metrics import measure
from discern.evaluation.report import Story, headline, page
from discern.i18n import use_language

VOID = {"meta", "link", "line", "rect", "circle", "polyline", "br", "img"}
NASTY = "<script>alert('x')</script> & \"R&D\" {n} 水果"


def record(epoch: int, loss: float = 0.5) -> dict[str, Any]:
    part = {"top1": 0.5 + epoch / 20, "loss": loss}
    return {"epoch": epoch, "epochs": 5, "train": part, "validation": part, "lr": 0.1}


def story(name: str = "水果", epochs: int = 3, **changes: Any) -> Story:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    whole: dict[str, Any] = {
        "run": "2026-11-22_fruit_lenet",
        "data": name,
        "model": "lenet",
        "part": "test",
        "metrics": measure(probabilities, np.array([0, 1, 1, 0]), (name, "dog")),
        "epochs": [record(epoch) for epoch in range(1, epochs + 1)],
        "notices": [f"Notice about {name}."],
        "findings": [f"Found in {name}."],
        "settings": {"model": "lenet", name: name},
        "command": f"discern train {name}",
    }
    return Story(**{**whole, **changes})


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


@pytest.fixture
def chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zh_TW catalogue that knows three of the report's phrases."""
    catalogue = Catalog(locale="zh_TW", charset="utf-8")
    for english, translated in {"Confusion matrix": "混淆矩陣", "accuracy": "準確率", "test": "測試"}.items():
        catalogue.add(english, translated)
    folder = tmp_path / "zh_TW" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / f"{i18n.DOMAIN}.mo").open("wb") as stream:
        write_mo(stream, catalogue)
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    yield
    i18n._catalogue.cache_clear()


def test_one_file_that_needs_no_network() -> None:
    text = page(story())
    read = Reader(text)
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?:|//\w", text)
    assert "@import" not in text
    assert "url(" not in text
    assert {"script", "img", "iframe"}.isdisjoint(read.tags)
    assert {value for name, value in read.attributes if name in ("src", "href")} == {"data:,"}


def test_it_says_what_came_out() -> None:
    text = " ".join(Reader(page(story())).text)
    assert "lenet names 75.0% of 4 test pictures of 水果 right (30.1% to 95.4% at 95 %)." in text
    for words in ("Notice about 水果.", "Found in 水果.", "discern train 水果", "0.667", "Confusion matrix"):
        assert words in text


def test_names_are_escaped_everywhere() -> None:
    read = Reader(page(story(NASTY)))
    assert "script" not in read.tags
    told = "".join(read.text)
    assert told.count("<script>alert('x')</script>") >= 10
    assert NASTY in headline(story(NASTY))


def test_the_confusion_matrix_has_true_classes_in_rows() -> None:
    text = page(story())
    table = text[text.index('<table class="confusion">') :].split("</table>")[0]
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>.*?</t[hd]>", table)]
    assert cells == ["true / predicted", "水果", "dog", "水果", "2", "", "dog", "1", "1"]


def test_curves_draw_both_parts_inside_the_picture() -> None:
    read = Reader(curves([record(epoch, loss) for epoch, loss in ((1, 3.0), (2, 0.2), (3, 0.7))]))
    lines = [value for name, value in read.attributes if name == "points"]
    assert len(lines) == 4  # accuracy and loss, training and validation
    for line in lines:
        for point in line.split(" "):
            x, y = map(float, point.split(","))
            assert 0 <= x <= 420
            assert 0 <= y <= 240
    heights = [float(point.split(",")[1]) for point in lines[0].split(" ")]
    assert heights == sorted(heights, reverse=True)  # better is higher


@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_any_number_of_epochs(epochs: int) -> None:
    read = Reader(page(story(epochs=epochs)))
    assert read.tags.count("svg") == (2 if epochs else 0)


def test_a_loss_of_zero_and_one_that_overflowed() -> None:
    for loss in (0.0, float("nan"), float("inf")):
        Reader(curves([record(1, loss), record(2, loss)]))


def test_nothing_found_is_said() -> None:
    assert "Nothing." in page(story(findings=[], notices=[]))


def test_validation_where_there_is_no_test() -> None:
    assert "4 validation pictures" in headline(story(part="validation"))


@pytest.mark.usefixtures("chinese")
def test_in_the_readers_language() -> None:
    english = page(story())
    assert '<html lang="en">' in english
    with use_language("zh_TW"):
        text = page(story())
    assert '<html lang="zh-TW">' in text
    assert "<h2>混淆矩陣</h2>" in text
    assert "準確率" in text
    assert "4 測試 pictures" in text
    assert page(story()) == english
