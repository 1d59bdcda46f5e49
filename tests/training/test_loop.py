from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.models.table import build
from discern.preprocess.normalise import normalise, statistics, to_float
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, seed_for
from discern.training import loop
from discern.training.config import Config
from discern.training.interrupt import Interrupted
from discern.training.loop import Listener, Trainer
from discern.training.losses import class_weights
from discern.training.sources import Data, Pictures

CPU = torch.device("cpu")
TRAIN, VALIDATION, CLASSES, SIDE = 80, 20, 3, 28
BASE = {"batch": 16, "epochs": 3, "warmup": 0.5, "precision": "fp32", "layout": "contiguous", "size": SIDE}  # 5 steps
RANDOM = {"flip": True, "shift": 0.1, "rotation": 10, "jitter": 0.2, "erase": 0.3, "mixup": 0.2, "cutmix": 1.0}
NETWORK = {"model": "mlp-course", "network": {"hidden": [16], "dropout": 0.0}}
WAYS: dict[str, dict[str, Any]] = {
    "nesterov, average, every augmentation": {"model": "cnn-course", "lr": 0.05, "ema": 0.9, "clip": 1.0, **RANDOM},
    "adamw, dropout, class weights": {
        "model": "mlp-course",
        "network": {"hidden": [32], "dropout": 0.5},
        "optimizer": "adamw",
        "lr": 1e-3,
        "class_weights": True,
        "label_smoothing": 0.1,
        "schedule": "onecycle",
    },
    "rmsprop in bf16, channels last": {
        "model": "cnn-course",
        "optimizer": "rmsprop",
        "lr": 1e-3,
        "precision": "bf16",
        "layout": "channels_last",
        "flip": True,
    },
    "fast": {
        "model": "fastnet",
        "network": {"width": 0.05},
        "optimizer": "muon",
        "lr": 0.24,
        "momentum": 0.6,
        "schedule": "triangular",
        "label_smoothing": 0.2,
        "flip": True,
        "shift": 0.072,
        "precision": "bf16",
        "layout": "channels_last",
    },
    "adam": {**NETWORK, "optimizer": "adam", "lr": 1e-3},
    "sgd without momentum": {**NETWORK, "momentum": 0.0, "ema": 0.5},
}


def make_config(settings: dict[str, Any]) -> Config:
    return Config.model_validate({**BASE, **settings})


def make_data(seed: int = 0) -> Data:
    """Noisy pictures whose brightest channel tells the class; three classes of 50, 30 and 20 %."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, TRAIN + VALIDATION, p=[0.5, 0.3, 0.2])
    pixels = random.integers(0, 200, (len(labels), SIDE, SIDE, CLASSES), dtype=np.uint8)
    pixels[np.arange(len(labels)), :, :, labels] += 40
    order = random.permutation(len(labels))
    return Data(pixels, labels, order[:TRAIN], order[TRAIN:], CLASSES)


def spec_of(data: Data) -> Preprocess:
    mean, std = statistics(data.pixels, data.train)
    return Preprocess(size=SIDE, mean=mean, std=std)


def ignore(kind: str, fields: dict[str, Any]) -> None:
    pass


def make_trainer(config: Config, folder: Path, listen: Listener = ignore, ranks: Ranks | None = None) -> Trainer:
    data = make_data()
    torch.manual_seed(seed_for(config.seed, "network"))
    model = build(config.model, CLASSES, 3, SIDE, config.network)
    ranks = ranks or Ranks()
    return Trainer(
        model, config, Pictures(data, config, spec_of(data), CPU, ranks), folder / "checkpoint", CPU, ranks, listen
    )


def after(steps: int, act: Callable[[], None]) -> Listener:
    """A listener that acts once, after so many steps of its trainer."""
    seen = 0

    def listen(kind: str, fields: dict[str, Any]) -> None:
        nonlocal seen
        seen += kind == "step"
        if kind == "step" and seen == steps:
            act()

    return listen


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def die() -> None:
    raise SystemExit


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def assert_same_outcome(one: Trainer, other: Trainer) -> None:
    assert_same(one.best, other.best)
    assert_same(dict(one.model.state_dict()), dict(other.model.state_dict()))
    if one.average is not None and other.average is not None:
        assert_same(dict(one.average.state_dict()), dict(other.average.state_dict()))
    assert told(one) == told(other)


def told(trainer: Trainer) -> list[dict[str, Any]]:
    """The epoch records without their times."""
    timed = {"seconds", "images_per_second"}
    return [{name: value for name, value in r.items() if name not in timed} for r in trainer.progress.history]


def train(settings: dict[str, Any], folder: Path, listen: Listener = ignore) -> Trainer:
    trainer = make_trainer(make_config(settings), folder, listen)
    trainer.train()
    return trainer


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_bits(tmp_path: Path, way: str) -> None:
    def noise(kind: str, fields: dict[str, Any]) -> None:
        torch.rand(3)  # a display that draws random numbers changes nothing

    one, other = train(WAYS[way], tmp_path / "one"), train(WAYS[way], tmp_path / "other", noise)
    assert_same_outcome(one, other)


def test_another_seed_gives_other_bits(tmp_path: Path) -> None:
    one, other = (train({**NETWORK, "seed": seed, "epochs": 1}, tmp_path / str(seed)) for seed in (0, 1))
    assert not torch.equal(one.best["fc.weight"], other.best["fc.weight"])


@pytest.mark.parametrize("stops", [[5, 2], [3, 3, 3, 3]], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path: Path, way: str, stops: list[int]) -> None:
    whole = train(WAYS[way], tmp_path / "whole")
    for steps in stops:
        with pytest.raises(Interrupted):
            train(WAYS[way], tmp_path / "parts", after(steps, ctrl_c))
    assert_same_outcome(whole, train(WAYS[way], tmp_path / "parts"))


@pytest.mark.parametrize("often", [1, 1e12], ids=["every step", "every epoch"])
@pytest.mark.parametrize("steps", [2, 9, 13])
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, often: float
) -> None:
    way = WAYS["nesterov, average, every augmentation"]
    whole = train(way, tmp_path / "whole")
    monkeypatch.setattr(loop, "LONG_EPOCH", often)
    with pytest.raises(SystemExit):
        train({**way, "checkpoint_seconds": 1e-9}, tmp_path / "killed", after(steps, die))
    resumed = make_trainer(make_config(way), tmp_path / "killed")
    assert resumed.progress.epoch == steps // 5
    assert resumed.progress.step == (steps % 5 - 1 if often == 1 else 0)  # the step it died in is not saved
    resumed.train()
    assert_same_outcome(whole, resumed)


def test_killed_between_the_best_weights_and_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(NETWORK, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "LONG_EPOCH", 1e12)
        save, saves = loop.save_checkpoint, []

        def save_or_die(*arguments: Any) -> None:
            saves.append(1)
            if len(saves) == 2:
                raise SystemExit
            save(*arguments)

        patch.setattr(loop, "save_checkpoint", save_or_die)
        with pytest.raises(SystemExit):
            train({**NETWORK, "checkpoint_seconds": 1e-9}, tmp_path / "killed")
    assert_same_outcome(whole, train(NETWORK, tmp_path / "killed"))


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    whole = train(NETWORK, tmp_path)
    steps: list[str] = []
    again = train(NETWORK, tmp_path, lambda kind, fields: steps.append(kind))
    assert steps == []
    assert_same_outcome(whole, again)


def test_ctrl_c_is_ours_only_while_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted):
        train(NETWORK, tmp_path, after(1, ctrl_c))
    assert signal.getsignal(signal.SIGINT) is before


def test_it_learns_and_tells_of_every_epoch(tmp_path: Path) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    trainer = train({**NETWORK, "lr": 0.02, "epochs": 4}, tmp_path, lambda kind, fields: heard.append((kind, fields)))
    records = [fields for kind, fields in heard if kind == "epoch"]
    assert records == trainer.progress.history
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert [fields for kind, fields in heard if kind == "step"][:6] == [
        {"done": done, "total": 5} for done in (1, 2, 3, 4, 5, 1)
    ]
    first, last = records[0], records[-1]
    assert last["train"]["loss"] < 0.8 * first["train"]["loss"]
    assert last["validation"]["top1"] > 0.8
    assert last["lr"] == pytest.approx(0, abs=1e-12)
    assert all(record["images_per_second"] > 0 and record["seconds"] > 0 for record in records)


def test_the_rate_of_a_resumed_epoch_counts_its_own_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted):
        train({**NETWORK, "epochs": 1}, tmp_path, after(4, ctrl_c))
    ticks = itertools.count()  # whoever asks for the time hears one second more
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(ticks), monotonic=time.monotonic))
    record = train({**NETWORK, "epochs": 1}, tmp_path).progress.history[0]
    assert (record["images_per_second"], record["seconds"]) == (TRAIN / 5, 2)


def test_validation_is_top1_and_cross_entropy_of_the_kept_weights(tmp_path: Path) -> None:
    trainer = train({**NETWORK, "epochs": 2}, tmp_path)
    model = build("mlp-course", CLASSES, 3, SIDE, NETWORK["network"])
    model.load_state_dict(trainer.best)
    data = trainer.source.data
    x = normalise(to_float(torch.from_numpy(data.pixels[data.validation])), spec_of(data))
    labels = torch.from_numpy(data.labels[data.validation])
    with torch.no_grad():
        logits = model.eval()(x)
    record = trainer.progress.history[trainer.progress.best_epoch - 1]["validation"]
    assert record["top1"] == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert record["loss"] == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)


def test_the_weights_that_validated_best_are_kept(tmp_path: Path) -> None:
    snapshots: list[dict[str, Tensor]] = []

    def keep(kind: str, fields: dict[str, Any]) -> None:
        if kind == "epoch":
            snapshots.append({name: tensor.clone() for name, tensor in trainer.model.state_dict().items()})

    settings = {**NETWORK, "lr": 0.5, "schedule": "constant", "epochs": 6, "momentum": 0.99}  # it bounces
    trainer = make_trainer(make_config(settings), tmp_path, keep)
    best = trainer.train()
    validated = [record["validation"] for record in trainer.progress.history]
    scores = [(record["top1"], -record["loss"]) for record in validated]
    wanted = scores.index(max(scores))
    assert trainer.progress.best_epoch == wanted + 1
    assert_same(best, snapshots[wanted])
    assert wanted < 5, "the last epoch was the best: this run shows nothing"


def test_it_stops_when_patience_ends(tmp_path: Path) -> None:
    trainer = train({**NETWORK, "lr": 1e-12, "epochs": 50, "patience": 2}, tmp_path)
    assert trainer.progress.best_epoch == 1
    assert len(trainer.progress.history) == 3
    assert trainer.progress.finished


@pytest.mark.parametrize("weighted", [False, True])
def test_gd_is_one_step_down_the_whole_training_part(tmp_path: Path, weighted: bool) -> None:
    settings = {"optimizer": "gd", "lr": 0.1, "schedule": "constant", "warmup": 0, "weight_decay": 0.0}
    config = make_config({**NETWORK, **settings, "epochs": 2, "class_weights": weighted})
    trainer = make_trainer(config, tmp_path)
    assert trainer.steps == 1
    data = trainer.source.data
    model = build("mlp-course", CLASSES, 3, SIDE, NETWORK["network"])
    model.load_state_dict(trainer.model.state_dict())
    x = normalise(to_float(torch.from_numpy(data.pixels[data.train])), spec_of(data))
    labels = torch.from_numpy(data.labels[data.train])
    weights = class_weights(data.labels[data.train], CLASSES) if weighted else None
    for _epoch in range(2):
        gradients = torch.autograd.grad(cross_entropy(model(x), labels, weight=weights), list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient
    trainer.train()
    for mine, its in zip(model.parameters(), trainer.model.parameters(), strict=True):
        assert torch.allclose(mine, its, atol=1e-5)


@pytest.mark.parametrize(
    "way",
    [
        {"momentum": 0.9},
        {"class_weights": True, "label_smoothing": 0.1, "clip": 1.0, "ema": 0.5},
        {"mixup": 0.2, "cutmix": 1.0, "class_weights": True},
        {"optimizer": "gd"},
    ],
    ids=str,
)
def test_accumulated_gradients_make_the_step_of_the_whole_batch(tmp_path: Path, way: dict[str, Any]) -> None:
    settings = {**NETWORK, "lr": 0.02, **way}
    whole = train(settings, tmp_path / "whole")
    parts = train({**settings, "accumulate": 3}, tmp_path / "parts")  # of 16 pictures: 6, 5 and 5
    for name, tensor in whole.best.items():
        assert torch.allclose(parts.best[name], tensor, rtol=0, atol=1e-6), name
    for one, other in zip(told(whole), told(parts), strict=True):
        assert one["train"]["top1"] == other["train"]["top1"]
        assert one["train"]["loss"] == pytest.approx(other["train"]["loss"], abs=1e-5)


def test_a_step_is_one_step_however_many_parts_it_has(tmp_path: Path) -> None:
    heard: list[str] = []
    settings = {**NETWORK, "accumulate": 4, "epochs": 1}
    trainer = make_trainer(make_config(settings), tmp_path, lambda kind, fields: heard.append(kind))
    forward, sizes = trainer.model.answers, []

    def answers(x: Tensor) -> tuple[Tensor, ...]:
        sizes.append(len(x))
        return forward(x)

    trainer.model.answers = answers  # type: ignore[method-assign]
    trainer.train()
    assert heard == ["step"] * 5 + ["epoch"]
    assert sizes == [4] * 20


def test_what_is_compiled_is_the_answer_and_not_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []

    def compile(answers: Callable[[Tensor], tuple[Tensor, ...]]) -> Callable[[Tensor], tuple[Tensor, ...]]:
        def compiled(x: Tensor) -> tuple[Tensor, ...]:
            calls.append(tuple(x.shape))
            return answers(x)

        return compiled

    way = WAYS["nesterov, average, every augmentation"]
    plain = train({**way, "compile": "no"}, tmp_path / "plain")
    monkeypatch.setattr(loop, "compiled", compile)
    with pytest.raises(Interrupted):
        train({**way, "compile": "yes"}, tmp_path / "compiled", after(7, ctrl_c))
    compiled = train({**way, "compile": "yes"}, tmp_path / "compiled")
    assert calls == [(16, 3, SIDE, SIDE)] * 15
    assert_same_outcome(plain, compiled)


def test_clip_limits_the_length_of_a_step(tmp_path: Path) -> None:
    settings = {"optimizer": "gd", "lr": 1.0, "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "epochs": 1}
    trainer = make_trainer(make_config({**NETWORK, **settings, "clip": 0.01}), tmp_path)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.train()
    moved = [after - b for after, b in zip(trainer.model.parameters(), before, strict=True)]
    assert float(torch.cat([m.detach().flatten() for m in moved]).norm()) == pytest.approx(0.01, rel=1e-3)


def test_the_average_follows_the_weights_and_is_what_is_kept(tmp_path: Path) -> None:
    path: list[Tensor] = []

    def keep(kind: str, fields: dict[str, Any]) -> None:
        if kind == "step":
            path.append(trainer.model.get_parameter("fc.weight").detach().clone())

    trainer = make_trainer(make_config({**NETWORK, "ema": 0.8, "epochs": 1}), tmp_path, keep)
    best = trainer.train()
    mean = path[0]
    for weight in path[1:]:
        mean = 0.8 * mean + 0.2 * weight
    assert torch.allclose(best["fc.weight"], mean, atol=1e-6)


TWO_PROCESSES = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from discern.runtime import process_group
from discern.training import interrupt
from discern.training.interrupt import Interrupted
from discern.training.parts import apart
import test_loop as t

interrupt.EVERY = 0  # the processes ask each other at every step
folder = Path(sys.argv[2])
config = t.make_config({**t.NETWORK, "epochs": 2})

def gradient(model, answers, last):
    answers.zero_grad()
    with apart(answers, last):
        answers(torch.full((2, 3, t.SIDE, t.SIDE), ranks.rank + 1.0))[0].square().sum().backward()
    return model.fc.weight.grad.clone()

with process_group() as ranks:
    whole = t.make_trainer(config, folder / "whole", ranks=ranks)
    whole.train()
    parts = t.make_trainer(config, folder / "parts", t.after(3, t.ctrl_c) if ranks.rank else t.ignore, ranks)
    try:
        parts.train()
        raise AssertionError("one process was interrupted, and the work went on")
    except Interrupted:
        pass
    resumed = t.make_trainer(config, folder / "parts", ranks=ranks)
    assert (resumed.progress.epoch, resumed.progress.step) == (0, 3)
    resumed.train()
    t.assert_same_outcome(whole, resumed)
    alone = t.train({**t.NETWORK, "epochs": 2}, folder / f"alone{ranks.rank}")
    for name, tensor in alone.best.items():
        assert (tensor - whole.best[name]).abs().max() < 1e-4, name
    for one, other in zip(t.told(alone), t.told(whole), strict=True):
        assert abs(one["train"]["loss"] - other["train"]["loss"]) < 1e-3
        assert one["train"]["top1"] == other["train"]["top1"]
        assert one["validation"]["top1"] == other["validation"]["top1"]
    parts = t.make_trainer(config.model_copy(update={"accumulate": 2}), folder / "accumulated", ranks=ranks)
    parts.train()
    for name, tensor in parts.best.items():
        assert (tensor - whole.best[name]).abs().max() < 1e-6, name

    answers = parts._answers()
    for last in (False, True):
        mine = gradient(parts.model, answers, last)
        assert torch.allclose(mine, ranks.sum(mine.clone()) / 2) == last, last
    config = t.make_config({**t.WAYS["nesterov, average, every augmentation"], "epochs": 2})
    normalised = t.make_trainer(config, folder / "normalised", ranks=ranks)
    normalised.train()
    for name, tensor in normalised.average.state_dict().items():
        assert torch.equal(2 * tensor, ranks.sum(tensor.clone())), name  # statistics of the pictures are shared, too
"""


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    environment |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    workers = [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error::FutureWarning",
                "-c",
                TWO_PROCESSES,
                str(Path(__file__).parent),
                str(tmp_path),
            ],
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [worker.communicate(timeout=120)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], errors
