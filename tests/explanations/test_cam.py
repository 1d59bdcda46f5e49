"""Class-activation maps agree with each other where theory says so."""

from __future__ import annotations

import pytest
import torch

from discern.errors import ModelError
from discern.explanations.cam import cam, gradcam, gradcam_plus_plus
from discern.explanations.explain_input import ExplainInput
from tests.explanations.inputs import explain_input


def alike(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one / one.max(), other / other.max(), rtol=1e-3, atol=1e-4)


def shown(name: str) -> ExplainInput:
    """With a class that something speaks for."""
    subjects = [explain_input(name, class_=label) for label in ("ant", "bee", "cat", "dog")]
    return max(subjects, key=lambda subject: float(cam(subject).max()))


@pytest.mark.parametrize("name", ["resnet18-narrow", "mobilenet-0.25"])
def test_cam_is_gradcam_after_average_pooling(name: str) -> None:
    # With an average before a linear head, Grad-CAM's weights are the head's over the number of places (its section 3).
    subject = shown(name)
    assert cam(subject).max() > 0
    alike(cam(subject), gradcam(subject))


@pytest.mark.parametrize("name", ["nin", "squeezenet1.1"])
def test_a_convolutional_head_is_a_cam_itself(name: str) -> None:
    found = cam(explain_input(name))
    assert found.dim() == 2 and found.min() >= 0


def test_no_cam_without_average_pooling() -> None:
    with pytest.raises(ModelError, match="vgg11 does not average its last map before a linear head"):
        cam(explain_input("vgg11"))


def test_gradcam_plus_plus_by_its_formula() -> None:
    subject = explain_input("resnet18-narrow")
    network = subject.network
    map = network.layer4(network.layer3(network.layer2(network.layer1(network.stem(subject.x))))).detach()
    map.requires_grad_()
    logit = network.forward_head(network.pool(map))[0, subject.target]
    (slope,) = torch.autograd.grad(logit.exp(), map)
    first, score = slope[0].double(), logit.detach().exp().double()
    one = first / score  # the logit's own slope: the exponential's derivatives are its powers times the score
    total = torch.zeros(map.shape[2:], dtype=torch.float64)
    for channel, plane in enumerate(map[0].detach().double()):
        a, d = plane, one[channel]
        below = 2 * d**2 + a.sum() * d**3
        alpha = torch.where(below == 0, torch.zeros_like(d), d**2 / below)
        total += (alpha * d.relu()).sum() * a
    alike(gradcam_plus_plus(subject).double(), total.relu())
