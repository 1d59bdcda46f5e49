"""A comparison drawn: accuracy against latency, curves over each other, and both with the table on a page."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.errors import ConfigError
from discern.evaluation.comparison import Row, pareto
from discern.files import replacing, write_text
from discern.i18n import _, language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d5dae0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #15181c; --line: #3a4048; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Noto Sans TC", sans-serif;
  max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } figure { margin: 1.5rem 0; background: #ffffff; }
svg { max-width: 100%; height: auto; }
"""


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


def check_name(path: str | os.PathLike[str]) -> str:
    """The ending of a file that `save` can write.

    Raises
    ------
    ConfigError
        When it can write no such file.
    """
    ending = Path(path).suffix.lower()
    if ending not in (".png", ".html"):
        raise ConfigError(_("{path} is neither a page nor a picture: end it in .html or .png.").format(path=path))
    return ending


def save(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    curves: Mapping[str, Sequence[float]],
    sentences: Sequence[str],
) -> None:
    """Write a picture (.png) or a page that needs no network (.html), whole or not at all.

    Raises
    ------
    ConfigError
        When ``path`` ends in neither.
    DiskError
        When the disk is full or may not be written.
    """
    ending = check_name(path)
    with _any_script():
        figure = _figure(rows, curves)
        if ending == ".png":
            with replacing(path) as temporary:
                figure.savefig(temporary, format="png", dpi=150)
            return
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    svg = drawn.getvalue()
    write_text(path, _page(svg[svg.index("<svg") :], rows, sentences))


def _figure(rows: Sequence[Row], curves: Mapping[str, Sequence[float]]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12 if curves else 7, 5), layout="constrained")
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    plot_latency(rows, axes[0])
    if curves:
        plot_curves(curves, axes[1])
    return figure


@contextmanager
def _any_script() -> Iterator[None]:
    """Names in Chinese are drawn where a font has them; text of an SVG stays text."""
    import matplotlib
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    wanted = ("Noto Sans CJK TC", "Noto Sans TC", "Source Han Sans TC", "Microsoft JhengHei", "PingFang TC")
    families = ["DejaVu Sans", *(name for name in wanted if name in there)]
    settings: dict[Any, Any] = {"font.family": families, "svg.fonttype": "none", "svg.hashsalt": "discern"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _page(svg: str, rows: Sequence[Row], sentences: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles())
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells(row)) + "</tr>" for row in rows)
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    title = escape(_("Runs side by side"))
    return (
        f'<!doctype html>\n<html lang="{language().replace("_", "-")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>{told}"
        f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div><figure>{svg}</figure></body></html>\n'
    )
