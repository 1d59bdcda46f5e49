"""One look for every page that discern writes: light and dark, for wide and narrow screens, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from discern.i18n import _, language

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #5b6470; --line: #d5dae0;
  --mark: #0b62b8; --heat: 11, 98, 184; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #15181c; --soft: #a4adb8; --line: #3a4048;
  --mark: #6db3f8; --heat: 109, 179, 248; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Noto Sans TC", sans-serif;
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-top: 1.5rem; }
a { color: var(--mark); } :focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
h1, h2, h3, p, li, summary, figcaption, code { overflow-wrap: anywhere; }
summary { cursor: pointer; margin: .5rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, .text { text-align: left; white-space: normal; }
td.text:last-child { overflow-wrap: anywhere; }
@media (max-width: 40rem) { table { font-size: .9rem; } th, td { padding: .25rem .4rem; } }
.gap td { color: var(--soft); }
.soft { color: var(--soft); }
figure { margin: 1.5rem 0; } figure img, figure svg { max-width: 100%; height: auto; }
"""


def render_page(title: str, body: str, style: str = "", script: str = "") -> str:
    """Return a complete HTML page; ``title`` is plain text, ``style`` CSS after the common one, ``script`` JavaScript.

    Examples
    --------
    >>> render_page("Apples & pears", "<p>There.</p>").count("<title>Apples &amp; pears</title>")
    1
    """
    run = f"<script>{script}</script>" if script else ""
    return (
        f'<!doctype html>\n<html lang="{language().replace("_", "-")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>\n<body>{body}{run}</body></html>\n"
    )


def render_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1, max_rows: int = 0
) -> str:
    """Return a table of plain texts that scrolls by itself where it is wider than the screen.

    The first ``text_columns`` columns align left, the others right. Of more than ``max_rows`` rows (0: no limit) the
    first ones and the last are shown, and all of them below, folded away.

    Examples
    --------
    >>> "2 more" in render_table(("n",), [("1",), ("2",), ("3",), ("4",)], max_rows=3)
    True
    """
    rows = list(rows)
    folded = fold_rows(rows, max_rows)
    shown = _render_rows(columns, folded, text_columns, gap=len(folded) - 2 if len(folded) < len(rows) else -1)
    if len(folded) == len(rows):
        return shown
    return shown + render_details(
        _("All {n} rows").format(n=f"{len(rows):,}"), _render_rows(columns, rows, text_columns)
    )


def fold_rows(rows: Sequence[Sequence[str]], max_rows: int) -> list[Sequence[str]]:
    """Return at most ``max_rows`` rows: the first ones, one that counts those left out, and the last (0: all).

    Examples
    --------
    >>> fold_rows([["a"], ["b"], ["c"], ["d"]], 3)
    [['a'], ['… 2 more'], ['d']]
    """
    if not max_rows or len(rows) <= max_rows:
        return list(rows)
    hidden = len(rows) - max_rows + 1
    gap = [_("… {n} more").format(n=f"{hidden:,}"), *[""] * (len(rows[0]) - 1)]
    return [*rows[: max_rows - 2], gap, rows[-1]]


def render_details(title: str, body: str) -> str:
    """Return HTML that is folded away under a title of plain text."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def shorten_middle(text: str, length: int = 26) -> str:
    """Return ``text`` with its middle left out where it is longer than ``length``: both ends of a file name tell most.

    Examples
    --------
    >>> shorten_middle("val/bees/2709775832_85b4b50a57.jpg")
    'val/bees/2709…b4b50a57.jpg'
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def _render_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int, gap: int = -1) -> str:
    left = [' class="text"' if column < text_columns else "" for column in range(len(columns))]
    head = "".join(f"<th{style}>{escape(title)}</th>" for title, style in zip(columns, left, strict=True))
    titles = f"<tr>{head}</tr>" if any(columns) else ""
    body = "".join(
        ('<tr class="gap">' if i == gap else "<tr>")
        + "".join(f"<td{style}>{escape(cell)}</td>" for cell, style in zip(row, left, strict=True))
        + "</tr>"
        for i, row in enumerate(rows)
    )
    return f'<div class="scroll"><table>{titles}{body}</table></div>'
