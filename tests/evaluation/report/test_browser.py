"""The report in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discern.evaluation.report.page import render_report
from discern.evaluation.report.stored_images import AugmentedExamples, encode_thumbnail
from discern.files import write_text
from discern.i18n import use_language
from tests.browser import PHONE, launch_chromium, open_tab
from tests.evaluation.report.sample_reports import (
    make_predictions,
    make_regression_report,
    make_report,
    make_unfinished_report,
)

CLASSES = ("水果", "dog", "a_class_with_a_name_so_long_that_no_telephone_could_ever_show_it_on_one_line", "d")
LANGUAGES = {"en": "en", "zh_TW": "zh-TW"}
WITHOUT_MATRIX = ("unfinished", "regression")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launch_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write a finished run's report in both languages, and those of many classes, of a regression, unfinished."""
    folder = tmp_path_factory.mktemp("reports")
    noise = encode_thumbnail(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    examples = AugmentedExamples(("dog", "d"), ((noise,) * 6,) * 2)
    report = make_report(folder, make_predictions(CLASSES, 120, sharp=1.5), examples=examples, side=64)
    many = make_report(folder, make_predictions(tuple(f"class {i}" for i in range(60)), 900))
    every = {
        **dict.fromkeys(LANGUAGES, report),
        "many": many,
        "regression": make_regression_report(40),
        "unfinished": make_unfinished_report(CLASSES),
    }
    for name, each in every.items():
        with use_language(name if name in LANGUAGES else "en"):
            write_text(folder / f"{name}.html", render_report(each))
    return {name: folder / f"{name}.html" for name in every}


@pytest.mark.parametrize("name", [*LANGUAGES, "many", "regression", "unfinished"])
def test_readable_quiet_and_no_wider_than_a_phone(browser: Any, reports: dict[str, Path], name: str) -> None:
    with open_tab(browser, reports[name]) as tab:
        page = tab.page
        assert page.evaluate("document.documentElement.lang") == LANGUAGES.get(name, "en")
        page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert tab.find_low_contrast() == []
        cells = page.locator("button[data-cell]")
        assert (cells.count() > 0) == (name not in WITHOUT_MATRIX)
        if cells.count():
            cells.first.click()
            assert page.locator("dialog figure").count() > 0
            assert tab.find_low_contrast() == []
        page.set_viewport_size(PHONE)
        assert tab.measure_overflow() == 0
        if cells.count():
            assert page.locator("dialog").evaluate("(it) => it.getBoundingClientRect().right <= innerWidth")
        assert tab.messages == []
        assert tab.requests == []


def test_cells_are_opened_with_the_keyboard_alone(browser: Any, reports: dict[str, Path]) -> None:
    focused = "document.activeElement.dataset.cell"
    with open_tab(browser, reports["en"]) as tab:
        keyboard = tab.page.keyboard
        for _tab in range(40):
            keyboard.press("Tab")
            if tab.page.evaluate(focused):
                break
        assert tab.page.evaluate(focused) == "0,0"
        keyboard.press("ArrowRight")
        assert tab.page.evaluate(focused) == "0,1"
        keyboard.press("ArrowDown")
        keyboard.press("ArrowUp")
        assert tab.page.evaluate(focused) == "0,1"
        outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        label = tab.page.evaluate("document.activeElement.getAttribute('aria-label')")
        keyboard.press("Enter")
        dialog = tab.page.locator("dialog")
        assert dialog.is_visible()
        assert dialog.locator("h3").inner_text() == label
        count = int(label.split(": ")[-1].split(" ")[0])
        assert dialog.locator("figure").count() == min(12, count)
        assert dialog.locator("img").evaluate_all("(all) => all.every((it) => it.complete && it.naturalWidth > 0)")
        assert tab.page.evaluate("document.activeElement.closest('dialog') !== null")
        keyboard.press("Escape")
        assert not dialog.is_visible()
        assert tab.page.evaluate(focused) == "0,1"
        keyboard.press("Tab")  # the matrix is one stop
        assert not tab.page.evaluate(focused)


def test_every_image_of_the_page_is_drawn(browser: Any, reports: dict[str, Path]) -> None:
    with open_tab(browser, reports["en"]) as tab:
        images = tab.page.locator("main img")
        assert images.count() > 40
        assert images.evaluate_all("(all) => all.every((it) => it.complete && it.naturalWidth > 0 && it.alt !== '')")
        assert images.evaluate_all("(all) => Math.max(...all.map((it) => it.width))") == 128


def test_the_matrix_is_beside_the_curves(browser: Any, reports: dict[str, Path]) -> None:
    with open_tab(browser, reports["en"]) as tab:
        boxes = [tab.page.locator(f".overview section:nth-child({i})").bounding_box() for i in (1, 2)]
        assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]


def test_galleries_fold_after_six_on_a_phone(browser: Any, reports: dict[str, Path]) -> None:
    visible = "(all) => all.filter((it) => it.checkVisibility()).length"
    with open_tab(browser, reports["en"]) as tab:
        gallery = tab.page.locator(".gallery").first
        figures, toggle = gallery.locator("figure"), gallery.locator("input")
        assert figures.evaluate_all(visible) == figures.count() == 24
        assert not toggle.is_visible()
        tab.page.set_viewport_size(PHONE)
        assert figures.evaluate_all(visible) == 6
        toggle.check()
        assert figures.evaluate_all(visible) == 24
