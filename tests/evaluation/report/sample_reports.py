"""Reports of made-up predictions: no training, no images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from discern.data.findings import Finding
from discern.evaluation.measure import measure
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import RegressionPredictions, measure_regression
from discern.evaluation.report.report_data import ReportData, SplitSummary
from discern.evaluation.report.stored_images import NO_EXAMPLES, AugmentedExamples, load_images, store_images
from discern.models.registry import build_model
from discern.models.summary import summarize
from discern.notices import Notice

NASTY = "<script>alert('x')</script> & \"R&D\" {n} 水果"


def make_predictions(classes: tuple[str, ...], n: int, seed: int = 0, sharp: float = 3.0) -> Predictions:
    """Draw seeded predictions, mostly correct; paths carry a class's name."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(classes), n)
    logits = random.normal(0, 1, (n, len(classes)))
    logits[np.arange(n), labels] += sharp
    powers = np.exp(logits)
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return Predictions(classes, tuple(f"{classes[y]}/{i}.png" for i, y in enumerate(labels)), labels, probabilities)


def make_record(epoch: int, loss: float = 0.5) -> dict[str, Any]:
    scores = {"top1": min(1.0, 0.5 + epoch / 20), "loss": loss}
    return {"epoch": epoch, "epochs": 5, "train": scores, "validation": scores, "lr": 0.1}


def make_unfinished_report(
    outputs: tuple[str, ...], paths: tuple[str, ...] = (), epochs: int = 3, **changes: Any
) -> ReportData:
    """Make the report of a run that training left unfinished."""
    counts = {"train": 5 * len(outputs), "validation": len(outputs), "test": 2 * len(outputs), "unlabeled": 0}
    split = SplitSummary(
        seed=7,
        notices=(Notice("split.no_test"),),
        counts=counts,
        classes={name: {"train": 5, "validation": 1, "test": 2} for name in outputs},
        reasons=(("test", Notice("split.assigned"), len(paths)), ("excluded", Notice("split.given"), 1)),
    )
    fields: dict[str, Any] = {
        "data": "水果",
        "model": "lenet",
        "outputs": outputs,
        "unit": "images",
        "settings": {"model": "lenet", "epochs": 5, "seed": 7},
        "command": "discern train '水果' --model lenet",
        "provenance": {"discern": "0.1.0", "torch": "2.15"},
        "split": split,
        "choices": (Notice("data.empty_classes", {"n": 1, "names": ["梨"]}),),
        "findings": (Finding("duplicates", "warning", 1, ("a.png",)),),
        "epochs": tuple(make_record(epoch) for epoch in range(1, epochs + 1)),
        "planned": 5,
    }
    return ReportData(**(fields | changes))


def make_report(
    folder: Path,
    predictions: Predictions,
    split: str = "test",
    side: int = 8,
    examples: AugmentedExamples = NO_EXAMPLES,
    **changes: Any,
) -> ReportData:
    """Make the report of a finished run; its images are noise of ``side`` pixels."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (min(len(predictions), 500), side, side, 3), dtype=np.uint8)
    store_images(folder / "images.npz", split, predictions, pixels, np.arange(len(predictions)) % len(pixels), examples)
    classes = predictions.classes
    fields: dict[str, Any] = {
        "metrics": measure(predictions.probabilities, predictions.labels, classes, 20, split=split),
        "remarks": (Notice("evaluation.temperature_unsure"),),
        "predictions": predictions,
        "images": load_images(folder / "images.npz"),
        "layers": summarize(build_model("lenet", len(classes), 1, 32), 32, 1),
    }
    return make_unfinished_report(classes, predictions.paths, **(fields | changes))


def make_regression_report(n: int, **changes: Any) -> ReportData:
    """Make the report of a run that learned a number from a table."""
    targets = np.linspace(0, 10, n)
    paths = tuple(f"a.csv#{i}" for i in range(n))
    predictions = RegressionPredictions(("price",), paths, targets, targets + np.sin(targets))
    metrics = measure_regression(targets, predictions.values, "price", split="test", unit="rows")
    fields: dict[str, Any] = {"unit": "rows", "metrics": metrics, "predictions": predictions}
    return make_unfinished_report(("price",), paths, epochs=0, **(fields | changes))
