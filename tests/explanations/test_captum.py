"""The same numbers as captum's, which is not needed to run anything here."""

from __future__ import annotations

import copy

import pytest
from torch import Tensor, nn

from discern.explanations.cam import gradcam
from discern.explanations.explain_input import ExplainInput
from discern.explanations.gradients import guided_backprop, integrated_gradients, saliency
from discern.explanations.occlusion import occlusion
from tests.explanations.inputs import explain_input

attr = pytest.importorskip("captum.attr")

NETWORKS = {"resnet18-narrow": "layer4", "vgg11": "stage5", "mobilenet-0.25": "stage5"}
# captum warns that it sets gradients and hooks; ours is what is tested
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


class Clipped(nn.ReLU):
    """ReLU6 as a ReLU, the only rectifier that captum guides."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(max=6)


def plain(subject: ExplainInput) -> nn.Module:
    """The network with rectifiers that captum can hook: one a use, none in place."""
    network = copy.deepcopy(subject.network)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.ReLU6):
            network.set_submodule(name, Clipped())
        elif isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def close(ours: Tensor, theirs: Tensor) -> None:
    theirs = theirs.detach()
    assert theirs.abs().max() > 0
    assert (ours - theirs).abs().max() <= 1e-4 * theirs.abs().max()


@pytest.fixture(params=NETWORKS, scope="module")
def subject(request: pytest.FixtureRequest) -> ExplainInput:
    return explain_input(request.param)


def test_saliency(subject: ExplainInput) -> None:
    close(saliency(subject), attr.Saliency(plain(subject)).attribute(subject.x.clone(), target=subject.target)[0])


def test_integrated_gradients(subject: ExplainInput) -> None:
    theirs = attr.IntegratedGradients(plain(subject)).attribute(subject.x.clone(), target=subject.target, n_steps=50)
    close(integrated_gradients(subject), theirs[0].float())


def test_guided_backprop(subject: ExplainInput) -> None:
    theirs = attr.GuidedBackprop(plain(subject)).attribute(subject.x.clone().requires_grad_(), target=subject.target)
    close(guided_backprop(subject), theirs[0])


@pytest.mark.parametrize("stride", [8, 7])
def test_occlusion(subject: ExplainInput, stride: int) -> None:
    theirs = attr.Occlusion(plain(subject)).attribute(
        subject.x.clone(), (3, 16, 16), strides=(3, stride, stride), target=subject.target, baselines=0
    )
    if stride == 8:  # windows that end at the far edge by themselves
        close(occlusion(subject, 16, stride), theirs[0, 0])
    else:  # ours moves the last window back to the edge, captum's hangs over it
        inside = slice(0, 64 - 16 - stride)
        close(occlusion(subject, 16, stride)[inside, inside], theirs[0, 0][inside, inside])


def test_gradcam(subject: ExplainInput) -> None:
    network = plain(subject)
    layer = network.features[-1] if subject.name == "vgg11" else network.get_submodule(NETWORKS[subject.name])
    theirs = attr.LayerGradCam(network, layer).attribute(
        subject.x.clone(), target=subject.target, relu_attributions=True
    )
    close(gradcam(subject), theirs[0, 0])
