"""One look for every page that discern writes: light and dark, for wide and narrow screens, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from discern.i18n import language

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #5b6470; --line: #d5dae0;
  --mark: #0b62b8; --heat: 11, 98, 184; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #15181c; --soft: #a4adb8; --line: #3a4048;
  --mark: #6db3f8; --heat: 109, 179, 248; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Noto Sans TC", sans-serif;
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
.soft { color: var(--soft); } code { overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; background: #ffffff; } figure img, figure svg { max-width: 100%; height: auto; }
"""


def page(title: str, body: str, style: str = "", script: str = "") -> str:
    """A whole HTML page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    style, script : str
        CSS after the common one, and JavaScript at the end of the page.

    Examples
    --------
    >>> page("Apples & pears", "<p>There.</p>").count("<title>Apples &amp; pears</title>")
    1
    """
    run = f"<script>{script}</script>" if script else ""
    return (
        f'<!doctype html>\n<html lang="{language().replace("_", "-")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>\n<body>{body}{run}</body></html>\n"
    )


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts that scrolls by itself where it is wider than the screen."""
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
