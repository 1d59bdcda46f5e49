"""Settings of the data on the way into a run and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from discern.api.evaluate import evaluate
from discern.api.train import train
from discern.progress import NullReporter


def test_the_columns_that_were_named_are_those_of_the_run(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = ["file,species,breed"]
    for number in range(24):
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'cat' if number % 2 else 'dog'},breed{number % 3}")
    table = tmp_path / "list.csv"
    table.write_text("\n".join(rows))
    settings = {"label": "breed", "model": "lenet", "epochs": 1, "out": tmp_path / "run", "size": 16}
    run = train(str(table), reporter=NullReporter(), **settings)
    assert run.evaluate().classes == ("breed0", "breed1", "breed2")
    assert evaluate(run, str(table), reporter=NullReporter()).n == 24  # two columns could be meant: the run's is
