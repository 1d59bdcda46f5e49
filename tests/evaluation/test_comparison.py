from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from discern.errors import ConfigError
from discern.evaluation.comparison import (
    SORT_KEYS,
    ComparedRun,
    Comparison,
    RunFacts,
    build_comparison,
    check_sort_key,
)
from discern.evaluation.comparison_figure import assign_colors, pareto_front, plot_curves, plot_latency
from discern.evaluation.cost import Cost
from discern.evaluation.predictions import Predictions
from discern.evaluation.significance import PairedTest
from discern.evaluation.task import find_task

MACHINE = {"device": "cpu", "processor": "A & B", "threads": 2}


def make_run(name: str, accuracy: float = 0.9, latency: float = 1.0, memory_kind: str = "peak") -> ComparedRun:
    interval = (accuracy - 0.05, min(1.0, accuracy + 0.05))
    cost = Cost(None, latency, 0.5, 3_000_000, memory_kind)
    scores = {"top1": accuracy, "loss": 0.3}
    return ComparedRun(name, "lenet", f"runs/{name}", 100, scores, interval, 2_000_000, 9.0, cost)


def make_comparison(*runs: ComparedRun, curves: dict[str, tuple[float, ...]] | None = None) -> Comparison:
    best = PairedTest(runs[0].name, runs[-1].name, 3, 1, 100, 0.6)
    return Comparison(runs, "classification", "test", "images", best, curves or {}, MACHINE)


def test_the_front_is_what_none_beats() -> None:
    runs = [make_run("slow", 0.99, 9.0), make_run("quick", 0.8, 0.1), make_run("worse", 0.7, 5.0), make_run("mid", 0.9)]
    assert [run.name for run in pareto_front(runs)] == ["quick", "mid", "slow"]


def test_a_page_that_needs_no_network(tmp_path: Path) -> None:
    runs = (make_run("<b>水果</b>", 0.95), make_run("knn", 0.9, 0.3, "weights"))
    make_comparison(*runs, curves={"<b>水果</b>": (0.5, 0.8)}).save(tmp_path / "c.html")
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<b>水果" not in text and "&lt;b&gt;水果&lt;/b&gt;" in text
    assert "A &amp; B" in text and "3.0*" in text and "<svg" in text
    assert "* the model alone" in text and "Compared on the same 100 test images." in text
    assert not re.search(r'(src|href)="(?!data:|#)(?!http://www.w3.org)', text)
    assert "<script" not in text


@pytest.mark.parametrize("curves", [{}, {"a": (0.5,), "b": (0.1, 0.9)}])
def test_it_is_drawn(curves: dict[str, tuple[float, ...]]) -> None:
    found, figure = make_comparison(make_run("a"), make_run("b", 1.0, 3.0), curves=curves), Figure(figsize=(12, 5))
    found.plot(figure)
    assert len(figure.axes) == (2 if curves else 1) and found.figsize[0] == (12 if curves else 7)


@pytest.mark.parametrize("step", [0.0, 0.003, 0.01])
def test_names_beside_each_other_can_be_read(step: float) -> None:
    figure = Figure(figsize=(7, 5), layout="constrained")
    ax = figure.subplots()
    plot_latency([make_run(f"run-{i}", 0.9 + i * step, 1 + i * step) for i in range(4)], "accuracy", ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [text.get_text() for text in ax.texts] == ["run-0", "run-1", "run-2", "run-3"]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(ax.get_window_extent().contains(*corner) for box in boxes for corner in box.corners())


def test_a_run_has_one_color_in_both_drawings() -> None:
    left, right = Figure().subplots(1, 2)
    plot_latency([make_run("b", 0.95), make_run("a", 0.9)], "accuracy", left)
    plot_curves({"a": [0.5, 0.9]}, right, assign_colors(["b", "a"]))
    b, a = (points.lines[0].get_color() for points in left.containers)
    assert a == right.lines[0].get_color() != b


def test_every_column_has_its_title() -> None:
    (table,) = make_comparison(make_run("a"), make_run("b")).tables()
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_runs_are_measured_sorted_and_tested() -> None:
    labels = np.zeros(60, dtype=np.int64)
    paths = tuple(map(str, range(60)))
    correct = {"good": 58, "bad": 30}
    predictions = {
        name: Predictions(
            ("a", "b"), paths, labels, np.where(np.arange(60)[:, None] < n, [0.9, 0.1], [0.2, 0.8]).astype(np.float32)
        )
        for name, n in correct.items()
    }
    facts = {name: RunFacts("lenet", f"runs/{name}", 1000, 2.0, (0.5, 0.6)) for name in correct}
    costs = {"good": Cost(10, 2.0, 1.0, 5, "peak"), "bad": Cost(None, 1.0, 1.0, 6, "peak")}
    task = find_task("classification")
    for sort in SORT_KEYS:
        found = build_comparison(task, "test", "images", predictions, facts, costs, sort, MACHINE)
        assert found.best.first == "good" and found.best.p_value < 1e-5
        first = {"accuracy": "good", "loss": "good", "parameters": "good", "memory": "good"}.get(sort)
        assert first in (None, found.runs[0].name)
    value = found.to_json()
    assert value["runs"][0].keys() >= {"top1", "loss", "interval", "latency_ms", "memory_kind"}
    assert "sentence" not in value["best"] and value["curves"]["bad"] == [0.5, 0.6]


def test_an_unknown_sort_key() -> None:
    with pytest.raises(ConfigError, match='Unknown sort key "speed": choose accuracy'):
        check_sort_key("speed")
