"""The end of a run that learnt a number: measure, write the bundle, tell the story."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from discern import pages
from discern.api.finish import Outcome
from discern.api.job import Held
from discern.classifier.bundle import Card
from discern.classifier.classifier import Classifier
from discern.evaluation.regression import Estimates, RegressionMetrics, measure_regression, save_estimates
from discern.figures import svg
from discern.files import write_json, write_text
from discern.i18n import _
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
    searched = {"search": outcome.search} if outcome.search else {}
    parts = {name: measured[name].to_json() if name in measured else None for name in held}
    write_json(job.run.metrics, {"result": result, **searched, **parts})
    part = "test" if "test" in found else "validation"
    write_text(job.run.report, _page(job, found[part], measured[part], part))
    job.run.log("done", **result)
    watch.event({"event": "done", **result})


def _page(job: Held, found: Estimates, measured: RegressionMetrics, part: str) -> str:
    """One page that needs no network."""
    title = f"{job.prepared.dataset.name} · {job.config.model}"
    parts = {"test": _("test"), "validation": _("validation")}
    sentence = _(
        "{model} learnt from {train} rows of {data} to say {target}: on {n} {part} rows it explains R2 {r2:.3f} of the "
        "variance and is off by {mae:.4g} on average."
    )
    told = sentence.format(
        model=job.config.model,
        train=len(job.prepared.split.train),
        data=job.prepared.dataset.name,
        target=found.target,
        n=measured.n,
        part=parts[part],
        r2=measured.r2,
        mae=measured.mae,
    )
    written = job.run.read_config()
    notices = "".join(f"<li>{escape(text)}</li>" for text in (*written["findings"], *written["notices"]))
    settings = [(name, str(value)) for name, value in written["config"].items()]
    body = (
        f"<main><h1>{escape(title)}</h1><p>{escape(told)}</p>"
        f"{pages.table((_('score'), _('value'), _('95 %')), measured.rows())}"
        f"<figure>{svg((5.5, 5.0), lambda figure: found.plot(figure.add_subplot()))}</figure>"
        f"<h2>{escape(_('What was decided, and why'))}</h2><ul>{notices}</ul>"
        f"<h2>{escape(_('All settings'))}</h2>{pages.table(('', ''), settings)}</main>"
    )
    return pages.page(title, body)
