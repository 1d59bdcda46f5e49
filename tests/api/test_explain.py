"""What is explained by the training images of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import discern
from discern.api.explain import explain
from discern.api.train import train
from discern.classifier.classifier import Classifier
from discern.errors import ConfigError, ModelError, RunError
from discern.explanations.cam import gradcam
from discern.explanations.embedding import Embedding
from discern.explanations.explain_input import prepare_input
from discern.explanations.faithfulness import deletion
from discern.explanations.heat_map import to_heatmap
from discern.explanations.nearest import Nearest
from discern.progress import NullReporter
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory
from tests.run_facts import KERAS_FILE


@pytest.fixture(scope="module")
def training_image(trained: Run, small: Path) -> tuple[str, Path]:
    images = json.loads(RunDirectory(trained.path).split.read_text(encoding="utf-8"))["images"]
    name = next(name for name, (part, _reason) in images.items() if part == "train")
    return name, small / name


def test_nearest_to_a_training_image_is_itself(trained: Run, training_image: tuple[str, Path], tmp_path: Path) -> None:
    name, path = training_image
    found = explain(trained.path, path, method="nearest")
    assert isinstance(found, Nearest)
    assert found.paths[0] == name and found.labels[0] == name.split("/")[0]
    assert found.similarity[0] == pytest.approx(1, abs=1e-4)
    assert (np.diff(found.similarity) <= 0).all()
    np.testing.assert_array_equal(found.images[0], found.image.pixels)
    found.save(tmp_path / "near.png")


@pytest.mark.parametrize("method", ["embedding", "embedding-tsne"])
def test_embedding(method: str, trained: Run, training_image: tuple[str, Path], tmp_path: Path) -> None:
    name, path = training_image
    found = explain(trained.path, path, method=method)
    assert isinstance(found, Embedding)
    assert found.points.shape == (len(found.labels), 2) and np.isfinite(found.points).all()
    assert found.to_json()["method"] == method and str(len(found.points)) in found.sentences()[1]
    if method == "embedding":
        np.testing.assert_allclose(found.points[found.paths.index(name)], found.point, atol=1e-4)
        assert found.explained_variance is not None and 0 < found.explained_variance <= 1.0001
    found.save(tmp_path / "map.png")


def test_a_bundle_alone_has_no_training_images(trained: Run, training_image: tuple[str, Path], tmp_path: Path) -> None:
    for name in ("model.json", "model.safetensors"):
        shutil.copy(trained.path / name, tmp_path / name)
    with pytest.raises(ConfigError, match="nearest needs the training images"):
        explain(tmp_path, training_image[1], method="nearest")


def test_images_that_were_moved_or_added(
    trained: Run, training_image: tuple[str, Path], small: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    shutil.copytree(small, tmp_path / "data")
    shutil.copy(training_image[1], tmp_path / "data" / training_image[0].split("/")[0] / "more.png")
    for place, sentence in (("data", "more.png was added"), ("gone", "are no longer at .*gone: put them back")):
        config["data"]["origin"] = str(tmp_path / place)
        (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
        with pytest.raises(RunError, match=sentence + ".*predict, evaluate, compare and the other methods"):
            explain(run, training_image[1], method="nearest")


def test_images_that_were_changed(trained: Run, training_image: tuple[str, Path], small: Path, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    shutil.copytree(small, tmp_path / "data")
    (tmp_path / "data" / training_image[0]).write_bytes((small / "red" / "0.png").read_bytes())
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    config["data"]["origin"] = str(tmp_path / "data")
    (tmp_path / "run" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(RunError, match=r"changed since .*run was trained on them: put the old ones back"):
        explain(tmp_path / "run", training_image[1], method="embedding")


def test_an_open_classifier_explains_itself(trained: Run, training_image: tuple[str, Path], tmp_path: Path) -> None:
    opened = discern.load(trained.path)
    for method in ("gradcam", "nearest"):
        assert opened.explain(training_image[1], method=method).to_json() == (
            explain(trained, training_image[1], method=method).to_json()
        )
    assert trained.classifier().explain(training_image[1], class_="blue").to_json()["label"] == "blue"


@pytest.mark.parametrize("features", ["pixels", "color,handcrafted"])
def test_a_classical_model_shows_what_it_goes_by(
    features: str, small: Path, apart: None, training_image: tuple[str, Path], tmp_path: Path
) -> None:
    run = train(small, "knn", features=features, out=tmp_path / "knn", reporter=NullReporter())
    near = run.classifier().explain(training_image[1], method="nearest")
    assert isinstance(near, Nearest) and near.paths[0] == training_image[0]
    assert near.similarity[0] == pytest.approx(1, abs=1e-5)
    map = explain(run.path, training_image[1], method="embedding")
    assert isinstance(map, Embedding)
    np.testing.assert_allclose(map.points[map.paths.index(training_image[0])], map.point, atol=1e-4)
    for method in ("gradcam", "features", "all"):
        with pytest.raises(ModelError, match=r"knn is a classical model.*nearest, embedding or embedding-tsne"):
            explain(run.path, training_image[1], method=method)


@pytest.mark.slow
def test_gradcam_is_more_faithful_than_chance_on_real_images(
    shared_data: Path, shared_weights: Path, tmp_path: Path
) -> None:
    """Every third held-out image of ants and bees that transfer learning gets right; of all, 120 of 141."""
    weights = shared_weights / KERAS_FILE
    run = train(shared_data / "hymenoptera", weights=str(weights), out=tmp_path / "run", reporter=NullReporter())
    classifier, random = Classifier.load(run.path), np.random.default_rng(0)
    better = []
    for image in sorted((shared_data / "hymenoptera" / "val").glob("*/*.jpg"))[::3]:
        asked = prepare_input(classifier, image)
        if asked.label != image.parent.name:
            continue
        map = gradcam(asked)
        chance = torch.from_numpy(random.random(tuple(map.shape), dtype=np.float32))
        better.append(deletion(asked, to_heatmap(map, asked.size)) < deletion(asked, to_heatmap(chance, asked.size)))
    assert len(better) > 40
    assert np.mean(better) >= 0.8
