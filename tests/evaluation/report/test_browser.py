"""The report in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discern.evaluation.report.kept import Samples, encoded
from discern.evaluation.report.page import page
from discern.evaluation.report.story import read_story
from discern.files import write_text
from discern.i18n import use_language
from tests.browser import chromium, opened
from tests.evaluation.report.made import make_run, predicted

CLASSES = ("水果", "dog", "a_class_with_a_name_so_long_that_no_telephone_could_ever_show_it_on_one_line", "d")
LANGUAGES = {"en": "en", "zh_TW": "zh-TW"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run's report in both languages, one of many classes, and one of a run that was interrupted."""
    folder = tmp_path_factory.mktemp("reports")
    noise = encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    samples = Samples(("dog", "d"), ((noise,) * 6,) * 2)
    some = predicted(CLASSES, 120, sharp=1.5)
    runs = {
        **dict.fromkeys(LANGUAGES, make_run(folder / "some", some, samples=samples, side=64)),
        "many": make_run(folder / "many", predicted(tuple(f"class {i}" for i in range(60)), 900)),
        "interrupted": make_run(folder / "interrupted", some, finished=False),
    }
    for name, run in runs.items():
        with use_language(name if name in LANGUAGES else "en"):
            write_text(folder / f"{name}.html", page(read_story(run)))
    return {name: folder / f"{name}.html" for name in runs}


@pytest.mark.parametrize("name", [*LANGUAGES, "many", "interrupted"])
def test_readable_quiet_and_no_wider_than_a_phone(browser: Any, reports: dict[str, Path], name: str) -> None:
    with opened(browser, reports[name]) as seen:
        page = seen.page
        assert page.evaluate("document.documentElement.lang") == LANGUAGES.get(name, "en")
        page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
        cells = page.locator("button[data-cell]")
        assert (cells.count() > 0) == (name != "interrupted")
        if cells.count():
            cells.first.click()
            assert page.locator("dialog figure").count() > 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert seen.pale() == []
        page.set_viewport_size({"width": 360, "height": 740})
        assert seen.overhang() == 0
        if cells.count():
            assert page.locator("dialog").evaluate("(it) => it.getBoundingClientRect().right <= innerWidth")
        assert seen.complaints == []
        assert seen.asked == []


def test_cells_are_opened_with_the_keyboard_alone(browser: Any, reports: dict[str, Path]) -> None:
    focused = "document.activeElement.dataset.cell"
    with opened(browser, reports["en"]) as seen:
        keyboard = seen.page.keyboard
        for _tab in range(40):
            keyboard.press("Tab")
            if seen.page.evaluate(focused):
                break
        assert seen.page.evaluate(focused) == "0,0"
        keyboard.press("ArrowRight")
        assert seen.page.evaluate(focused) == "0,1"
        keyboard.press("ArrowDown")
        keyboard.press("ArrowUp")
        assert seen.page.evaluate(focused) == "0,1"
        outline = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        label = seen.page.evaluate("document.activeElement.getAttribute('aria-label')")
        keyboard.press("Enter")
        dialog = seen.page.locator("dialog")
        assert dialog.is_visible()
        assert dialog.locator("h3").inner_text() == label
        told = int(label.split(": ")[-1])
        assert dialog.locator("figure").count() == min(12, told)
        assert dialog.locator("img").evaluate_all("(all) => all.every((it) => it.complete && it.naturalWidth > 0)")
        assert seen.page.evaluate("document.activeElement.closest('dialog') !== null")
        keyboard.press("Escape")
        assert not dialog.is_visible()
        assert seen.page.evaluate(focused) == "0,1"
        keyboard.press("Tab")  # the matrix is one stop
        assert not seen.page.evaluate(focused)


def test_every_picture_of_the_page_is_drawn(browser: Any, reports: dict[str, Path]) -> None:
    with opened(browser, reports["en"]) as seen:
        images = seen.page.locator("main img")
        assert images.count() > 40
        assert images.evaluate_all("(all) => all.every((it) => it.complete && it.naturalWidth > 0 && it.alt !== '')")
