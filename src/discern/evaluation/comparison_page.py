"""A comparison drawn: accuracy against latency, curves over each other, and both with the table on a page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from discern.evaluation.comparison import Row, pareto
from discern.figures import check_ending, save_figure, svg
from discern.files import write_text
from discern.i18n import _
from discern.pages import page, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".html")  # of what `save` can write


def titles() -> list[str]:
    """What the columns of `cells` are."""
    return [
        _("run"),
        _("accuracy"),
        _("95 %"),
        _("log loss"),
        _("parameters"),
        _("MB on disk"),
        _("training s"),
        _("ms, 1 picture"),
        _("ms each of 32"),
        _("MB of memory"),
    ]


def cells(row: Row) -> list[str]:
    """A run as a line of a table; memory that could not be measured has a star."""
    low, high = row.interval
    return [
        row.name,
        f"{row.accuracy:.4f}",
        f"{low:.4f} - {high:.4f}",
        f"{row.loss:.4f}",
        "-" if row.parameters is None else f"{row.parameters:,}",
        f"{row.size / 1e6:,.2f}",
        f"{row.seconds:,.1f}",
        f"{row.latency_ms:,.2f}",
        f"{row.batch_ms:,.2f}",
        f"{row.memory / 1e6:,.1f}" + ("*" if row.memory_is == "weights" else ""),
    ]


def plot_latency(rows: Sequence[Row], ax: Axes) -> None:
    """Accuracy with its interval against the time for one picture; a line joins the runs that none beats in both."""
    for row in rows:
        below, above = row.accuracy - row.interval[0], row.interval[1] - row.accuracy
        ax.errorbar(row.latency_ms, row.accuracy, yerr=[[below], [above]], fmt="o", capsize=3)
        ax.annotate(row.name, (row.latency_ms, row.accuracy), xytext=(6, 4), textcoords="offset points", fontsize=8)
    front = pareto(rows)
    ax.plot([row.latency_ms for row in front], [row.accuracy for row in front], color="0.6", linestyle=":", zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("{x:g}")
    ax.margins(x=0.15)  # room for the names
    ax.set(xlabel=_("milliseconds a picture, one at a time"), ylabel=_("accuracy"))
    ax.set_title(_("accuracy on {n} pictures, with its interval at 95 %").format(n=rows[0].n))


def plot_curves(curves: Mapping[str, Sequence[float]], ax: Axes) -> None:
    """Validation accuracy by epoch, a line a run."""
    from matplotlib.ticker import MaxNLocator

    for name, values in curves.items():
        ax.plot(range(1, len(values) + 1), values, marker="." if len(values) < 40 else "", label=name)
    ax.set(xlabel=_("epoch"), ylabel=_("validation accuracy"))
    ax.set_title(_("learning curves"))
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
    body = f"<h1>{escape(title)}</h1>{told}{table(titles(), map(cells, rows))}<figure>{drawn}</figure>"
    write_text(path, page(title, body))


def _draw(figure: Figure, rows: Sequence[Row], curves: Mapping[str, Sequence[float]]) -> None:
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    plot_latency(rows, axes[0])
    if curves:
        plot_curves(curves, axes[1])
