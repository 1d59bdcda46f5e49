"""Figures without a screen: Chinese where a font for it is installed, and files that are whole or absent."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from discern.errors import ConfigError
from discern.files import replacing
from discern.i18n import _

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
ENDINGS = (".png", ".svg")  # of what `save_figure` writes
DOTS = 150  # an inch
FRAME_DOTS = 80  # an inch of an animation
Inches = tuple[float, float]


class Draw(Protocol):
    """Draws one of several figures."""

    def __call__(self, figure: Figure, frame: int) -> None: ...


@contextmanager
def any_script() -> Iterator[None]:
    """Inside the block, Chinese is drawn where a font for it is installed, and the text of an SVG stays text."""
    from matplotlib import font_manager, rc_context

    installed = set(font_manager.get_font_names())
    settings: dict[Any, Any] = {
        "font.family": ["DejaVu Sans", *(font for font in CJK if font in installed)],
        "svg.fonttype": "none",
        "svg.hashsalt": "discern",
    }
    with warnings.catch_warnings(), rc_context(settings):
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def check_ending(path: str | os.PathLike[str], endings: Sequence[str]) -> str:
    """The ending of ``path`` in lower case.

    Raises
    ------
    ConfigError
        When it is none of ``endings``.

    Examples
    --------
    >>> check_ending("why.PNG", [".png", ".svg"])
    '.png'
    """
    ending = Path(path).suffix.lower()
    if ending not in endings:
        sentence = _("{path} is no name for a file of this kind: end it in {endings}.")
        raise ConfigError(sentence.format(path=path, endings=_(" or ").join(endings)))
    return ending


def save_figure(path: str | os.PathLike[str], inches: Inches, draw: Callable[[Figure], None]) -> None:
    """Draw on a new figure and write it as .png or .svg, whole or not at all.

    Raises
    ------
    ConfigError
        When ``path`` ends in neither.
    DiskError
        When the disk is full or may not be written.
    """
    kind = check_ending(path, ENDINGS)[1:]
    with any_script(), replacing(path) as temporary:
        _drawn(inches, draw).savefig(temporary, format=kind, dpi=DOTS)


def svg(inches: Inches, draw: Callable[[Figure], None]) -> str:
    """What ``draw`` draws, as an ``<svg>`` element that is never wider than its page."""
    text = StringIO()
    with any_script():
        _drawn(inches, draw).savefig(text, format="svg", metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :].replace("<svg", '<svg style="max-width: 100%; height: auto"', 1)


def gif(inches: Inches, frames: int, draw: Draw, seconds: float = 6.0) -> bytes:
    """An animation of ``frames`` figures that takes about ``seconds``, repeated for ever."""
    with any_script():
        pictures = [_raster(inches, partial(draw, frame=i)) for i in range(frames)]
    data = BytesIO()
    each = max(40, round(1000 * seconds / frames))  # milliseconds; browsers slow down what is shorter
    pictures[0].save(
        data, "GIF", save_all=True, append_images=pictures[1:], duration=[each] * (frames - 1) + [4 * each], loop=0
    )
    return data.getvalue()


def _drawn(inches: Inches, draw: Callable[[Figure], None]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    draw(figure)
    return figure


def _raster(inches: Inches, draw: Callable[[Figure], None]) -> Image:
    from PIL import Image

    data = BytesIO()
    _drawn(inches, draw).savefig(data, format="png", dpi=FRAME_DOTS)
    return Image.open(data).convert("P", palette=Image.Palette.ADAPTIVE)
