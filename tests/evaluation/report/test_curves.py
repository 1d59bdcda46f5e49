from __future__ import annotations

import re

import numpy as np

from discern.evaluation.calibration import reliability
from discern.evaluation.report.curves import calibration, curves
from discern.evaluation.report.svg import HEIGHT, WIDTH
from tests.evaluation.report.made import predicted, record


def lines(text: str) -> list[list[tuple[float, float]]]:
    found = re.findall('points="([^"]*)"', text)
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in each.split(" "))] for each in found]


def test_both_parts_are_inside_the_picture() -> None:
    drawn = lines(curves([record(epoch, loss) for epoch, loss in ((1, 3.0), (2, 0.2), (3, 0.7))]))
    assert len(drawn) == 4  # accuracy and loss, training and validation
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for line in drawn for x, y in line)
    heights = [y for _x, y in drawn[0]]
    assert heights == sorted(heights, reverse=True)  # better is higher


def test_a_loss_of_zero_and_one_that_overflowed() -> None:
    for loss in (0.0, float("nan"), float("inf")):
        assert curves([record(1, loss), record(2, loss)]).count("<svg") == 2


def test_one_epoch_is_a_dot() -> None:
    assert curves([record(1)]).count("<circle") == 4


def test_a_bar_a_filled_bin_and_the_diagonal() -> None:
    some = predicted(("a", "b", "c"), 200)
    found = reliability(some.probabilities, some.labels)
    text = calibration(found)
    filled = int(np.count_nonzero(found.count))
    assert text.count('class="bin"') == filled
    assert text.count('class="interval"') == filled
    assert lines(text)[0] == [(40.0, 200.0), (340.0, 40.0)]
