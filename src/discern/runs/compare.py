"""Finished runs side by side: how good, how sure, how large and how fast."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from discern.classifier.bundle import ESTIMATOR
from discern.classifier.classifier import Classifier
from discern.errors import ConfigError
from discern.evaluation.comparison import Comparison, RunFacts, build_comparison, check_sort_key
from discern.evaluation.cost import BATCH, Candidate, measure_costs
from discern.evaluation.significance import check_same_examples
from discern.i18n import _
from discern.models.external import is_user_code
from discern.runs.run import Run
from discern.runtime import choose_device, describe_machine


def compare(
    runs: Sequence[str | os.PathLike[str] | Run], *, sort: str = "accuracy", model_code: str | None = None
) -> Comparison:
    """Compare runs on the test split they share (on validation where not all have one); times are measured now.

    Parameters
    ----------
    runs : sequence of path or Run
        Two or more.
    sort : str
        accuracy, loss, parameters, size, training, latency, batch, memory or name; the best first.
    model_code : str, optional
        ``file.py:function`` that builds the networks that are your own.

    Raises
    ------
    RunError
        When one is no finished run or has no stored predictions, or when classes or what they were tested on differ.
    ConfigError
        When fewer than two are given, or there is no such key.

    Examples
    --------
    >>> compare(["runs/lenet", "runs/resnet18"]).best.text()  # doctest: +SKIP
    'There is no evidence that lenet is better than resnet18 on 153 images: ...'
    """
    check_sort_key(sort)
    named = _name_runs([Run.open(run) for run in runs])
    if len(named) < 2:
        raise ConfigError(_("Specify two or more different runs to compare."))
    stored = {name: run.predictions() for name, run in named.items()}
    split = "test" if all("test" in splits for splits in stored.values()) else "validation"
    predictions = {name: splits[split] for name, splits in stored.items()}
    check_same_examples(predictions)  # before seconds are spent on measuring
    device, first = choose_device(), next(iter(named.values()))
    costs = measure_costs(_load_candidates(named, model_code), device)
    facts = {name: _read_facts(run) for name, run in named.items()}
    this_machine = {**describe_machine(), "device": str(device)}
    return build_comparison(first.task, split, first.unit, predictions, facts, costs, sort, this_machine)


def _name_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """Return each run once, by the name of its folder, or by its full path where two folders have one name."""
    distinct = {run.path.resolve(): run for run in runs}
    names = [path.name for path in distinct]
    return {path.name if names.count(path.name) == 1 else str(path): run for path, run in distinct.items()}


def _load_candidates(runs: Mapping[str, Run], model_code: str | None) -> Iterator[tuple[str, Candidate]]:
    for name, run in runs.items():
        code = model_code if is_user_code(run.result["model"]) else None
        classifier = Classifier.load(run.path, choose_device(), code)
        inputs, memory = classifier.dummy_batch(BATCH), _bytes_in_memory(run.path)
        yield name, Candidate(classifier.outputs, inputs, classifier.count_parameters(), memory)


def _read_facts(run: Run) -> RunFacts:
    curve = tuple(event["validation"]["top1"] for event in run.directory.read_events("epoch"))
    return RunFacts(run.result["model"], str(run.path), _bytes_on_disk(run.path), run.result["seconds"], curve)


def _bytes_on_disk(path: Path) -> int:
    """Return the bytes of the bundle."""
    return sum(file.stat().st_size for file in path.glob("model.*"))


def _bytes_in_memory(path: Path) -> int:
    """Return the bytes of the bundle in memory, where nothing is compressed."""
    packed = path / ESTIMATOR
    if not packed.is_file():
        return _bytes_on_disk(path)
    with zipfile.ZipFile(packed) as archive:
        return _bytes_on_disk(path) - packed.stat().st_size + sum(part.file_size for part in archive.infolist())
