from __future__ import annotations

import errno
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from discern.errors import DiskError
from discern.models.network import Model
from discern.models.registry import build_model
from discern.preprocess.augment import augment
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import ignore_progress
from discern.runtime import Ranks, make_generator
from discern.training import transfer
from discern.training.config import TrainConfig, make_config
from discern.training.loop import Trainer
from discern.training.sources import FeatureBatches, TrainingData
from discern.training.transfer import HEAD_DEFAULTS, Head, load_features, plan_phases, save_features
from tests.oracle import randomize_norms

CPU = torch.device("cpu")
SIDE = 32
SPEC = Preprocess(size=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3))
CONFIG = make_config(
    **{
        **HEAD_DEFAULTS,
        "finetune": "head",
        "epochs": 4,
        "batch_size": 8,
        "augmented_copies": 2,
        "flip": True,
        "translate": 0.1,
        "mixup": 0.5,
        "seed": 3,
    }
)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 60)
    pixels = random.integers(0, 200, (60, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[np.arange(60), :, :, labels] += 50
    order = random.permutation(60)
    return TrainingData(pixels, labels, order[:40], order[40:], 3)


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    network = build_model("resnet18-narrow", 3, 3, SIDE)
    randomize_norms(network, torch.randn(4, 3, SIDE, SIDE))
    return network.train()


def made(model: Model, data: TrainingData, config: TrainConfig, path: Path) -> np.ndarray:
    save_features(model, data, config, SPEC, path, CPU, ignore_progress)
    return load_features(path)


def encoded(model: Model, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return model.eval().forward_features(normalize(x, SPEC)).numpy()


def test_the_rows_are_train_validation_and_the_augmented_passes(
    model: Model, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "eval_batch_size", lambda *_arguments: 32)
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "new" / "features.npy"
    save_features(model, data, CONFIG, SPEC, path, CPU, lambda *seen: told.append(seen))
    values = load_features(path)
    assert values.shape == (40 + 20 + 2 * 40, model.head.in_features)
    assert values.dtype == np.float32
    assert [done for _what, done, _total in told] == [32, 40, 60, 92, 100, 132, 140]
    assert {(what, total) for what, _done, total in told} == {("features", 140)}
    plain = encoded(model, to_float(torch.from_numpy(data.pixels)))
    assert np.allclose(values[:40], plain[data.train], atol=1e-5)
    assert np.allclose(values[40:60], plain[data.validation], atol=1e-5)
    rows = torch.from_numpy(data.train)[:32]
    plain_augmentation = CONFIG.augmentation.model_copy(update={"mixup": 0.0})  # a feature has one label
    for turn, first in ((2, 60), (3, 100)):
        pixels = torch.from_numpy(data.pixels)[rows]
        x, _targets = augment(pixels, rows, plain_augmentation, make_generator(3, "features", turn, first))
        assert np.allclose(values[first : first + 32], encoded(model, x), atol=1e-5)
    assert not np.allclose(values[60:100], values[:40], atol=1e-2)
    assert not np.allclose(values[60:100], values[100:], atol=1e-2)


@pytest.mark.parametrize("change", [{"augment": False}, {"augmented_copies": 0}], ids=str)
def test_without_augmentation_there_are_no_more_passes(
    model: Model, data: TrainingData, tmp_path: Path, change: dict[str, Any]
) -> None:
    assert len(made(model, data, CONFIG.replace(**change), tmp_path / "f.npy")) == 60


def test_the_same_seed_gives_the_same_bytes(model: Model, data: TrainingData, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.npy", "two.npy", "other.npy")]
    for path, seed in zip(paths, (3, 3, 4), strict=True):
        made(model, data, CONFIG.model_copy(update={"seed": seed}), path)
    one, two, other = (path.read_bytes() for path in paths)
    assert one == two != other


@pytest.mark.parametrize("name", ["resnet18-narrow", "squeezenet1.1"])  # with normalisation to fold, and without
def test_the_model_is_left_as_it_was(name: str, data: TrainingData, tmp_path: Path) -> None:
    """In bits, and in how its weights lie in memory: a run resumed after the features has no other."""
    model = build_model(name, 3, 3, SIDE)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    strides = {name: tensor.stride() for name, tensor in model.state_dict().items()}
    made(model, data, CONFIG, tmp_path / "f.npy")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert strides == {name: tensor.stride() for name, tensor in model.state_dict().items()}
    assert not any(parameter.is_inference() for parameter in model.parameters())


def test_the_map_before_a_convolutional_head_is_kept_whole(data: TrainingData, tmp_path: Path) -> None:
    model = build_model("squeezenet1.1", 3, 3, SIDE)
    values = made(model, data, CONFIG.replace(augmented_copies=0), tmp_path / "f.npy")
    assert values.ndim == 4 and values.shape[:2] == (60, model.head.in_channels)
    assert Head(model)(torch.from_numpy(values[:2])).shape == (2, 3)


def test_features_of_more_than_memory_holds_are_mapped(
    model: Model, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = made(model, data, CONFIG, tmp_path / "f.npy")
    monkeypatch.setattr(transfer, "MAX_IN_MEMORY", values.nbytes - 1)
    mapped = load_features(tmp_path / "f.npy")
    assert isinstance(mapped, np.memmap) and not isinstance(values, np.memmap)
    assert np.array_equal(mapped, values)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    model: Model, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(BytesIO):
        def write(self, content: Any) -> int:
            if self.tell() > 5000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(Path, "open", lambda path, mode: Full())
    with pytest.raises(DiskError, match="full"):
        save_features(model, data, CONFIG, SPEC, tmp_path / "f.npy", CPU, ignore_progress)
    assert list(tmp_path.iterdir()) == []


def train_head(model: Model, data: TrainingData, config: TrainConfig, folder: Path) -> Trainer:
    values = made(model, data, config, folder / "features.npy")
    source = FeatureBatches(data, config, values, CPU, Ranks())
    trainer = Trainer(Head(model), config, source, folder, CPU, Ranks(), lambda kind, fields: None)
    trainer.train()
    return trainer


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_only_the_head_is_trained(model: Model, data: TrainingData, tmp_path: Path, ema: float) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = train_head(model, data, CONFIG.replace(ema=ema, lr=0.02, epochs=20), tmp_path)
    assert trainer.best.keys() == {"head.weight", "head.bias"}
    changed = [name for name, tensor in model.state_dict().items() if not torch.equal(before[name], tensor)]
    assert changed == ["fc.weight", "fc.bias"]
    history = trainer.state.history
    assert history[-1]["train"]["loss"] < 0.8 * history[0]["train"]["loss"]
    losses = [record["validation"]["loss"] for record in history]
    assert trainer.state.best_epoch == 1 + losses.index(min(losses))


def test_a_head_answers_as_its_model(model: Model) -> None:
    x = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        features = model.eval().forward_features(x)
        assert torch.equal(Head(model)(features), model(x))
        assert torch.equal(Head(model).forward_train(features)[0], model(x))
    assert [name for name, _parameter in Head(model).named_parameters()] == ["head.weight", "head.bias"]


@pytest.mark.parametrize("tune", ["head", "all"])
def test_one_part_is_one_phase(tune: str) -> None:
    config = CONFIG.replace(finetune=tune)
    assert plan_phases(config) == [config]


def test_the_head_comes_first_at_its_own_settings() -> None:
    config = make_config(
        finetune="head+all",
        epochs=9,
        head_epochs=5,
        ema=0.9,
        grad_clip_norm=1.0,
        first_layer_lr_scale=0.1,
        precision="bf16",
        class_weights=True,
    )
    head, everything = plan_phases(config)
    assert {name: head.flat()[name] for name in HEAD_DEFAULTS} == HEAD_DEFAULTS
    assert (
        head.finetune.finetune,
        head.optim.epochs,
        head.optim.ema,
        head.optim.grad_clip_norm,
        head.finetune.first_layer_lr_scale,
    ) == ("head", 5, 0.0, 0.0, 1.0)
    assert head.optim.class_weights
    assert everything == config.replace(finetune="all")
