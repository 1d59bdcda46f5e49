"""A real browser for tests of pages: Debian's Chromium, driven by playwright, cut off from the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test, with the reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no browser: install Debian's package chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


class Opened:
    """A page, and what it complained of or asked for while it was looked at.

    Attributes
    ----------
    page : playwright.sync_api.Page
    complaints : list of str
        What it wrote to the console, and errors.
    asked : list of str
        Every address but its own and those that hold their data themselves.
    """

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.complaints, self.asked = page, list[str](), list[str]()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._ask(request.url, path.as_uri()))
        page.goto(path.as_uri())

    def _ask(self, address: str, own: str) -> None:
        if address != own and not address.startswith("data:"):
            self.asked.append(address)

    def overhang(self) -> int:
        """Pixels by which the page is wider than the screen."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return found

    def pale(self, least: float = 4.5) -> list[Any]:
        """Texts whose contrast with what is behind them (WCAG 2.2, 1.4.3) is below ``least``."""
        found: list[Any] = self.page.evaluate(_CONTRAST, least)
        return found


@contextmanager
def opened(browser: Any, path: Path) -> Iterator[Opened]:
    """A page in a window of its own, offline."""
    context = browser.new_context(viewport={"width": 1100, "height": 740}, offline=True)
    yield Opened(context.new_page(), path)
    context.close()


_CONTRAST = """(least) => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const over = (top, under) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const pale = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!own || !element.checkVisibility() || ["SCRIPT", "STYLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(parse(element instanceof SVGElement ? style.fill : style.color), back);
    const [dark, bright] = [light(front), light(back)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < least) pale.push([own.slice(0, 40), element.tagName, ratio]);
  }
  return pale;
}"""
