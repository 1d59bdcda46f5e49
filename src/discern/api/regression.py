"""The end of a run that learnt a number: measure, write the bundle, tell the story."""

from __future__ import annotations

from collections.abc import Callable

from discern.api.finish import Outcome, tell
from discern.api.job import Held
from discern.classifier.bundle import Card
from discern.classifier.classifier import Classifier
from discern.evaluation.regression import Estimates, measure_regression, save_estimates
from discern.progress import Watcher


def conclude_regression(
    job: Held, classifier: Classifier, save: Callable[[Card], None], outcome: Outcome, watch: Watcher
) -> None:
    """As `discern.api.finish.conclude`, of numbers: both held-out parts are answered once and measured."""
    dataset = job.prepared.dataset
    assert dataset.targets is not None  # that is what a regression learns
    held = {"validation": job.prepared.split.validation, "test": job.prepared.split.test}
    found = {}
    for name, indices in ((name, indices) for name, indices in held.items() if len(indices)):
        paths = tuple(dataset.store.path(index) for index in indices.tolist())
        values = classifier.values(job.pixels, job.rows(indices), watch.progress)
        found[name] = Estimates(dataset.classes[0], paths, dataset.targets[indices], values)
    measured = {name: measure_regression(part.truth, part.values, part.target) for name, part in found.items()}
    summary = {name: {"r2": m.r2, "n": m.n, "interval": m.intervals["r2"]} for name, m in measured.items()}
    save_estimates(job.run.predictions, found)
    save(classifier.card.model_copy(update={"metrics": summary}))
    scores = {name: {"r2": m.r2, "mae": m.mae, "rmse": m.rmse} for name, m in measured.items()}
    result = {"model": job.config.model, **{name: scores.get(name) for name in held}, **outcome.cost}
    parts = {name: measured[name].to_json() if name in measured else None for name in held}
    tell(job, result, parts, outcome, watch)
