"""Figures without a screen: Chinese where a font for it is installed, and the colours of the page they stand on."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from discern.errors import ConfigError
from discern.files import atomic_write
from discern.i18n import _
from discern.printable import escape_controls

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

CJK = (
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "Source Han Sans TC",
    "Microsoft JhengHei",
    "PingFang TC",
    "WenQuanYi Zen Hei",
)
SUFFIXES = (".png", ".svg")  # of what `save_figure` writes
DPI, FRAME_DPI = 150, 80  # of an image file, of an animation
INK, PAPER = "#1b1f24", "#fefefe"  # of text and background; on a page they become the page's own, light or dark
_PAGE_COLORS = {INK: "currentColor", PAPER: "var(--paper, Canvas)", "stroke: #000000": "stroke: currentColor"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_COLOR = re.compile("|".join(_PAGE_COLORS))
_INKED = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
FigSize = tuple[float, float]


class DrawFrame(Protocol):
    """Draws one of several figures."""

    def __call__(self, figure: Figure, frame: int) -> None: ...


@contextmanager
def figure_style(on_page: bool = False) -> Iterator[None]:
    """Draw Chinese where a font for it is installed, text in `INK` on white, or ``on_page`` on nothing.

    Text of an SVG stays text, and a ``$`` in a name is no mathematics.
    """
    from matplotlib import font_manager, rc_context

    installed = set(font_manager.get_font_names())
    settings: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *(font for font in CJK if font in installed)],
        "svg.fonttype": "none",
        "svg.hashsalt": "discern",
        "text.parse_math": False,
        "legend.facecolor": PAPER,
        **dict.fromkeys(_INKED, INK),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor"), "none" if on_page else "white"),
    }
    with warnings.catch_warnings(), rc_context(settings):
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def check_suffix(path: str | os.PathLike[str], suffixes: Sequence[str]) -> str:
    """Return the suffix of ``path`` in lower case.

    Raises `ConfigError` when it is none of ``suffixes``.

    Examples
    --------
    >>> check_suffix("heat.PNG", [".png", ".svg"])
    '.png'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        message = _("Unsupported file type: {path}. Use a name that ends in {suffixes}.")
        raise ConfigError(message.format(path=path, suffixes=_(" or ").join(suffixes)))
    return suffix


def save_figure(path: str | os.PathLike[str], figsize: FigSize, draw: Callable[[Figure], None]) -> None:
    """Draw on a new figure and write it as .png or .svg, complete or not at all.

    Raises `ConfigError` when ``path`` ends in neither; `DiskError` when the disk is full or not writable.
    """
    kind = check_suffix(path, SUFFIXES)[1:]
    with figure_style(), atomic_write(path) as temporary:
        _draw_figure(figsize, draw).savefig(temporary, format=kind, dpi=DPI)


def render_svg(figsize: FigSize, draw: Callable[[Figure], None]) -> str:
    """Return the drawing as an ``<svg>`` element, never wider than its page and in its colours, light or dark."""
    text = StringIO()
    with figure_style(on_page=True):
        _draw_figure(figsize, draw).savefig(text, format="svg", metadata={"Date": None})
    element = text.getvalue()
    element = element[element.index("<svg") :].replace("<svg", '<svg style="max-width: 100%; height: auto"', 1)
    return _COLOR.sub(lambda color: _PAGE_COLORS[color[0]], element)


def render_gif(figsize: FigSize, frames: int, draw: DrawFrame, seconds: float = 6.0) -> bytes:
    """Return an animation of ``frames`` figures that takes about ``seconds`` and repeats for ever."""
    with figure_style():
        images = [_render_frame(figsize, partial(draw, frame=i)) for i in range(frames)]
    data = BytesIO()
    duration = max(40, round(1000 * seconds / frames))  # milliseconds; browsers slow down what is shorter
    durations = [duration] * (frames - 1) + [4 * duration]
    images[0].save(data, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    return data.getvalue()


def _draw_figure(figsize: FigSize, draw: Callable[[Figure], None]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout="constrained")
    draw(figure)
    _write_plainly(figure)
    return figure


def _write_plainly(figure: Figure) -> None:
    """Escape control characters, which fonts and XML do not know; write the 10³ of an axis without mathematics."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(_escape_lines(text.get_text()))
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for formatter in (axis.get_major_formatter(), axis.get_minor_formatter()):
                format_ticks = partial(_format_ticks, formatter.format_ticks)
                formatter.format_ticks = format_ticks  # type: ignore[method-assign]


def _format_ticks(format_ticks: Callable[[list[float]], list[str]], values: list[float]) -> list[str]:
    return [_escape_lines(_plain_power(text)) for text in format_ticks(values)]


def _escape_lines(text: str) -> str:
    return "\n".join(map(escape_controls, text.split("\n")))


def _plain_power(text: str) -> str:
    r"""Return a number without mathematics.

    Examples
    --------
    >>> _plain_power(r"$\mathdefault{2\times10^{-3}}$")
    '2×10⁻³'
    """
    if not (number := re.fullmatch(r"\$\\mathdefault{(.*)}\$", text)):
        return text
    text = number[1].replace(r"\times", "×")
    return re.sub(r"\^{(.+?)}", lambda power: power[1].translate(_SUPERSCRIPTS), text)


def _render_frame(figsize: FigSize, draw: Callable[[Figure], None]) -> Image:
    from PIL import Image

    data = BytesIO()
    _draw_figure(figsize, draw).savefig(data, format="png", dpi=FRAME_DPI)
    return Image.open(data).convert("P", palette=Image.Palette.ADAPTIVE)
