"""The report of a run that learnt a number from a table."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from discern.evaluation.regression import Estimates, measure_regression, save_estimates
from discern.evaluation.report.headline import headline
from discern.evaluation.report.page import page
from discern.evaluation.report.regression import MOST_DOTS, scatter
from discern.evaluation.report.story import Story, read_story
from discern.files import write_json
from tests.evaluation.report.made import make_run, predicted

TRIED = {"kind": "grid", "cv": 5, "n": 70, "score": "R2", "tried": [{"settings": {"k": 3}, "mean": 0.9, "std": None}]}


def told(folder: Path, n: int) -> Story:
    run = make_run(folder, predicted(("price",), 4), finished=False, epochs=0, task="regression", model="knn")
    config = run.read_config()
    config["preprocess"], config["asked"] = {"columns": ["x"]}, {"model": "knn", "target": "price"}
    del config["config"]["epochs"], config["config"]["precision"], config["config"]["layout"]
    run.write_config(config)
    truth = np.linspace(0, 10, n)
    found = Estimates("price", tuple(f"a.csv#{i}" for i in range(n)), truth, truth + np.sin(truth))
    save_estimates(run.predictions, {"test": found})
    measured = measure_regression(found.truth, found.values, "price").to_json()
    write_json(run.metrics, {"result": {"seconds": 1.0}, "search": TRIED, "validation": None, "test": measured})
    return read_story(run)


def test_it_has_numbers_a_chart_and_the_largest_errors(tmp_path: Path) -> None:
    story = told(tmp_path, 50)
    text = page(story)
    assert re.findall("<h2>(.*?)</h2>", text) == [
        "Numbers",
        "Said and true",
        "The largest errors",
        "What the search tried",
        "What the audit found",
        "How to make it again",
        "Split",
    ]
    assert "--model knn --target price" in text and "k=3" in text
    assert text.count('class="dot"') == 50
    assert story.estimates is not None
    worst = int(np.abs(story.estimates.values - story.estimates.truth).argmax())
    assert re.search(r"<td>(a\.csv#\d+)</td>", text[text.index("The largest errors</h2>") :])[1] == f"a.csv#{worst}"  # type: ignore[index]


@pytest.mark.parametrize(("n", "words"), [(50, r"R2, 0\.\d+ to 0\.\d+ at 95"), (5, "too few for an interval")])
def test_the_headline_is_of_rows(tmp_path: Path, n: int, words: str) -> None:
    sentence = headline(told(tmp_path, n))
    assert f"to say price: on {n} test rows it is off by" in sentence
    assert re.search(words, sentence)


def test_any_number_of_rows_is_drawn() -> None:
    for n in (1, 2, 3 * MOST_DOTS):
        same = Estimates("y", ("a",) * n, np.zeros(n), np.zeros(n))
        assert scatter(same).count('class="dot"') == min(n, MOST_DOTS)
