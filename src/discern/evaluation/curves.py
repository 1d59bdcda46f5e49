"""Learning curves as inline SVG, coloured by the page they stand in."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from discern.i18n import _

WIDTH, HEIGHT, MARGIN = 420, 240, 38


def curves(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Loss and accuracy over the epochs, training and validation together, one figure each."""
    if not epochs:
        return ""
    return "".join(
        _figure(title, {part: [record[part][key] for record in epochs] for part in ("train", "validation")}, top)
        for title, key, top in ((_("accuracy"), "top1", 1.0), (_("loss"), "loss", None))
    )


def _figure(title: str, lines: Mapping[str, Sequence[float]], top: float | None) -> str:
    values = [value for line in lines.values() for value in line]
    # One wild epoch must not flatten the rest of the figure.
    high = top or min(max(values), 1.5 * max(*lines["train"], statistics.median(lines["validation"]))) or 1.0
    low = 0.0 if top is None else max(0.0, min(values) - 0.05)
    n = len(next(iter(lines.values())))
    words = {"train": _("training"), "validation": _("validation")}
    inside_width, inside_height = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN

    def x(i: int) -> float:
        return MARGIN + inside_width * (i / max(1, n - 1))

    def y(value: float) -> float:
        return HEIGHT - MARGIN - inside_height * (min(value, high) - low) / max(high - low, 1e-9)

    marks = []
    for t in range(5):
        value = low + (high - low) * t / 4
        marks.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="var(--line)"/>'
            f'<text x="{MARGIN - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        )
    for i, (part, line) in enumerate(lines.items()):
        points = " ".join(f"{x(j):.1f},{y(value):.1f}" for j, value in enumerate(line))
        colour = f"var(--{part})"
        marks.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if n == 1:
            marks.append(f'<circle cx="{x(0):.1f}" cy="{y(line[0]):.1f}" r="3" fill="{colour}"/>')
        left = MARGIN + i * 110
        marks.append(
            f'<rect x="{left}" y="10" width="12" height="12" fill="{colour}"/>'
            f'<text x="{left + 17}" y="20">{escape(words[part])}</text>'
        )
    ends = "".join(
        f'<text x="{x(i):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{i + 1}</text>' for i in {0, n - 1}
    )
    label = _("{title} by epoch").format(title=title)
    return (
        f'<figure style="margin:0"><svg role="img" aria-label="{escape(label)}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" style="max-width:100%">{"".join(marks)}{ends}'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text></svg></figure>'
    )
