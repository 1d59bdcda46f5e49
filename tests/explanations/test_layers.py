"""A layer is found in every network of the table, on a small random image, and its map is what the network made."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from discern.classifier.classifier import Classifier
from discern.errors import ModelError
from discern.explanations.cam import gradcam
from discern.explanations.capture import capture_layer, list_convolutions
from discern.explanations.methods import compute_heat_map, explain
from discern.models.torch_model import TorchModel
from tests.explanations.inputs import classifier, explain_input, image
from tests.test_contracts import SMALL, by_work

WITHOUT_MAPS = {"mlp-course", "feed-forward"}


@by_work()
def test_every_network_explains_itself(name: str) -> None:
    subject = explain_input(name, SMALL)
    if name in WITHOUT_MAPS:
        with pytest.raises(ModelError, match=f"{name} has no feature maps"):
            subject.layer()
        return
    found = capture_layer(subject.network, subject.x.clone().requires_grad_(), subject.layer())
    assert max(found.map.shape[2:]) > 1
    with torch.no_grad():
        torch.testing.assert_close(found.logits, subject.network(subject.x), rtol=1e-4, atol=1e-5)
    assert found.gradient(subject.target).shape == found.map.shape
    heat = compute_heat_map(subject, "gradcam").heat
    assert heat.shape == (SMALL, SMALL)
    assert heat.min() >= 0 and heat.max() in (0, 1)


def test_a_module_by_its_name_keeps_what_it_gave() -> None:
    subject = explain_input("resnet18-narrow", layer="layer2.0.bn1")  # an in-place ReLU reads it
    found = capture_layer(subject.network, subject.x, subject.layer())
    assert found.map.min() < 0
    assert torch.isfinite(gradcam(subject)).all()


def test_another_library() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip
    made = classifier("resnet18-narrow", 32)
    made = Classifier(made.card, TorchModel("mine", net, 5, 3, 32))
    stage, module = (explain(made, image(32), "gradcam", layer) for layer in ("stride4", "net.3"))
    assert stage.to_json()["layer"] == "stride4"
    assert (stage.heat == module.heat).all()  # type: ignore[attr-defined]
    assert explain(made, image(32), "cam").heat.max() == 1  # type: ignore[attr-defined]


def test_unknown_layers_and_their_neighbours() -> None:
    with pytest.raises(ModelError, match='has no layer "layer5" that fits this method; it has, for example: layer'):
        explain_input("resnet18-narrow", layer="layer5").layer()
    with pytest.raises(ModelError, match=r'resnet18-narrow has no layer "conv9" that fits .* conv1'):
        explain_input("resnet18-narrow", layer="conv9").convolution()
    with pytest.raises(ModelError, match="mlp-course has no feature maps, so none called x"):
        explain_input("mlp-course", SMALL, layer="x").layer()
    with pytest.raises(ModelError, match="mlp-course has no convolution"):
        explain_input("mlp-course", SMALL).convolution()


def test_convolutions_by_name() -> None:
    assert list(list_convolutions(explain_input("lenet", 28).network)) == ["c1", "c3"]
