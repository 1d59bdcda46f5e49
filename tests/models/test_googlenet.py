"""torchvision is the oracle: same names, same numbers, auxiliary heads included."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from tests.oracle import TOLERANCE, assert_agrees, assert_names, randomize_norms

STAGES = {
    "stem": "maxpool2",
    "inception3b": "inception3b",
    "inception4a": "inception4a",
    "inception4d": "inception4d",
    "inception4e": "inception4e",
    "inception5b": "inception5b",
}


def torchvisions(auxiliary_heads: bool) -> nn.Module:
    return torchvision.models.googlenet(
        weights=None, aux_logits=auxiliary_heads, transform_input=False, init_weights=False
    )


def test_torchvision_weights_load_and_agree_at_every_stage() -> None:
    assert_agrees("googlenet", torchvisions(True), STAGES)


def test_auxiliary_logits_agree() -> None:
    torch.manual_seed(0)
    reference = randomize_norms(torchvisions(True), torch.randn(4, 3, 64, 64))
    reference.training = True  # of the whole only: its parts stay in evaluation mode
    network = build_model("googlenet", classes=1000, size=64, model_args={"stem": "imagenet"}).eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        wanted = reference(x)
        logits, first, second = network.forward_train(x)
    for ours, theirs in ((logits, wanted.logits), (first, wanted.aux_logits1), (second, wanted.aux_logits2)):
        assert ours.std() > 1e-3
        assert (ours - theirs).abs().max() <= TOLERANCE


def test_without_auxiliary_heads() -> None:
    torch.manual_seed(0)
    reference = randomize_norms(torchvisions(False), torch.randn(4, 3, 64, 64))
    settings = {"stem": "imagenet", "auxiliary_heads": False}
    network = build_model("googlenet", classes=1000, size=64, model_args=settings).eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert (network(x) - reference(x)).abs().max() <= TOLERANCE
        assert len(network.forward_train(x)) == 1


def test_parameters_are_the_published() -> None:
    network = assert_names("googlenet", lambda: torchvisions(True))
    heads = sum(p.numel() for head in network.auxiliary.values() for p in network.get_submodule(head).parameters())
    assert count_parameters("googlenet") == 13_004_888
    assert count_parameters("googlenet") - heads == 6_624_904  # torchvision's num_params


def test_auxiliary_heads_are_as_wide_as_the_classes() -> None:
    network = build_model("googlenet", classes=7, size=28)
    assert network.auxiliary == {"inception4a": "aux1", "inception4d": "aux2"}
    for head in network.auxiliary.values():
        assert network.get_submodule(f"{head}.fc2").out_features == 7
    assert [tuple(logits.shape) for logits in network.forward_train(torch.zeros(2, 3, 28, 28))] == [(2, 7)] * 3


def test_gradient_of_each_auxiliary_head_reaches_it_and_the_stem() -> None:
    network = build_model("googlenet", classes=4, size=28).train()
    x = torch.randn(4, 3, 28, 28)
    for number, head in enumerate(network.auxiliary.values(), start=1):
        network.zero_grad()
        nn.functional.cross_entropy(network.forward_train(x)[number], torch.arange(4)).backward()
        reached = [*network.get_submodule(head).parameters(), *network.get_submodule("conv1").parameters()]
        assert all(moved(p.grad) for p in reached)
        assert not moved(network.head.weight.grad)


def moved(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.abs().sum() > 0)


def test_predicting_runs_no_auxiliary_head() -> None:
    network = build_model("googlenet", classes=4, size=28).eval()
    network.get_submodule("aux1").register_forward_hook(lambda *_call: pytest.fail("an auxiliary head was run"))
    assert network(torch.zeros(1, 3, 28, 28)).shape == (1, 4)


def test_small_stem_keeps_a_small_image() -> None:
    with torch.device("meta"):
        maps = build_model("googlenet", classes=10, size=28).stages(torch.zeros(1, 3, 28, 28))
    assert [map.shape[-1] for map in maps.values()] == [14, 14, 7, 7, 7, 4]


def test_published_form_says_its_min_size() -> None:
    with pytest.raises(ModelError, match=r"googlenet needs images of at least 15x15 pixels, got 14x14.*stem=small"):
        build_model("googlenet", classes=10, size=14, model_args={"stem": "imagenet"})
    network = build_model("googlenet", classes=10, size=15, model_args={"stem": "imagenet"})
    assert len(network.forward_train(torch.zeros(2, 3, 15, 15))) == 3
