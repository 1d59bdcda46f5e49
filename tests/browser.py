"""A real browser for tests of pages: Debian's Chromium, driven by playwright, cut off from the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
PHONE = {"width": 360, "height": 740}


@contextmanager
def launch_chromium() -> Iterator[Any]:
    """Start the browser; skip the test, with the reason, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no browser: install Debian's package chromium")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Tab:
    """A page in a tab of its own, and what it reported or requested while it was open.

    Attributes
    ----------
    page : playwright.sync_api.Page
    messages : list of str
        What it wrote to the console, and errors.
    requests : list of str
        Every address but its own and those that hold their data themselves.
    """

    def __init__(self, page: Any, path: Path) -> None:
        self.page, self.messages, self.requests = page, list[str](), list[str]()
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self._record(request.url, path.as_uri()))
        page.goto(path.as_uri())

    def _record(self, address: str, own: str) -> None:
        if address != own and not address.startswith("data:"):
            self.requests.append(address)

    def measure_overflow(self) -> int:
        """Return by how many pixels the page is wider than the screen."""
        pixels: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return pixels

    def find_low_contrast(self, min_ratio: float = 4.5) -> list[Any]:
        """Return texts whose contrast with what is behind them (WCAG 2.2, 1.4.3) is lower, but not over images."""
        texts: list[Any] = self.page.evaluate(_CONTRAST, min_ratio)
        return texts


@contextmanager
def open_tab(browser: Any, path: Path) -> Iterator[Tab]:
    """Open a page in a tab of its own, offline."""
    context = browser.new_context(viewport={"width": 1100, "height": 740}, offline=True)
    yield Tab(context.new_page(), path)
    context.close()


_CONTRAST = """(minRatio) => {
  const parse = (color) => (color.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const blend = (top, under) => {
    const alpha = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pageBehind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, layer) => blend(layer, under), [255, 255, 255]);
  };
  // In a drawing the shapes below a text are behind it, and none of them is its parent.
  const drawingBehind = (text) => {
    text.scrollIntoView({ block: "center", inline: "center" });
    const box = text.getBoundingClientRect();
    const hit = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    const root = text.closest("svg"), transparent = ["text", "tspan", "svg", "g"];
    const shapes = hit.filter((it) => it.closest("svg") === root && !transparent.includes(it.tagName));
    if (shapes.some((it) => it.tagName === "image")) return null;
    return shapes.reverse().reduce((under, shape) => {
      const style = getComputedStyle(shape);
      if (style.fill === "none") return under;
      const [r, g, b, alpha = 1] = parse(style.fill);
      return blend([r, g, b, alpha * style.fillOpacity * style.opacity], under);
    }, pageBehind(root));
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!own || !element.checkVisibility() || ["SCRIPT", "STYLE", "title", "style"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), drawn = element instanceof SVGElement;
    const back = drawn ? drawingBehind(element) : pageBehind(element);
    if (!back) continue;
    const front = blend(parse(drawn ? style.fill : style.color), back);
    const [dark, bright] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    if (ratio < minRatio) low.push([own.slice(0, 40), element.tagName, ratio]);
  }
  return low;
}"""
