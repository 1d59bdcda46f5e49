"""Small charts as inline SVG: lines and words take the colours of the page, so one drawing is light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, MARGIN = 380, 240, 40
STEPS = (1, 2, 2.5, 5, 10)  # from grid line to grid line, times a power of ten


def choose_ticks(low: float, high: float, max_ticks: int = 6) -> list[float]:
    """Return at most ``max_ticks`` round numbers, evenly spaced, that enclose ``low`` and ``high``.

    Examples
    --------
    >>> choose_ticks(0.13, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> choose_ticks(0.91, 1.0)
    [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]
    """
    power = 10.0 ** math.floor(math.log10((high - low) / max_ticks))
    for step in (multiple * tens for tens in (power, 10 * power) for multiple in STEPS):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < max_ticks:
            break
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True)
class Chart:
    """A chart's axes.

    Examples
    --------
    >>> chart = Chart("a line", x=(0, 1), y=(0, 2))
    >>> chart.locate(0, 0), chart.locate(1, 2)
    ((40.0, 200.0), (340.0, 40.0))
    """

    title: str  # plain text, below the horizontal axis and for those who hear the page
    x: tuple[float, float]  # first and last value of the axis
    y: tuple[float, float]  # the same; they are round numbers, as `choose_ticks` gives

    def locate(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point in the drawing; one below or above the chart lies on its edge."""
        (left, right), (low, high) = self.x, self.y
        across = (x - left) / ((right - left) or 1.0)
        up = (min(max(y, low), high) - low) / ((high - low) or 1.0)
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    def draw_line(self, points: Iterable[tuple[float, float]], kind: str) -> str:
        """Draw a line through points, in the style of the class ``kind``; one point is a dot."""
        places = [self.locate(*point) for point in points]
        if len(places) == 1:
            return f'<circle class="{kind}" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3"/>'
        return f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'

    def draw_bar(self, left: float, right: float, value: float, kind: str, words: str) -> str:
        """Draw a bar from the bottom up to ``value``; ``words`` describe it."""
        (x, y), (end, bottom) = self.locate(left, value), self.locate(right, self.y[0])
        size = f'x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{bottom - y:.1f}"'
        return f'<rect class="{kind}" {size}><title>{escape(words)}</title></rect>'

    def draw(
        self, marks: Sequence[str], ticks: Sequence[tuple[float, str]], legend: Sequence[tuple[str, str]] = ()
    ) -> str:
        """Return the chart as SVG: marks on a grid, ``ticks`` (x, words) below, ``legend`` (kind, words) above."""
        parts = []
        for value in choose_ticks(*self.y):
            x, y = self.locate(self.x[0], value)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{x - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value, words in ticks:
            x, y = self.locate(value, self.y[0])
            parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{escape(words)}</text>')
        for i, (kind, words) in enumerate(legend):
            left = MARGIN + i * 120
            parts.append(f'<rect class="{kind} key" x="{left}" y="10" width="12" height="12"/>')
            parts.append(f'<text x="{left + 17}" y="20">{escape(words)}</text>')
        title = escape(self.title)
        return (
            f'<svg class="chart" role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}">{"".join(parts)}{"".join(marks)}'
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">{title}</text></svg>'
        )
