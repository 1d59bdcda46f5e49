from __future__ import annotations

import re

import numpy as np

from discern.evaluation.calibration import measure_reliability
from discern.evaluation.regression import RegressionPredictions
from discern.evaluation.report.charts import MAX_DOTS, draw_curves, draw_reliability, draw_scatter
from discern.evaluation.report.svg import HEIGHT, WIDTH
from tests.evaluation.report.sample_reports import make_predictions, make_record


def read_lines(text: str) -> list[list[tuple[float, float]]]:
    lines = re.findall('points="([^"]*)"', text)
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line.split(" "))] for line in lines]


def test_both_splits_are_inside_the_chart() -> None:
    lines = read_lines(draw_curves([make_record(epoch, loss) for epoch, loss in ((1, 3.0), (2, 0.2), (3, 0.7))]))
    assert len(lines) == 4  # accuracy and loss, training and validation
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for line in lines for x, y in line)
    heights = [y for _x, y in lines[0]]
    assert heights == sorted(heights, reverse=True)  # better is higher


def test_a_loss_of_zero_and_one_that_overflowed() -> None:
    for loss in (0.0, float("nan"), float("inf")):
        assert draw_curves([make_record(1, loss), make_record(2, loss)]).count("<svg") == 2


def test_one_epoch_is_a_dot() -> None:
    assert draw_curves([make_record(1)]).count("<circle") == 4


def test_a_bar_per_filled_bin_and_the_diagonal() -> None:
    predictions = make_predictions(("a", "b", "c"), 200)
    reliability = measure_reliability(predictions.probabilities, predictions.labels)
    text = draw_reliability(reliability)
    filled = int(np.count_nonzero(reliability.count))
    assert text.count('class="bin"') == filled
    assert text.count('class="interval"') == filled
    assert read_lines(text)[0] == [(40.0, 200.0), (340.0, 40.0)]


def test_any_number_of_rows_is_drawn() -> None:
    for n in (1, 2, 3 * MAX_DOTS):
        equal = RegressionPredictions(("y",), ("a",) * n, np.zeros(n), np.zeros(n))
        assert draw_scatter(equal).count('class="dot"') == min(n, MAX_DOTS)
