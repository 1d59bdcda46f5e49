"""Print a digest of the weights and of the predictions of six short trainings.

A refactoring that claims to change nothing prints the same before and after, on the same machine:
`DISCERN_DATA=... DISCERN_WEIGHTS=... .venv/bin/python tools/digests.py`. Precision and memory format are stated, for a
training measures the machine to choose them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

import discern

FOLDER = str(Path(os.environ["DISCERN_DATA"]) / "hymenoptera")
WEIGHTS = str(Path(os.environ["DISCERN_WEIGHTS"]) / "mobilenet_v1_0.25_224_imagenet.safetensors")
EXACT = {"precision": "fp32", "memory_format": "contiguous", "compile": "no"}
PHOTOS = {"weights": WEIGHTS, "finetune": "head"}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits, default": ("digits", EXACT),
    "mnist, lenet, 1 epoch": ("mnist", {"model": "lenet", "epochs": 1, **EXACT}),
    "hymenoptera, head": (FOLDER, {**PHOTOS, **EXACT}),
    "hymenoptera, from scratch, 2 epochs": (FOLDER, {"model": "resnet18", "epochs": 2, **EXACT}),
    "cifar10, fast recipe, 1 epoch on 5,000": (
        "cifar10",
        {"recipe": "fast", "epochs": 1, "train_limit": 5000, **EXACT},
    ),
    "digits, svm-rbf": ("digits", {"model": "svm-rbf"}),
}


def train(data: str, settings: Mapping[str, Any], out: Path) -> Path:
    """Train with ``settings`` and return the run directory."""
    return discern.train(data, **settings, out=out).path


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the first 16 digits of the SHA-256 of names, shapes and bytes."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def probabilities(path: Path) -> dict[str, np.ndarray]:
    """Read the stored probabilities of validation and test."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files if stored[name].dtype.kind == "f"}


def main(chosen: list[str]) -> None:
    """Train each of ``chosen``, or of `RUNS`, and print its two digests."""
    for title, (data, settings) in RUNS.items():
        if chosen and not any(word in title for word in chosen):
            continue
        with tempfile.TemporaryDirectory() as folder:
            run = train(data, settings, Path(folder) / "run")
            weights = run / "model.safetensors"
            weighed = digest(load_file(weights)) if weights.exists() else "-" * 16
            print(f"{weighed} {digest(probabilities(run / 'predictions.npz'))}  {title}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
