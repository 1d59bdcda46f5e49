"""Run directories as training leaves them, made from predictions: no training, no pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from discern.evaluation.metrics import measure
from discern.evaluation.predictions import Predictions, save_predictions
from discern.evaluation.report.kept import NO_SAMPLES, Samples, keep
from discern.files import write_json
from discern.models.summary import summary
from discern.models.table import build
from discern.run import RunDirectory

NASTY = "<script>alert('x')</script> & \"R&D\" {n} 水果"


def predicted(classes: tuple[str, ...], n: int, seed: int = 0, sharp: float = 3.0) -> Predictions:
    """Seeded predictions, mostly right; paths carry a class's name."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(classes), n)
    logits = random.normal(0, 1, (n, len(classes)))
    logits[np.arange(n), labels] += sharp
    powers = np.exp(logits)
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return Predictions(classes, tuple(f"{classes[y]}/{i}.png" for i, y in enumerate(labels)), labels, probabilities)


def record(epoch: int, loss: float = 0.5) -> dict[str, Any]:
    part = {"top1": min(1.0, 0.5 + epoch / 20), "loss": loss}
    return {"epoch": epoch, "epochs": 5, "train": part, "validation": part, "lr": 0.1}


def make_run(
    folder: Path,
    predictions: Predictions,
    part: str = "test",
    epochs: int = 3,
    finished: bool = True,
    side: int = 8,
    samples: Samples = NO_SAMPLES,
    **config: Any,
) -> RunDirectory:
    """A run whose held-out part got ``predictions``; its pictures are noise of ``side`` pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    run, classes = RunDirectory(folder), predictions.classes
    name = config.pop("name", "水果")
    run.write_config(
        {
            "data": {"origin": name, "name": name, "fingerprint": "ab12"},
            "classes": list(classes),
            "asked": {"model": "lenet", "epochs": 5},
            "config": {"model": "lenet", "epochs": 5, "seed": 7, "precision": "fp32", "layout": "contiguous", **config},
            "preprocess": {},
            "notices": [f"Notice about {name}."],
            "findings": [],
            "machine": {"python": "3.11", "torch": "2.15", "processor": "one"},
            "discern": "0.1.0",
        }
    )
    finding = {"kind": "leak", "severity": "warning", "sentence": f"Found in {name}.", "paths": [name], "count": 1}
    write_json(run.audit, {"findings": [finding], "excluded": 0})
    counts = {each: {"train": 5, "validation": 1, "test": 2} for each in classes}
    write_json(
        run.split,
        {
            "seed": 7,
            "notes": ["Cut by the seed."],
            "counts": {"train": 5 * len(classes), "validation": len(classes), "test": 2 * len(classes), "aside": 0},
            "classes": counts,
            "reasons": [{"code": "cut", "meaning": "drawn by the seed"}],
            "pictures": {path: [part, 0] for path in predictions.paths},
        },
    )
    run.rewrite_events([{"event": "epoch", **record(epoch)} for epoch in range(1, epochs + 1)])
    if finished:
        _finish(run, predictions, part, side, samples)
    return run


def _finish(run: RunDirectory, predictions: Predictions, part: str, side: int, samples: Samples) -> None:
    save_predictions(run.predictions, {part: predictions})
    pixels = np.random.default_rng(0).integers(0, 256, (min(len(predictions), 500), side, side, 3), dtype=np.uint8)
    keep(run.pictures, part, predictions, pixels, np.arange(len(predictions)) % len(pixels), samples)
    metrics = measure(predictions.probabilities, predictions.labels, predictions.classes, draws=20)
    write_json(run.layers, asdict(summary(build("lenet", len(predictions.classes), 1, 32), 32, 1)))
    rest = "validation" if part == "test" else "test"
    write_json(
        run.metrics,
        {
            "result": {"model": "lenet", "seconds": 12.5},
            "temperature": {"why": "Probabilities are left as they are."},
            part: metrics.to_json(),
            rest: None,
        },
    )
