"""Maps and kernels are the network's own; deconvolution follows the switches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from discern.errors import ModelError
from discern.explanations.channels import capture_features, read_filters
from discern.explanations.deconv import project_channels
from tests.explanations.inputs import explain_input


def test_features_are_the_strongest_maps() -> None:
    subject = explain_input("resnet18-narrow", layer="layer1")
    found = capture_features(subject, top_k=3)
    with torch.no_grad():
        map = subject.network.stages(subject.x)["layer1"][0]
    means = map.mean(dim=(1, 2))
    assert found.channels.tolist() == means.argsort(descending=True)[:3].tolist()
    np.testing.assert_allclose(found.maps, map[found.channels.tolist()].numpy(), atol=1e-6)


def test_filters_in_color_and_by_their_mean() -> None:
    first, second = read_filters(explain_input("vgg11")), read_filters(explain_input("vgg11", layer="features.3"))
    weights = explain_input("vgg11").network.features[0].weight.detach()
    assert first.maps.shape == (64, 3, 3, 3) and second.maps.shape == (64, 3, 3)
    np.testing.assert_array_equal(first.maps[0], weights[int(first.channels[0])].permute(1, 2, 0).numpy())


def test_deconv_by_hand() -> None:
    subject = explain_input("lenet", 28)
    found = project_channels(subject, top_k=1)
    network, channel = subject.network, int(found.channels[0])
    with torch.no_grad():
        x = F.pad(subject.x, (2, 2, 2, 2))
        one = network.c1(x).relu()
        pooled, switches1 = F.max_pool2d(one, 2, return_indices=True)
        two = network.c3(pooled).relu()
        top, switches2 = F.max_pool2d(two, 2, return_indices=True)
        seed = torch.zeros_like(top)
        place = int(top[0, channel].argmax())
        seed[0, channel].view(-1)[place] = top[0, channel].view(-1)[place]
        back = F.max_unpool2d(seed, switches2, 2, output_size=two.shape[2:]).relu()
        back = F.conv_transpose2d(back, network.c3.weight)
        back = F.max_unpool2d(back, switches1, 2, output_size=one.shape[2:]).relu()
        back = F.conv_transpose2d(back, network.c1.weight)[0, :, 2:-2, 2:-2]
    assert np.abs(found.maps).max() > 0
    np.testing.assert_allclose(found.maps[0], back.permute(1, 2, 0).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["alexnet", "zfnet", "vgg11"])
def test_deconv_of_chains(name: str) -> None:
    found = project_channels(explain_input(name, 32))
    assert found.maps.shape == (9, 32, 32, 3) and np.isfinite(found.maps).all() and found.strength[0] > 0


def test_no_deconv_without_switches_or_a_single_way() -> None:
    with pytest.raises(ModelError, match=r"mobilenet-0.25 has no max pooling"):
        project_channels(explain_input("mobilenet-0.25"))
    with pytest.raises(ModelError, match=r"squeezenet1.1 joins several maps into one"):
        project_channels(explain_input("squeezenet1.1"))
