from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from discern.errors import ConfigError
from discern.figures import INK, PAPER, render_gif, render_svg, save_figure
from discern.pages import render_page
from tests.browser import launch_chromium, open_tab

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(figure: Figure, frame: int = 0) -> None:
    ax = figure.subplots()
    ax.plot([0, 1], [0, frame + 1], color="black", label="水果")
    ax.text(0.5, 0.5, "on a box", bbox={"facecolor": PAPER, "edgecolor": INK})
    ax.text(0.2, 0.2, "white", color="white")
    ax.set_title("a title")
    ax.legend()


def test_a_figure_on_a_page_has_the_colors_of_the_page() -> None:
    text = render_svg((4, 3), draw)
    assert INK not in text and PAPER not in text and "stroke: #000000" not in text
    assert "currentColor" in text and "var(--paper, Canvas)" in text
    assert text.count("#ffffff") == 1  # of the word that is white
    assert text.startswith('<svg style="max-width: 100%; height: auto"') and "水果" in text


def test_a_figure_is_readable_on_a_light_and_on_a_dark_page(tmp_path: Path) -> None:
    def draw_ink(figure: Figure) -> None:
        ax = figure.subplots()
        ax.text(0.5, 0.5, "on a box", bbox={"facecolor": PAPER})
        ax.plot([0, 1], label="in the legend")
        ax.set(title="a title", xlabel="an axis")
        ax.legend()

    path = tmp_path / "page.html"
    path.write_text(render_page("A figure", f"<figure>{render_svg((4, 3), draw_ink)}</figure>"), encoding="utf-8")
    with launch_chromium() as browser, open_tab(browser, path) as tab:
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            assert tab.find_low_contrast() == []


def test_an_image_file_is_on_white(tmp_path: Path) -> None:
    save_figure(tmp_path / "a.png", (4, 3), draw)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGBA"))
    assert pixels[0, 0].tolist() == [255, 255, 255, 255]
    save_figure(tmp_path / "a.SVG", (4, 3), draw)
    assert "currentColor" not in (tmp_path / "a.SVG").read_text(encoding="utf-8")


def test_an_animation_has_its_frames() -> None:
    assert render_gif((2, 2), 3, draw).startswith(b"GIF89a")


NAMES = ("$", "a$b$c^", "$\\frac{1$", "line\nbreak", "bell\x07 \x1b[31mred", "half \udc80", "<b> & 水果")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_any_name_can_be_drawn(suffix: str, tmp_path: Path) -> None:
    def draw_names(figure: Figure) -> None:
        ax = figure.subplots()
        ax.barh(NAMES, range(1, len(NAMES) + 1), label=NAMES[0])
        ax.set(title=" ".join(NAMES), xscale="log")
        ax.set_xticks([1, 10, 1000])
        ax.legend(title=NAMES[4])

    path = tmp_path / f"names{suffix}"
    save_figure(path, (4, 4), draw_names)
    if suffix == ".svg":
        text = path.read_text(encoding="utf-8")
        ElementTree.fromstring(text)
        assert "a$b$c^" in text and "10³" in text and "mathdefault" not in text
        ElementTree.fromstring(render_svg((4, 4), draw_names))


def test_another_file_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unsupported .*a\.pdf\. Use a name that ends in \.png or \.svg\."):
        save_figure(tmp_path / "a.pdf", (2, 2), draw)
    assert not list(tmp_path.iterdir())
