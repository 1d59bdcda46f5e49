"""The module that every prediction comes from: views, temperature, fusing, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from discern.classifier.bundle import ModelCard
from discern.classifier.classifier import Classifier
from discern.classifier.inference import InferenceModule, NetworkEngine, tta_views
from discern.evaluation.calibration import apply_temperature
from discern.evaluation.task import TASKS
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess

TTA = [(), ("flip",), ("shift",), ("flip", "shift")]
TASK = TASKS["classification"]
SPEC = Preprocess(size=28, channels=1, mean=(0.1,), std=(0.3,))
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)


def load(model: str = "cnn-course", tta: tuple[str, ...] = (), temperature: float = 1.0) -> Classifier:
    torch.manual_seed(0)
    network = build_model(model, 10, 1, 28)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as after training
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    card = ModelCard(model=model, classes=tuple("0123456789"), preprocess=SPEC, tta=tta, temperature=temperature)
    return Classifier(card, network)


@pytest.mark.parametrize("tta", TTA)
def test_the_views_weigh_one_together(tta: tuple[str, ...]) -> None:
    x = torch.randn(2, 3, 6, 6)
    views = tta_views(x, tta)
    assert sum(weight for _view, weight in views) == 1
    assert len(views) == (2 if "flip" in tta else 1) * (3 if "shift" in tta else 1)
    assert torch.equal(views[0][0], x)
    assert all(view.shape == x.shape for view, _weight in views)


def test_a_shifted_view_is_the_image_moved_by_a_pixel() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    moved = tta_views(x, ("shift",))[1][0]
    assert torch.equal(moved[0, 0, 1:, 1:], x[0, 0, :3, :3])


def test_a_flipped_image_gets_the_same_prediction() -> None:
    classifier = load("lenet", ("flip",))
    flipped = classifier.probabilities(PIXELS[:, :, ::-1].copy())
    assert flipped == pytest.approx(classifier.probabilities(PIXELS), abs=1e-6)


def test_without_test_time_augmentation_all_else_stays() -> None:
    classifier = load(tta=("flip", "shift"), temperature=2.0)
    classifier.source, classifier.explainer = Path("runs/x"), print  # type: ignore[assignment]
    plain = classifier.without_tta()
    assert (plain.source, plain.explainer, plain.network) == (Path("runs/x"), print, classifier.network)
    assert plain.card == classifier.card.model_copy(update={"tta": ()})
    assert np.array_equal(plain.probabilities(PIXELS), load(temperature=2.0).probabilities(PIXELS))
    assert plain.without_tta() is plain


def test_normalisation_is_fused_and_the_network_left_as_it_is() -> None:
    classifier = load()
    engine = classifier._engine
    assert isinstance(engine, NetworkEngine)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in engine.module.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in classifier.network.modules())
    with torch.no_grad():
        x = (torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255 - 0.1) / 0.3
        wanted = classifier.network(x).softmax(dim=1).numpy()
    assert classifier.probabilities(PIXELS) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("temperature", [0.4, 1.7, 3.0])
def test_the_temperature_is_that_of_calibration_to_the_bit(temperature: float) -> None:
    plain, scaled = load().probabilities(PIXELS), load(temperature=temperature).probabilities(PIXELS)
    assert np.array_equal(scaled, apply_temperature(plain, temperature))
    logits = torch.from_numpy(np.random.default_rng(1).normal(0, 8, (20_000, 7)).astype(np.float32))
    wanted = apply_temperature(logits.softmax(dim=1).numpy(), temperature)
    assert np.array_equal(TASK.activate(logits, temperature).numpy(), wanted)


def test_the_module_itself_takes_pixels_and_gives_probabilities() -> None:
    torch.manual_seed(0)
    module = InferenceModule(build_model("lenet", 10, 1, 28).eval(), SPEC, TASK, ("flip",), 2.0)
    with torch.inference_mode():
        found = module(torch.from_numpy(PIXELS))
    assert found.dtype == torch.float32 and found.shape == (40, 10)
    assert np.array_equal(found.numpy(), load("lenet", ("flip",), 2.0).probabilities(PIXELS))


@pytest.mark.parametrize("model", ["lenet", "cnn-course"])
def test_hooks_on_the_network_see_no_prediction(model: str) -> None:
    """Explanations hook the network's layers while other threads predict."""
    classifier, calls = load(model), []
    for module in classifier.network.modules():
        module.register_forward_hook(lambda *_arguments: calls.append(1))
    classifier.probabilities(PIXELS)
    assert not calls
    engine = classifier._engine
    assert isinstance(engine, NetworkEngine)
    shared = {tensor.data_ptr() for tensor in classifier.network.parameters()}
    own = [tensor for tensor in engine.module.parameters() if tensor.data_ptr() not in shared]
    assert bool(own) is (model == "cnn-course")  # what was fused is new, everything else is shared


def test_threads_predict_what_one_predicts() -> None:
    classifier = load(tta=("flip", "shift"), temperature=1.5)
    batches = [PIXELS[i::8] for i in range(8)]
    wanted = [classifier.probabilities(batch) for batch in batches]
    fresh = load(tta=("flip", "shift"), temperature=1.5)  # the first predictions of all fall together
    with ThreadPoolExecutor(8) as pool:
        for _turn in range(5):
            found = list(pool.map(fresh.probabilities, batches))
            assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
