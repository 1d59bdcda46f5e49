"""Methods by name: their data, drawings and scores; what is asked wrongly is one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import discern
from discern.classifier.bundle import write_bundle
from discern.errors import ConfigError, ModelError, PictureError, RunError
from discern.explain.faithfulness import deletion, faithfulness
from discern.explain.methods import AMONG_OTHERS, HEAT_MAPS, METHODS, explain
from discern.explain.result import HeatMap, Sheet
from discern.explain.subject import subject
from tests.explain.subjects import CLASSES, before, classifier, picture

FITTING = {"deconv": "vgg11"}


@pytest.mark.parametrize("method", [method for method in METHODS if method not in AMONG_OTHERS])
def test_every_method_gives_data_and_a_picture(method: str, tmp_path: Path) -> None:
    found = explain(classifier(FITTING.get(method, "resnet18-narrow"), 32), picture(40), method)
    assert found.to_json()["method"] == method
    found.save(tmp_path / "why.png")
    with Image.open(tmp_path / "why.png") as image:
        assert min(image.size) > 200 and image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["why.png"]


@pytest.mark.parametrize("method", HEAT_MAPS)
def test_heat_maps_are_of_the_size_of_the_picture(method: str) -> None:
    found = explain(classifier("resnet18-narrow", 32, channels=1), picture(40), method, class_="螞蟻")
    assert isinstance(found, HeatMap)
    assert found.picture.shape == (32, 32, 1) and found.heat.shape == (32, 32) and found.heat.dtype == np.float32
    assert found.label == "螞蟻" and 0 < found.probability < 1
    scores = found.faithfulness
    assert scores.steps == 32 and len(scores.deleted) == len(scores.inserted) == 33
    assert scores.deleted[0] == pytest.approx(scores.inserted[-1], abs=1e-5)
    assert 0 <= scores.deletion <= 1 and 0 <= scores.insertion <= 1


@pytest.mark.parametrize("method", ["gradcam", "features"])
def test_a_notebook_shows_it(method: str) -> None:
    told = explain(classifier("resnet18-narrow", 32), picture(32), method)._repr_html_()
    assert "<svg" in told and "data:image/png;base64" in told


def test_a_class_name_that_no_font_has(tmp_path: Path) -> None:
    explain(classifier("resnet18-narrow", 32), picture(32), "gradcam", class_="螞蟻").save(tmp_path / "why.png")


def test_all_leaves_out_what_does_not_fit() -> None:
    found = explain(classifier("lenet", 28), picture(32), "all")
    assert isinstance(found, Sheet)
    assert [map.method for map in found.maps] == [name for name in HEAT_MAPS if name != "cam"]
    assert [method for method, _sentence in found.left_out] == ["cam"]


def test_scores_tell_a_good_map_from_a_bad_one() -> None:
    made = classifier("feed-forward", 28)
    mask = np.zeros((28, 28), dtype=np.float32)
    mask[:8, :8] = 1  # the only place that this classifier looks at
    first = made.network.hidden1[0]
    first.weight.data *= torch.from_numpy(np.tile(mask.ravel(), 3))
    found = subject(made, picture(28))
    good, bad = faithfulness(found, mask), faithfulness(found, 1 - mask)
    assert good.deletion < bad.deletion and good.insertion > bad.insertion
    assert deletion(found, mask) == good.deletion
    assert deletion(found, mask, cover="mean") < deletion(found, 1 - mask, cover="mean")


def test_what_is_asked_wrongly() -> None:
    made = classifier("resnet18-narrow", 32)

    def refused(kind: type[Exception], sentence: str, **asked: object) -> None:
        with pytest.raises(kind, match=sentence):
            explain(made, picture(32), **asked)  # type: ignore[arg-type]

    refused(ConfigError, "There is no method gradcan: did you mean gradcam", method="gradcan")
    refused(ConfigError, "There is no class ants: did you mean ant", class_="ants")
    refused(ConfigError, "saliency looks at no layer", method="saliency", layer="layer1")
    refused(ConfigError, "Only arithmetic looks at one cell", cell=(0, 0, 0))
    refused(ModelError, "has no layer layer9", layer="layer9")
    with pytest.raises(ModelError, match="mlp-course has no feature maps: use saliency"):
        explain(classifier("mlp-course", 28), picture(28))
    with pytest.raises(ConfigError, match=r"end it in \.png"):
        explain(made, picture(32)).save("why.jpg")


def test_no_relu_to_guide() -> None:
    made = classifier("feed-forward", 28)
    made.network.hidden1[1] = nn.Tanh()
    with pytest.raises(ModelError, match="feed-forward has no ReLU"):
        explain(made, picture(28), "guided-backprop")


def test_the_verb(tmp_path: Path) -> None:
    made = classifier("lenet", 28)
    write_bundle(tmp_path / "bundle", made.card, made.network.state_dict())
    found = discern.explain(tmp_path / "bundle", picture(40), "gradcam", class_=CLASSES[1])
    assert isinstance(found, HeatMap) and found.label == CLASSES[1]
    assert callable(discern.explain)  # importing the room of that name has not put it in the verb's place
    (tmp_path / "words.jpg").write_text("words")
    with pytest.raises(PictureError, match=r"words\.jpg"):
        discern.explain(tmp_path / "bundle", tmp_path / "words.jpg")
    with pytest.raises(RunError, match="does not exist"):
        discern.explain(tmp_path / "nothing", picture(28))


def test_grad_is_not_left_on_the_network() -> None:
    found = before("resnet18-narrow", 32)
    for method in HEAT_MAPS.values():
        method(found)
    assert all(parameter.grad is None for parameter in found.network.parameters())


def test_curves_begin_at_the_probability_that_predicting_gives() -> None:
    made = classifier("resnet18-narrow", 32)
    made.card = made.card.model_copy(update={"temperature": 3.0})
    found = explain(made, picture(32), "gradcam")
    assert isinstance(found, HeatMap)
    assert found.probability == pytest.approx(made.predict(picture(32)).probability)
    assert found.faithfulness.deleted[0] == pytest.approx(found.probability, rel=1e-4)
