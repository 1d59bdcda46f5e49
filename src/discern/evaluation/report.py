"""A run's report: one HTML file that needs no network, in light and dark, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from discern.evaluation.curves import curves
from discern.evaluation.metrics import Metrics
from discern.i18n import _, language

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #5b6470; --line: #d5dae0;
  --train: #9a5b00; --validation: #0b62b8; --heat: 11, 98, 184; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #15181c; --soft: #a4adb8; --line: #3a4048;
  --train: #f0a94b; --validation: #6db3f8; --heat: 109, 179, 248; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Noto Sans TC", sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } .confusion td { min-width: 2.2rem; text-align: center; }
.soft { color: var(--soft); } svg text { fill: currentColor; font-size: 11px; } code { overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; }
"""


@dataclass(frozen=True)
class Story:
    """What the report tells.

    Attributes
    ----------
    run, data, model : str
        Names.
    part : str
        The part that ``metrics`` were measured on: ``test`` or ``validation``.
    metrics : Metrics
        Of that part.
    epochs : sequence of dict
        The epoch records of events.jsonl.
    notices : sequence of str
        What discern decided or found.
    findings : sequence of str
        What the audit found.
    settings : mapping
        Everything resolved.
    command : str
        What makes the run again.
    """

    run: str
    data: str
    model: str
    part: str
    metrics: Metrics
    epochs: Sequence[Mapping[str, Any]]
    notices: Sequence[str]
    findings: Sequence[str]
    settings: Mapping[str, Any]
    command: str


def page(story: Story) -> str:
    """The report as one HTML page."""
    sections = [
        f"<h1>{escape(story.data)} · {escape(story.model)}</h1><p>{escape(headline(story))}</p>",
        _section(_("Curves"), f'<div class="figures">{curves(story.epochs)}</div>'),
        _section(_("Confusion matrix"), _confusion(story.metrics)),
        _section(_("Classes"), _per_class(story.metrics)),
        _section(_("What the audit found"), _list(story.findings)),
        _section(_("What was decided, and why"), _list(story.notices)),
        _section(_("How to make it again"), f"<p><code>{escape(story.command)}</code></p>{_settings(story.settings)}"),
    ]
    title = f"{story.data} · {story.model}"
    return (
        f'<!doctype html>\n<html lang="{language().replace("_", "-")}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{''.join(sections)}</body></html>\n"
    )


def headline(story: Story) -> str:
    """One sentence: what came out, on how many pictures, and how sure that is."""
    m = story.metrics
    parts = {"test": _("test"), "validation": _("validation")}
    sentence = _("{model} names {top1:.1%} of {n} {part} pictures of {data} right ({low:.1%} to {high:.1%} at 95 %).")
    return sentence.format(
        model=story.model,
        top1=m.top1,
        n=m.n,
        part=parts[story.part],
        data=story.data,
        low=m.interval[0],
        high=m.interval[1],
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>\n"


def _list(sentences: Sequence[str]) -> str:
    if not sentences:
        nothing = _("Nothing.")
        return f'<p class="soft">{escape(nothing)}</p>'
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _confusion(metrics: Metrics) -> str:
    """Rows are the true classes; the colour is the share of the row."""
    names = [escape(name) for name in metrics.classes]
    corner = _("true / predicted")
    head = f"<tr><th>{escape(corner)}</th>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    rows = []
    for name, row in zip(names, metrics.confusion.tolist(), strict=True):
        total = max(1, sum(row))
        cells = "".join(f'<td style="background: rgba(var(--heat), {0.5 * n / total:.3f})">{n or ""}</td>' for n in row)
        rows.append(f"<tr><th>{name}</th>{cells}</tr>")
    return f'<div class="scroll"><table class="confusion">{head}{"".join(rows)}</table></div>'


def _per_class(metrics: Metrics) -> str:
    titles = (_("class"), _("precision"), _("recall"), _("F1"), _("pictures"))
    head = "<tr>" + "".join(f"<th>{escape(title)}</th>" for title in titles) + "</tr>"
    rows = [
        f"<tr><td>{escape(name)}</td><td>{row['precision']:.3f}</td><td>{row['recall']:.3f}</td>"
        f"<td>{row['f1']:.3f}</td><td>{row['support']:.0f}</td></tr>"
        for name, row in metrics.per_class().items()
    ]
    return f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _settings(settings: Mapping[str, Any]) -> str:
    rows = [f"<tr><td>{escape(str(name))}</td><td>{escape(str(value))}</td></tr>" for name, value in settings.items()]
    title = _("All settings")
    return f"<details><summary>{escape(title)}</summary><table>{''.join(rows)}</table></details>"
