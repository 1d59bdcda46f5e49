"""A comparison drawn: accuracy against latency, curves over each other, and both with the table on a page."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from discern.evaluation.comparison import Row, pareto
from discern.figures import check_ending, save_figure, svg
from discern.files import write_text
from discern.i18n import _
from discern.pages import page, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".html")  # of what `save` can write
PLACES = (  # of a name beside its point: points to the right and up, and which corner of the name lies there
    ((6, 4), "left", "bottom"),
    ((6, -4), "left", "top"),
    ((-6, 4), "right", "bottom"),
    ((-6, -4), "right", "top"),
)
PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}  # under a name


def titles(rows: Sequence[Row]) -> list[str]:
    """What the columns of `cells` are."""
    scores = (_("accuracy"), _("95 %"), _("log loss"))
    if rows[0].is_regression:
        scores = (_("R2"), _("95 %"), _("mean absolute error"))
    return [
        _("run"),
        *scores,
        _("parameters"),
        _("MB on disk"),
        _("training s"),
        _("ms, one alone"),
        _("ms each of 32"),
        _("MB of memory"),
    ]


def cells(row: Row) -> list[str]:
    """A run as a line of a table; memory that could not be measured has a star."""
    return [
        row.name,
        f"{row.accuracy:.4f}",
        "-" if row.interval is None else f"{row.interval[0]:.4f} - {row.interval[1]:.4f}",
        f"{row.loss:.4g}" if row.is_regression else f"{row.loss:.4f}",
        "-" if row.parameters is None else f"{row.parameters:,}",
        f"{row.size / 1e6:,.2f}",
        f"{row.seconds:,.1f}",
        f"{row.latency_ms:,.2f}",
        f"{row.batch_ms:,.2f}",
        f"{row.memory / 1e6:,.1f}" + ("*" if row.memory_is == "weights" else ""),
    ]


def plot_latency(rows: Sequence[Row], ax: Axes) -> None:
    """Accuracy with its interval against the time for one alone; a line joins the runs that none beats in both."""
    from matplotlib.ticker import LogLocator, NullLocator

    for row, colour in zip(rows, colours(row.name for row in rows).values(), strict=True):
        low, high = row.interval or (row.accuracy, row.accuracy)
        below, above = row.accuracy - low, high - row.accuracy
        ax.errorbar(row.latency_ms, row.accuracy, yerr=[[below], [above]], fmt="o", capsize=3, color=colour)
    front = pareto(rows)
    ax.plot([row.latency_ms for row in front], [row.accuracy for row in front], color="0.6", linestyle=":", zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(x=0.2)  # room for the names
    score = _("R2") if rows[0].is_regression else _("accuracy")
    ax.set(xlabel=_("milliseconds for one alone"), ylabel=score)
    title = _("{score} with its interval at 95 % (n {n})\ndotted: no other run is both better and quicker")
    ax.set_title(title.format(score=score, n=rows[0].n), fontsize=10)
    _name(rows, ax)


def colours(names: Iterable[str]) -> dict[str, Any]:
    """A colour for each run, the same in every drawing."""
    from matplotlib import colormaps

    named = list(names)
    palette = colormaps["tab10" if len(named) <= 10 else "tab20"]
    return {name: palette(i % 20) for i, name in enumerate(named)}


def _name(rows: Sequence[Row], ax: Axes) -> None:
    """Write each name beside its point, where it lies over no point and no other name, if there is such a place."""
    from matplotlib.transforms import Bbox

    ax.figure.figure.draw_without_rendering()  # now it is known where everything comes to lie
    points = ax.transData.transform([(row.latency_ms, row.accuracy) for row in rows])
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in points]
    for row in rows:
        point = (row.latency_ms, row.accuracy)
        text = ax.annotate(row.name, point, xytext=(0, 0), textcoords="offset points", fontsize=8, bbox=PAPER)
        for place, side, height in PLACES:
            text.set(position=place, ha=side, va=height)
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def plot_curves(curves: Mapping[str, Sequence[float]], ax: Axes, shades: Mapping[str, Any] | None = None) -> None:
    """Validation accuracy by epoch, a line a run."""
    from matplotlib.ticker import MaxNLocator

    shades = shades or colours(curves)
    for name, values in curves.items():
        mark = "." if len(values) < 40 else ""
        ax.plot(range(1, len(values) + 1), values, marker=mark, label=name, color=shades[name])
    ax.set(xlabel=_("epoch"), ylabel=_("validation accuracy"))
    ax.set_title(_("learning curves"), fontsize=10)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=8)


def save(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    curves: Mapping[str, Sequence[float]],
    sentences: Sequence[str],
) -> None:
    """Write a picture (.png, .svg) or a page that needs no network (.html), whole or not at all.

    Raises
    ------
    ConfigError
        When ``path`` ends in none of them.
    DiskError
        When the disk is full or may not be written.
    """
    inches = (12.0 if curves else 7.0, 5.0)
    if check_ending(path, ENDINGS) != ".html":
        save_figure(path, inches, lambda figure: _draw(figure, rows, curves))
        return
    title = _("Runs side by side")
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    drawn = svg(inches, lambda figure: _draw(figure, rows, curves))
    body = f"<h1>{escape(title)}</h1>{told}{table(titles(rows), map(cells, rows))}<figure>{drawn}</figure>"
    write_text(path, page(title, body, "td { white-space: nowrap; }"))


def _draw(figure: Figure, rows: Sequence[Row], curves: Mapping[str, Sequence[float]]) -> None:
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    plot_latency(rows, axes[0])
    if curves:
        plot_curves(curves, axes[1], colours(row.name for row in rows))
