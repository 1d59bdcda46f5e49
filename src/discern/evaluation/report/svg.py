"""Small charts as inline SVG: lines and words take the colours of the page, so one drawing is light and dark."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, MARGIN = 380, 240, 40
ROUND = (1, 2, 2.5, 5, 10)  # steps from grid line to grid line, times a power of ten


def levels(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers, evenly spaced, from ``low`` or just below to ``high`` or just above, ``most`` of them.

    Examples
    --------
    >>> levels(0.13, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> levels(0.91, 1.0)
    [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (factor * tens for tens in (power, 10 * power) for factor in ROUND):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < most:
            break
    return [round(i * step, 12) for i in range(first, last + 1)]


@dataclass(frozen=True)
class Chart:
    """A chart's axes.

    Attributes
    ----------
    title : str
        Plain text, below the horizontal axis and for those who hear the page.
    x, y : tuple of float
        Where the axes begin and end; the vertical one at round numbers, as `levels` gives.

    Examples
    --------
    >>> chart = Chart("a line", x=(0, 1), y=(0, 2))
    >>> chart.place(0, 0), chart.place(1, 2)
    ((40.0, 200.0), (340.0, 40.0))
    """

    title: str
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is drawn; one below or above the chart, on its edge."""
        (left, right), (low, high) = self.x, self.y
        across = (x - left) / ((right - left) or 1.0)
        up = (min(max(y, low), high) - low) / ((high - low) or 1.0)
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    def line(self, points: Iterable[tuple[float, float]], kind: str) -> str:
        """A line through points, drawn as the style sheet says for the class ``kind``; one point is a dot."""
        places = [self.place(*point) for point in points]
        if len(places) == 1:
            return f'<circle class="{kind}" cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3"/>'
        return f'<polyline class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'

    def bar(self, left: float, right: float, value: float, kind: str, words: str) -> str:
        """A bar from the bottom up to ``value``; ``words`` tell of it."""
        (x, y), (end, bottom) = self.place(left, value), self.place(right, self.y[0])
        size = f'x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{bottom - y:.1f}"'
        return f'<rect class="{kind}" {size}><title>{escape(words)}</title></rect>'

    def draw(
        self, marks: Sequence[str], ticks: Sequence[tuple[float, str]], keys: Sequence[tuple[str, str]] = ()
    ) -> str:
        """The whole chart: marks over grid lines, ``ticks`` (x, words) below, ``keys`` (kind, words) above."""
        found = []
        for value in levels(*self.y):
            x, y = self.place(self.x[0], value)
            found.append(f'<line class="grid" x1="{x:.1f}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}"/>')
            found.append(f'<text x="{x - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value, words in ticks:
            x, y = self.place(value, self.y[0])
            found.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{escape(words)}</text>')
        for i, (kind, words) in enumerate(keys):
            left = MARGIN + i * 120
            found.append(f'<rect class="{kind} key" x="{left}" y="10" width="12" height="12"/>')
            found.append(f'<text x="{left + 17}" y="20">{escape(words)}</text>')
        title = escape(self.title)
        return (
            f'<svg class="chart" role="img" aria-label="{title}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}">{"".join(found)}{"".join(marks)}'
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">{title}</text></svg>'
        )
