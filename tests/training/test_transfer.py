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
from discern.models.table import build
from discern.preprocess.augment import augment
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import silent
from discern.runtime import Ranks, generator
from discern.training import transfer
from discern.training.config import Config
from discern.training.loop import Trainer
from discern.training.sources import Data, Features
from discern.training.transfer import HEAD, Head, make_features, phases, read_features
from tests.oracle import lived_in

CPU = torch.device("cpu")
SIDE = 32
SPEC = Preprocess(size=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3))
CONFIG = Config.model_validate(
    {**HEAD, "tune": "head", "epochs": 4, "batch": 8, "passes": 2, "flip": True, "shift": 0.1, "mixup": 0.5, "seed": 3}
)


@pytest.fixture(scope="module")
def data() -> Data:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 60)
    pixels = random.integers(0, 200, (60, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[np.arange(60), :, :, labels] += 50
    order = random.permutation(60)
    return Data(pixels, labels, order[:40], order[40:], 3)


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    network = build("resnet18-narrow", 3, 3, SIDE)
    lived_in(network, torch.randn(4, 3, SIDE, SIDE))
    return network.train()


def made(model: Model, data: Data, config: Config, path: Path) -> np.ndarray:
    make_features(model, data, config, SPEC, path, CPU, silent)
    return read_features(path)


def encoded(model: Model, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return model.eval().encode(normalise(x, SPEC)).numpy()


def test_the_rows_are_train_validation_and_the_augmented_passes(
    model: Model, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "at_once", lambda *_arguments: 32)
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "new" / "features.npy"
    make_features(model, data, CONFIG, SPEC, path, CPU, lambda *seen: told.append(seen))
    values = read_features(path)
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
        x, _targets = augment(pixels, rows, plain_augmentation, generator(3, "features", turn, first))
        assert np.allclose(values[first : first + 32], encoded(model, x), atol=1e-5)
    assert not np.allclose(values[60:100], values[:40], atol=1e-2)
    assert not np.allclose(values[60:100], values[100:], atol=1e-2)


@pytest.mark.parametrize("change", [{"augment": False}, {"passes": 0}], ids=str)
def test_without_augmentation_there_are_no_more_passes(
    model: Model, data: Data, tmp_path: Path, change: dict[str, Any]
) -> None:
    assert len(made(model, data, CONFIG.model_copy(update=change), tmp_path / "f.npy")) == 60


def test_the_same_seed_gives_the_same_bytes(model: Model, data: Data, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.npy", "two.npy", "other.npy")]
    for path, seed in zip(paths, (3, 3, 4), strict=True):
        made(model, data, CONFIG.model_copy(update={"seed": seed}), path)
    one, two, other = (path.read_bytes() for path in paths)
    assert one == two != other


@pytest.mark.parametrize("name", ["resnet18-narrow", "squeezenet1.1"])  # with normalisation to fold, and without
def test_the_model_is_left_as_it_was(name: str, data: Data, tmp_path: Path) -> None:
    """In bits, and in how its weights lie in memory: a run resumed after the features has no other."""
    model = build(name, 3, 3, SIDE)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    strides = {name: tensor.stride() for name, tensor in model.state_dict().items()}
    made(model, data, CONFIG, tmp_path / "f.npy")
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert strides == {name: tensor.stride() for name, tensor in model.state_dict().items()}
    assert not any(parameter.is_inference() for parameter in model.parameters())


def test_the_map_before_a_convolutional_head_is_kept_whole(data: Data, tmp_path: Path) -> None:
    model = build("squeezenet1.1", 3, 3, SIDE)
    values = made(model, data, CONFIG.model_copy(update={"passes": 0}), tmp_path / "f.npy")
    assert values.ndim == 4 and values.shape[:2] == (60, model.head.in_channels)
    assert Head(model)(torch.from_numpy(values[:2])).shape == (2, 3)


def test_features_of_more_than_memory_holds_are_mapped(
    model: Model, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = made(model, data, CONFIG, tmp_path / "f.npy")
    monkeypatch.setattr(transfer, "MOST_IN_MEMORY", values.nbytes - 1)
    mapped = read_features(tmp_path / "f.npy")
    assert isinstance(mapped, np.memmap) and not isinstance(values, np.memmap)
    assert np.array_equal(mapped, values)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    model: Model, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(BytesIO):
        def write(self, content: Any) -> int:
            if self.tell() > 5000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content)

    monkeypatch.setattr(Path, "open", lambda path, mode: Full())
    with pytest.raises(DiskError, match="full"):
        make_features(model, data, CONFIG, SPEC, tmp_path / "f.npy", CPU, silent)
    assert list(tmp_path.iterdir()) == []


def train_head(model: Model, data: Data, config: Config, folder: Path) -> Trainer:
    values = made(model, data, config, folder / "features.npy")
    source = Features(data, config, values, CPU, Ranks())
    trainer = Trainer(Head(model), config, source, folder, CPU, Ranks(), lambda kind, fields: None)
    trainer.train()
    return trainer


@pytest.mark.parametrize("ema", [0.0, 0.5])
def test_only_the_head_is_trained(model: Model, data: Data, tmp_path: Path, ema: float) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = train_head(model, data, CONFIG.model_copy(update={"ema": ema, "lr": 0.02, "epochs": 20}), tmp_path)
    assert trainer.best.keys() == {"head.weight", "head.bias"}
    changed = [name for name, tensor in model.state_dict().items() if not torch.equal(before[name], tensor)]
    assert changed == ["fc.weight", "fc.bias"]
    history = trainer.progress.history
    assert history[-1]["train"]["loss"] < 0.8 * history[0]["train"]["loss"]
    losses = [record["validation"]["loss"] for record in history]
    assert trainer.progress.best_epoch == 1 + losses.index(min(losses))


def test_a_head_answers_as_its_model(model: Model) -> None:
    x = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        features = model.eval().encode(x)
        assert torch.equal(Head(model)(features), model(x))
        assert torch.equal(Head(model).answers(features)[0], model(x))
    assert [name for name, _parameter in Head(model).named_parameters()] == ["head.weight", "head.bias"]


@pytest.mark.parametrize("tune", ["head", "all"])
def test_one_part_is_one_phase(tune: str) -> None:
    config = CONFIG.model_copy(update={"tune": tune})
    assert phases(config) == [config]


def test_the_head_comes_first_at_its_own_settings() -> None:
    config = Config(
        tune="head+all",
        epochs=9,
        head_epochs=5,
        ema=0.9,
        clip=1.0,
        early_rate=0.1,
        precision="bf16",
        class_weights=True,
    )
    head, everything = phases(config)
    assert {name: getattr(head, name) for name in HEAD} == HEAD
    assert (head.tune, head.epochs, head.ema, head.clip, head.early_rate) == ("head", 5, 0.0, 0.0, 1.0)
    assert head.class_weights
    assert everything == config.model_copy(update={"tune": "all"})
