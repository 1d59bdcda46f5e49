"""What a network here is compared with: the same one in torchvision or timm."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from discern.models.network import Network
from discern.models.registry import build_model

TOLERANCE = 1e-5  # largest absolute difference in float32


def randomize_norms(network: nn.Module, x: Tensor) -> nn.Module:
    """Return ``network`` in evaluation mode, with scales, shifts and running statistics that hide no mistake."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.1)
            nn.init.normal_(module.bias, 0.0, 0.1)
            module.momentum = 1.0  # one pass gives the statistics of x, so activations stay of the order of 1
    with torch.no_grad():
        network.train()(x)
    return network.eval()


def assert_agrees(name: str, reference: nn.Module, stages: Mapping[str, str]) -> None:
    """Assert that the reference's weights load by name, and logits and every stage's map (ours -> theirs) agree."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 64, 64)
    randomize_norms(reference, torch.randn(4, 3, 64, 64))
    network = build_model(name, classes=1000, size=64, model_args={"stem": "imagenet"}).eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    with torch.no_grad():
        expected = create_feature_extractor(reference, list(stages.values()), suppress_diff_warning=True)(x)
        maps = network.stages(x)
        logits, theirs = network(x), reference(x)
    assert logits.std() > 1e-3
    assert (logits - theirs).abs().max() <= TOLERANCE
    assert list(maps) == list(stages)
    for ours, node in stages.items():
        assert (maps[ours] - expected[node]).abs().max() <= TOLERANCE, ours


def assert_names(name: str, reference: Callable[[], nn.Module]) -> Network:
    """Assert that every tensor of the reference is ours, by name, order, and shape; return ours, on the meta device."""
    with torch.device("meta"):
        network = build_model(name, classes=1000)
        theirs = reference().state_dict()
    ours = network.state_dict()
    assert [(key, tensor.shape) for key, tensor in ours.items()] == [(key, t.shape) for key, t in theirs.items()]
    return network
