"""The end of a run: measure, write the bundle, tell the story."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

import discern
from discern.api.job import Held, Job
from discern.classifier.bundle import Card, write_bundle
from discern.classifier.classifier import Classifier
from discern.classifier.predictor import looks
from discern.evaluation.calibration import choose_temperature, tempered
from discern.evaluation.metrics import Metrics, measure
from discern.evaluation.predictions import Predictions, save_predictions
from discern.evaluation.report.kept import NO_SAMPLES, Samples, augmented, keep
from discern.evaluation.report.page import page
from discern.evaluation.report.story import read_story
from discern.files import write_json, write_text
from discern.i18n import _
from discern.models.network import Model
from discern.models.summary import summary
from discern.progress import Watcher
from discern.training.probe import forgotten
from discern.training.transfer import seen


def finish(job: Job, weights: dict[str, torch.Tensor], history: list[dict[str, Any]], watch: Watcher) -> None:
    """Conclude the run of a network."""
    card = Card(
        model=job.config.model,
        network=job.config.network,
        classes=job.prepared.dataset.classes,
        preprocess=job.spec,
        views=job.config.views,
        made_with={"discern": discern.__version__, "torch": torch.__version__},
    )
    network = job.network()
    network.load_state_dict(weights)
    last = [record for record in history if record["phase"] == history[-1]["phase"]]
    rate = statistics.median(record["images_per_second"] for record in last[1:] or last)
    if job.config.tune == "head":  # what takes long are the features
        rate = len(job.prepared.split.train) * len(last) / sum(record["seconds"] for record in last)
    cost = {
        "epochs": len(history),
        "seconds": round(sum(record["seconds"] for record in history), 2),
        "images_per_second": round(rate, 1),
    }
    if job.measured:
        _tell(job, forgotten(job.measured, rate), watch)
    _write_layers(job, network, watch)
    train = job.rows(job.prepared.split.train)
    samples = augmented(job.pixels, job.labels, train, card.classes, seen(job.config), job.config.seed)
    conclude(
        job,
        Classifier(card, network),
        lambda card: write_bundle(job.run.path, card, weights),
        Outcome(cost, samples),
        watch,
    )


def _write_layers(job: Job, network: Model, watch: Watcher) -> None:
    """The network's table; what was trained is not lost where one of a person's own does what cannot be followed."""
    try:
        facts = asdict(summary(network, job.config.size, job.config.channels))
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        text = _("The report has no table of the layers of {model}: {reason}.")
        _tell(job, text.format(model=job.config.model, reason=f"{type(error).__name__} {error}"), watch)
        return
    write_json(job.run.layers, facts, indent=None)


def _tell(job: Held, text: str, watch: Watcher) -> None:
    """A notice, where there is something to say."""
    if text:
        job.run.log("notice", text=text)
        watch.event({"event": "notice", "text": text})


@dataclass(frozen=True)
class Outcome:
    """What training tells beside the model.

    Attributes
    ----------
    cost : dict
        Of the result: seconds and the like.
    samples : Samples
        Training pictures as the network saw them.
    search : dict, optional
        What a search over settings found.
    """

    cost: dict[str, Any]
    samples: Samples = NO_SAMPLES
    search: dict[str, Any] | None = None


def conclude(job: Held, classifier: Classifier, save: Callable[[Card], None], outcome: Outcome, watch: Watcher) -> None:
    """Predict both held-out parts once with the bundle's own arithmetic; write bundle, predictions, metrics, report."""
    held = {"validation": job.prepared.split.validation, "test": job.prepared.split.test}
    answers = {
        name: classifier.probabilities(job.pixels, job.rows(indices), progress=watch.progress)
        for name, indices in held.items()
        if len(indices)
    }
    scaling = choose_temperature(answers["validation"], job.labels[job.rows(held["validation"])], job.config.seed)
    predictions = {name: _predictions(job, held[name], tempered(p, scaling.value)) for name, p in answers.items()}
    part = "test" if "test" in predictions else "validation"
    looked = _one_view(job, classifier, held[part], predictions[part], watch)
    for text in (scaling.why if scaling.value != 1 else "", looked.get("why", "")):
        _tell(job, text, watch)
    measured: dict[str, Metrics | None] = dict.fromkeys(held)
    measured |= {name: measure(p.probabilities, p.labels, p.classes) for name, p in predictions.items()}
    told = {name: m and {"top1": m.top1, "n": m.n, "interval": m.interval} for name, m in measured.items()}
    save_predictions(job.run.predictions, predictions)
    temperature = classifier.card.temperature * scaling.value
    save(classifier.card.model_copy(update={"metrics": told, "temperature": temperature}))
    result = {
        "model": job.config.model,
        "validation": {"top1": measured["validation"].top1 if measured["validation"] else None},
        "test": {"top1": measured["test"].top1} if measured["test"] else None,
        **outcome.cost,
    }
    if job.pixels.ndim == 4:  # the rows of a table are no pictures
        keep(job.run.pictures, part, predictions[part], job.pixels, job.rows(held[part]), outcome.samples)
    parts = {name: m.to_json() if m else None for name, m in measured.items()}
    views = {"views": looked} if looked else {}
    tell(job, result, {"temperature": asdict(scaling), **views, **parts}, outcome, watch)


def _one_view(
    job: Held, classifier: Classifier, indices: np.ndarray, seen: Predictions, watch: Watcher
) -> dict[str, Any]:
    """What several views of a picture bring over one; empty where it is looked at once."""
    if not classifier.card.views:
        return {}
    alone = classifier.one_view().probabilities(job.pixels, job.rows(indices), progress=watch.progress)
    one, n = float((alone.argmax(axis=1) == seen.labels).mean()), len(indices)
    sentence = _(
        "From {views} looks at each picture, moved by a pixel and mirrored where that changes no meaning, "
        "{several:.4f} are named right, from one look {one:.4f} (n {n})."
    )
    views = len(looks(torch.zeros(1, 1, 2, 2), classifier.card.views))
    several = float(seen.correct.mean())
    why = sentence.format(views=views, several=several, one=one, n=f"{n:,}")
    return {"views": views, "top1": several, "top1_one_view": one, "n": n, "why": why}


def tell(job: Held, result: dict[str, Any], measured: dict[str, Any], outcome: Outcome, watch: Watcher) -> None:
    """Write metrics and report, and say that the run is done."""
    searched = {"search": outcome.search} if outcome.search else {}
    write_json(job.run.metrics, {"result": result, **searched, **measured})
    write_text(job.run.report, page(read_story(job.run)))
    job.run.log("done", **result)
    watch.event({"event": "done", **result})


def _predictions(job: Held, indices: np.ndarray, probabilities: np.ndarray) -> Predictions:
    dataset = job.prepared.dataset
    paths = tuple(dataset.store.path(index) for index in indices.tolist())
    return Predictions(dataset.classes, paths, dataset.labels[indices].astype(np.int64), probabilities)
