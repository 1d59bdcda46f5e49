from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from scipy.stats import binomtest

from discern.errors import ConfigError, RunError
from discern.evaluation.comparison import Row, check_same, mcnemar, paired, pareto
from discern.evaluation.comparison_page import cells, colours, plot_curves, plot_latency, save, titles
from discern.evaluation.predictions import Predictions


def made(right: list[bool], paths: list[str] | None = None, classes: tuple[str, ...] = ("a", "b")) -> Predictions:
    """All pictures are of the first class; ``right`` says which are named so."""
    names = paths or [f"{i}.png" for i in range(len(right))]
    probabilities = np.array([[0.9, 0.1] if yes else [0.2, 0.8] for yes in right], dtype=np.float32)
    return Predictions(classes, tuple(names), np.zeros(len(right), dtype=np.int64), probabilities)


def row(name: str, accuracy: float = 0.9, latency: float = 1.0, memory_is: str = "peak") -> Row:
    interval = (accuracy - 0.05, min(1.0, accuracy + 0.05))
    numbers = {"n": 100, "loss": 0.3, "size": 2_000_000, "seconds": 9.0, "batch_ms": 0.5, "memory": 3_000_000}
    return Row(
        name,
        "lenet",
        f"runs/{name}",
        accuracy=accuracy,
        interval=interval,
        latency_ms=latency,
        parameters=None,
        memory_is=memory_is,
        **numbers,  # type: ignore[arg-type]
    )


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_test_is_the_exact_binomial_one(first: int, second: int) -> None:
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(wanted, abs=1e-9)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_thousands_of_pictures_apart() -> None:
    assert mcnemar(6000, 1000) < 1e-300
    assert mcnemar(5000, 5000) == 1


def test_no_evidence_is_said_so() -> None:
    found = paired("A", made([True] * 150 + [False] * 3), "B", made([True] * 148 + [False] * 5))
    assert "no evidence that A is better than B on 153 pictures: 2 that only it" in found.sentence()


def test_evidence_is_said_so_whatever_the_order() -> None:
    found = paired("A", made([False] * 20 + [True] * 5), "B", made([True] * 25))
    assert found.sentence().startswith("B is better than A on 25 pictures: 20 that only it names right, 0 that only")


def test_pictures_are_matched_by_name() -> None:
    a, b = made([True, False, True], ["1", "2", "3"]), made([True, True, False], ["3", "1", "2"])
    check_same({"A": a, "B": b})
    found = paired("A", a, "B", b)
    assert (found.only_first, found.only_second) == (0, 0)


def test_different_pictures_are_named() -> None:
    a, b = made([True] * 5, list("12345")), made([True] * 3, list("457"))
    with pytest.raises(RunError, match=r"cannot be ranked: 3 only in A \(1, 2, 3\), 1 only in B \(7\)") as said:
        check_same({"A": a, "B": b})
    assert "same seed" in str(said.value)
    with pytest.raises(RunError, match=r"9 only in A \(0.png, 1.png, 2.png …\), 0 only in B \(none\)"):
        check_same({"A": made([True] * 10), "B": made([True], ["9.png"])})


def test_different_classes_are_named() -> None:
    with pytest.raises(RunError, match=r"A and B know different classes \(b, c\)"):
        check_same({"A": made([True]), "B": made([True], classes=("a", "c"))})


def test_the_same_names_with_other_labels() -> None:
    a = made([True, False])
    b = Predictions(a.classes, a.paths, np.array([0, 1]), a.probabilities)
    with pytest.raises(RunError, match=r"different labels.*1 of them \(1.png\)"):
        check_same({"A": a, "B": b})
    turned = Predictions(("b", "a"), a.paths, np.array([1, 1]), a.probabilities[:, ::-1])
    check_same({"A": a, "B": turned})


def test_the_front_is_what_none_beats() -> None:
    rows = [row("slow", 0.99, 9.0), row("quick", 0.8, 0.1), row("worse", 0.7, 5.0), row("middle", 0.9, 1.0)]
    assert [each.name for each in pareto(rows)] == ["quick", "middle", "slow"]


def test_a_page_that_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    rows = [row("<b>水果</b>", 0.95), row("knn", 0.9, 0.3, "weights")]
    save(path, rows, {"<b>水果</b>": [0.5, 0.8]}, ["A & B."])
    text = path.read_text(encoding="utf-8")
    assert "<b>水果" not in text and "&lt;b&gt;水果&lt;/b&gt;" in text
    assert "A &amp; B." in text and "3.0*" in text and "<svg" in text
    assert not re.search(r'(src|href)="(?!data:|#)(?!http://www.w3.org)', text)
    assert "<script" not in text


@pytest.mark.parametrize("curves", [{}, {"a": [0.5], "b": [0.1, 0.9]}])
def test_a_picture(curves: dict[str, list[float]], tmp_path: Path) -> None:
    save(tmp_path / "c.png", [row("a"), row("b", 1.0, 3.0)], curves, [])
    with Image.open(tmp_path / "c.png") as picture:
        assert min(picture.size) > 500


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.svg or \.html"):
        save(tmp_path / "c.pdf", [row("a")], {}, [])


@pytest.mark.parametrize("step", [0.0, 0.003, 0.01])
def test_names_beside_each_other_can_be_read(step: float) -> None:
    figure = Figure(figsize=(7, 5), layout="constrained")
    ax = figure.subplots()
    plot_latency([row(f"run-{i}", 0.9 + i * step, 1 + i * step) for i in range(4)], ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert [text.get_text() for text in ax.texts] == ["run-0", "run-1", "run-2", "run-3"]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(ax.get_window_extent().contains(*corner) for box in boxes for corner in box.corners())


def test_a_run_has_one_colour_in_both_drawings() -> None:
    left, right = Figure().subplots(1, 2)
    plot_latency([row("b", 0.95), row("a", 0.9)], left)
    plot_curves({"a": [0.5, 0.9]}, right, colours(["b", "a"]))
    b, a = (points.lines[0].get_color() for points in left.containers)
    assert a == right.lines[0].get_color() != b


def test_every_column_has_its_title() -> None:
    assert len(titles([row("a")])) == len(cells(row("a")))
