"""Data, weights and a run that several modules start from; each module has its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from discern.api.train import train
from discern.models.registry import build_model
from discern.progress import NullReporter
from discern.runs.run import Run
from tests.images import make_folder
from tests.keras_state import keras_state
from tests.run_facts import KERAS_FILE, QUICK


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For what a whole module shares: as every test, a cache folder of its own, English, and no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCERN_OFFLINE", "1")
        patch.setenv("DISCERN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("DISCERN_LANG", "en")
        yield


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "large", n=8, size=96)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "small")


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNet-0.25 as Keras publishes it, with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / KERAS_FILE
    save_file(keras_state(build_model("mobilenet-0.25", 1000, 3, 224)), path)
    return path


@pytest.fixture(scope="module")
def trained(apart: None, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one's own: three colours at 32 pixels."""
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = {**QUICK, "size": 32, "resize": "pad"}
    return train(small, "resnet18-narrow", epochs=2, out=out, **settings, reporter=NullReporter())
