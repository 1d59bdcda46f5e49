"""Methods by name: their data, figures and scores; a wrong request is one sentence."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import discern
from discern.classifier.bundle import write_bundle
from discern.classifier.classifier import Classifier
from discern.errors import ConfigError, ImageError, ModelError, RunError
from discern.explanations.channels import ChannelMaps
from discern.explanations.explain_input import prepare_input
from discern.explanations.faithfulness import deletion, faithfulness
from discern.explanations.heat_map import Grid, HeatMap
from discern.explanations.methods import DATASET_METHODS, HEAT_MAPS, METHODS, explain
from tests.explanations.inputs import CLASSES, classifier, explain_input, image

FITTING = {"deconv": "vgg11"}


@pytest.mark.parametrize("method", [method for method in METHODS if method not in DATASET_METHODS])
def test_every_method_gives_a_result(method: str, tmp_path: Path) -> None:
    found = explain(classifier(FITTING.get(method, "resnet18-narrow"), 32), image(40), method)
    assert found.to_json()["method"] == method
    found.save(tmp_path / "why.png")
    with Image.open(tmp_path / "why.png") as pil_image:
        assert min(pil_image.size) > 200 and pil_image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["why.png"]
    found.save(tmp_path / "why.json")
    assert found.sentences() and json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))["method"] == method


@pytest.mark.parametrize("method", HEAT_MAPS)
def test_heat_maps_are_of_the_size_of_the_image(method: str) -> None:
    found = explain(classifier("resnet18-narrow", 32, channels=1), image(40), method, class_="螞蟻")
    assert isinstance(found, HeatMap)
    assert found.image.pixels.shape == (32, 32, 1) and found.heat.shape == (32, 32) and found.heat.dtype == np.float32
    assert found.image.label == "螞蟻" and 0 < found.image.probability < 1
    scores = found.faithfulness
    assert scores.steps == 32 and len(scores.deleted) == len(scores.inserted) == 33
    assert scores.deleted[0] == pytest.approx(scores.inserted[-1], abs=1e-5)
    assert 0 <= scores.deletion <= 1 and 0 <= scores.insertion <= 1


@pytest.mark.parametrize("method", ["gradcam", "features"])
def test_a_notebook_shows_it(method: str) -> None:
    html = explain(classifier("resnet18-narrow", 32), image(32), method)._repr_html_()
    assert "<svg" in html and "data:image/png;base64" in html and "<table" in html


def test_a_class_name_that_no_font_has(tmp_path: Path) -> None:
    explain(classifier("resnet18-narrow", 32), image(32), "gradcam", class_="螞蟻").save(tmp_path / "why.png")


def test_all_leaves_out_what_does_not_fit() -> None:
    found = explain(classifier("lenet", 28), image(32), "all")
    assert isinstance(found, Grid)
    assert [map.method for map in found.maps] == [name for name in HEAT_MAPS if name != "cam"]
    assert [method for method, _reason in found.left_out] == ["cam"]


def test_scores_tell_a_good_map_from_a_bad_one() -> None:
    made = classifier("feed-forward", 28)
    mask = np.zeros((28, 28), dtype=np.float32)
    mask[:8, :8] = 1  # the only place that this classifier looks at
    first = made.network.hidden1[0]
    first.weight.data *= torch.from_numpy(np.tile(mask.ravel(), 3))
    found = prepare_input(made, image(28))
    good, bad = faithfulness(found, mask), faithfulness(found, 1 - mask)
    assert good.deletion < bad.deletion and good.insertion > bad.insertion
    assert deletion(found, mask) == good.deletion
    assert deletion(found, mask, cover="mean") < deletion(found, 1 - mask, cover="mean")


def test_wrong_requests() -> None:
    made = classifier("resnet18-narrow", 32)

    def refused(kind: type[Exception], message: str, **request: object) -> None:
        with pytest.raises(kind, match=message):
            explain(made, image(32), **request)  # type: ignore[arg-type]

    refused(ConfigError, r'Unknown method "gradcan" \(did you mean gradcam', method="gradcan")
    refused(ConfigError, r'Unknown class "ants" \(did you mean ant', class_="ants")
    refused(ConfigError, "saliency takes no layer", method="saliency", layer="layer1")
    refused(ConfigError, "Only arithmetic takes a cell", cell=(0, 0, 0))
    refused(ConfigError, "three integers CHANNEL,ROW,COLUMN.*got 1,2", method="arithmetic", cell="1,2")
    refused(ModelError, 'has no layer "layer9"', layer="layer9")
    with pytest.raises(ModelError, match="mlp-course has no feature maps: use saliency"):
        explain(classifier("mlp-course", 28), image(28))
    with pytest.raises(ConfigError, match=r"Unsupported file type: why\.jpg"):
        explain(made, image(32)).save("why.jpg")


def test_no_relu_to_guide() -> None:
    made = classifier("feed-forward", 28)
    made.network.hidden1[1] = nn.Tanh()
    with pytest.raises(ModelError, match="feed-forward has no ReLU"):
        explain(made, image(28), "guided-backprop")


def test_the_verb(tmp_path: Path) -> None:
    made = classifier("lenet", 28)
    write_bundle(tmp_path / "bundle", made.card, made.network.state_dict())
    found = discern.explain(tmp_path / "bundle", image(40), method="gradcam", class_=CLASSES[1])
    assert isinstance(found, HeatMap) and found.image.label == CLASSES[1]
    (tmp_path / "words.jpg").write_text("words")
    with pytest.raises(ImageError, match=r"words\.jpg"):
        discern.explain(tmp_path / "bundle", tmp_path / "words.jpg")
    with pytest.raises(RunError, match="does not exist"):
        discern.explain(tmp_path / "nothing", image(28))


def test_grad_is_not_left_on_the_network() -> None:
    found = explain_input("resnet18-narrow", 32)
    for method in HEAT_MAPS.values():
        method(found)
    assert all(parameter.grad is None for parameter in found.network.parameters())


def test_curves_begin_at_the_probability_that_predicting_gives() -> None:
    made = classifier("resnet18-narrow", 32)
    made = Classifier(made.card.model_copy(update={"temperature": 3.0}), made.network)
    found = explain(made, image(32), "gradcam")
    assert isinstance(found, HeatMap)
    probability = found.image.probability
    assert probability == pytest.approx(made.predict(image(32)).probability)
    assert found.faithfulness.deleted[0] == pytest.approx(probability, rel=1e-4)


def test_threads_may_explain_with_one_classifier() -> None:
    """An explanation hooks layers that the others run at the same time."""
    shared, images = classifier("resnet18-narrow", 32), [np.roll(image(32), 8 * i, axis=0) for i in range(4)]

    def explain_one(pixels: np.ndarray) -> np.ndarray:
        found = explain(shared, pixels, "features", layer="layer1.0.conv1")
        assert isinstance(found, ChannelMaps)
        return found.maps

    wanted = [explain_one(pixels) for pixels in images]
    shared.network.register_forward_pre_hook(lambda *_arguments: time.sleep(0.02))  # others start meanwhile
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(explain_one, images))
    assert all(a == pytest.approx(b, abs=1e-6) for a, b in zip(found, wanted, strict=True))
