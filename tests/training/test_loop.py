from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.errors import Interrupted
from discern.models.registry import build_model
from discern.preprocess.normalize import normalize, to_float
from discern.training import loop
from discern.training.losses import compute_class_weights
from tests.trainers import (
    CLASSES,
    NETWORK,
    SIDE,
    TRAIN,
    WAYS,
    after,
    assert_same,
    assert_same_outcome,
    base_config,
    ctrl_c,
    make_trainer,
    spec_of,
    told,
    train,
)


def test_it_learns_and_tells_of_every_epoch(tmp_path: Path) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    trainer = train({**NETWORK, "lr": 0.02, "epochs": 4}, tmp_path, lambda kind, fields: heard.append((kind, fields)))
    records = [fields for kind, fields in heard if kind == "epoch"]
    assert records == trainer.state.history
    assert [record["epoch"] for record in records] == [1, 2, 3, 4]
    assert [fields for kind, fields in heard if kind == "step"][:6] == [
        {"done": done, "total": 5} for done in (1, 2, 3, 4, 5, 1)
    ]
    first, last = records[0], records[-1]
    assert last["train"]["loss"] < 0.8 * first["train"]["loss"]
    assert last["validation"]["top1"] > 0.8
    assert last["lr"] == pytest.approx(0, abs=1e-12)
    assert all(record["images_per_second"] > 0 and record["seconds"] > 0 for record in records)


def test_the_rate_of_a_resumed_epoch_counts_its_own_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted):
        train({**NETWORK, "epochs": 1}, tmp_path, after(4, ctrl_c))
    ticks = itertools.count()  # whoever asks for the time hears one second more
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(ticks), monotonic=time.monotonic))
    record = train({**NETWORK, "epochs": 1}, tmp_path).state.history[0]
    assert (record["images_per_second"], record["seconds"]) == (TRAIN / 5, 2)


def test_validation_is_top1_and_cross_entropy_of_the_kept_weights(tmp_path: Path) -> None:
    trainer = train({**NETWORK, "epochs": 2}, tmp_path)
    model = build_model("mlp-course", CLASSES, 3, SIDE, NETWORK["model_args"])
    model.load_state_dict(trainer.best)
    data = trainer.source.data
    x = normalize(to_float(torch.from_numpy(data.pixels[data.validation])), spec_of(data))
    labels = torch.from_numpy(data.labels[data.validation])
    with torch.no_grad():
        logits = model.eval()(x)
    record = trainer.state.history[trainer.state.best_epoch - 1]["validation"]
    assert record["top1"] == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
    assert record["loss"] == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)


def test_the_weights_that_validated_best_are_kept(tmp_path: Path) -> None:
    snapshots: list[dict[str, Tensor]] = []

    def keep(kind: str, fields: dict[str, Any]) -> None:
        if kind == "epoch":
            snapshots.append({name: tensor.clone() for name, tensor in trainer.model.state_dict().items()})

    settings = {**NETWORK, "lr": 0.5, "schedule": "constant", "epochs": 6, "momentum": 0.99}  # it bounces
    trainer = make_trainer(base_config(settings), tmp_path, keep)
    best = trainer.train()
    validated = [record["validation"] for record in trainer.state.history]
    scores = [(record["top1"], -record["loss"]) for record in validated]
    wanted = scores.index(max(scores))
    assert trainer.state.best_epoch == wanted + 1
    assert_same(best, snapshots[wanted])
    assert wanted < 5, "the last epoch was the best: this run shows nothing"


def test_it_stops_when_patience_ends(tmp_path: Path) -> None:
    trainer = train({**NETWORK, "lr": 1e-12, "epochs": 50, "early_stopping_patience": 2}, tmp_path)
    assert trainer.state.best_epoch == 1
    assert len(trainer.state.history) == 3
    assert trainer.state.is_finished


@pytest.mark.parametrize("weighted", [False, True])
def test_gd_is_one_step_down_the_whole_training_part(tmp_path: Path, weighted: bool) -> None:
    settings = {"optimizer": "gd", "lr": 0.1, "schedule": "constant", "warmup": 0, "weight_decay": 0.0}
    config = base_config({**NETWORK, **settings, "epochs": 2, "class_weights": weighted})
    trainer = make_trainer(config, tmp_path)
    assert trainer.steps == 1
    data = trainer.source.data
    model = build_model("mlp-course", CLASSES, 3, SIDE, NETWORK["model_args"])
    model.load_state_dict(trainer.model.state_dict())
    x = normalize(to_float(torch.from_numpy(data.pixels[data.train])), spec_of(data))
    labels = torch.from_numpy(data.labels[data.train])
    weights = compute_class_weights(data.labels[data.train], CLASSES) if weighted else None
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
        {"class_weights": True, "label_smoothing": 0.1, "grad_clip_norm": 1.0, "ema": 0.5},
        {"mixup": 0.2, "cutmix": 1.0, "class_weights": True},
        {"optimizer": "gd"},
    ],
    ids=str,
)
def test_accumulated_gradients_make_the_step_of_the_whole_batch(tmp_path: Path, way: dict[str, Any]) -> None:
    settings = {**NETWORK, "lr": 0.02, **way}
    whole = train(settings, tmp_path / "whole")
    parts = train({**settings, "accumulate_grad": 3}, tmp_path / "parts")  # of 16 images: 6, 5 and 5
    for name, tensor in whole.best.items():
        assert torch.allclose(parts.best[name], tensor, rtol=0, atol=1e-6), name
    for one, other in zip(told(whole), told(parts), strict=True):
        assert one["train"]["top1"] == other["train"]["top1"]
        assert one["train"]["loss"] == pytest.approx(other["train"]["loss"], abs=1e-5)


def test_a_step_is_one_step_however_many_parts_it_has(tmp_path: Path) -> None:
    heard: list[str] = []
    settings = {**NETWORK, "accumulate_grad": 4, "epochs": 1}
    trainer = make_trainer(base_config(settings), tmp_path, lambda kind, fields: heard.append(kind))
    forward, sizes = trainer.model.forward_train, []

    def counted(x: Tensor) -> tuple[Tensor, ...]:
        sizes.append(len(x))
        return forward(x)

    trainer.model.forward_train = counted  # type: ignore[method-assign]
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
    monkeypatch.setattr(loop, "compile_forward", compile)
    with pytest.raises(Interrupted):
        train({**way, "compile": "yes"}, tmp_path / "compiled", after(7, ctrl_c))
    compiled = train({**way, "compile": "yes"}, tmp_path / "compiled")
    assert calls == [(16, 3, SIDE, SIDE)] * 15
    assert_same_outcome(plain, compiled)


def test_clip_limits_the_length_of_a_step(tmp_path: Path) -> None:
    settings = {"optimizer": "gd", "lr": 1.0, "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "epochs": 1}
    trainer = make_trainer(base_config({**NETWORK, **settings, "grad_clip_norm": 0.01}), tmp_path)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.train()
    moved = [after - b for after, b in zip(trainer.model.parameters(), before, strict=True)]
    assert float(torch.cat([m.detach().flatten() for m in moved]).norm()) == pytest.approx(0.01, rel=1e-3)


def test_the_average_follows_the_weights_and_is_what_is_kept(tmp_path: Path) -> None:
    path: list[Tensor] = []

    def keep(kind: str, fields: dict[str, Any]) -> None:
        if kind == "step":
            path.append(trainer.model.get_parameter("fc.weight").detach().clone())

    trainer = make_trainer(base_config({**NETWORK, "ema": 0.8, "epochs": 1}), tmp_path, keep)
    best = trainer.train()
    mean = path[0]
    for weight in path[1:]:
        mean = 0.8 * mean + 0.2 * weight
    assert torch.allclose(best["fc.weight"], mean, atol=1e-6)
