"""A comparison drawn: score against latency, and learning curves over each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discern.figures import PAPER
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from discern.evaluation.comparison import ComparedRun

NAME_PLACES = (  # of a name beside its point: points to the right and up, and which corner of the name lies there
    ((6, 4), "left", "bottom"),
    ((6, -4), "left", "top"),
    ((-6, 4), "right", "bottom"),
    ((-6, -4), "right", "top"),
)
NAME_BOX = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.5}


def plot_latency(runs: Sequence[ComparedRun], score_title: str, ax: Axes) -> None:
    """Draw the score with its interval against the time for one example; a line joins the runs that none dominates."""
    from matplotlib.ticker import LogLocator, NullLocator

    for run, color in zip(runs, assign_colors(run.name for run in runs).values(), strict=True):
        low, high = run.interval or (run.score, run.score)
        error_bars = [[run.score - low], [high - run.score]]
        ax.errorbar(run.cost.latency_ms, run.score, yerr=error_bars, fmt="o", capsize=3, color=color)
    front = pareto_front(runs)
    ax.plot([run.cost.latency_ms for run in front], [run.score for run in front], color="0.6", linestyle=":", zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(x=0.2)  # room for the names
    ax.set(xlabel=_("latency in ms, batch of 1"), ylabel=score_title)
    title = _("{score} with its 95 % CI (n {n:,})\ndotted: no other run is both better and faster")
    ax.set_title(title.format(score=score_title, n=runs[0].n), fontsize=10)
    _place_names(runs, ax)


def pareto_front(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """Return the runs that no other beats in both score and latency, fastest first."""
    front: list[ComparedRun] = []
    for run in sorted(runs, key=lambda run: (run.cost.latency_ms, -run.score)):
        if not front or run.score > front[-1].score:  # all before it are faster, so it must be better
            front.append(run)
    return front


def assign_colors(names: Iterable[str]) -> dict[str, Any]:
    """Return a color for each name (of a run, a class), the same in every drawing."""
    from matplotlib import colormaps

    listed = list(names)
    palette = colormaps["tab10" if len(listed) <= 10 else "tab20"]
    return {name: palette(i % 20) for i, name in enumerate(listed)}


def _place_names(runs: Sequence[ComparedRun], ax: Axes) -> None:
    """Write each name beside its point, where it covers no point and no other name, if there is such a place."""
    from matplotlib.transforms import Bbox

    ax.figure.figure.draw_without_rendering()  # only then is it known where everything lies
    points = ax.transData.transform([(run.cost.latency_ms, run.score) for run in runs])
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in points]
    for run in runs:
        point = (run.cost.latency_ms, run.score)
        text = ax.annotate(run.name, point, xytext=(0, 0), textcoords="offset points", fontsize=8, bbox=NAME_BOX)
        for place, side, height in NAME_PLACES:
            text.set(position=place, ha=side, va=height)
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def plot_curves(curves: Mapping[str, Sequence[float]], ax: Axes, colors: Mapping[str, Any] | None = None) -> None:
    """Draw validation accuracy by epoch, a line a run."""
    from matplotlib.ticker import MaxNLocator

    colors = colors or assign_colors(curves)
    for name, values in curves.items():
        marker = "." if len(values) < 40 else ""
        ax.plot(range(1, len(values) + 1), values, marker=marker, label=name, color=colors[name])
    ax.set(xlabel=_("epoch"), ylabel=_("validation accuracy"))
    ax.set_title(_("learning curves"), fontsize=10)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(fontsize=8)
