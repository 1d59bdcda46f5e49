"""Several processes train as one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

TWO_PROCESSES = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torch
from discern.runtime import join_processes
from discern.training import interrupt
from discern.errors import Interrupted
from discern.training.loop import no_sync_unless_last
import tests.trainers as t

interrupt.VOTE_SECONDS = 0  # the processes ask each other at every step
folder = Path(sys.argv[2])
config = t.base_config({**t.NETWORK, "epochs": 2})

def gradient(model, answers, last):
    answers.zero_grad()
    with no_sync_unless_last(answers, last):
        answers(torch.full((2, 3, t.SIDE, t.SIDE), ranks.rank + 1.0))[0].square().sum().backward()
    return model.fc.weight.grad.clone()

with join_processes() as ranks:
    whole = t.make_trainer(config, folder / "whole", ranks=ranks)
    whole.train()
    parts = t.make_trainer(config, folder / "parts", t.after(3, t.ctrl_c) if ranks.rank else t.ignore, ranks)
    try:
        parts.train()
        raise AssertionError("one process was interrupted, and the work went on")
    except Interrupted:
        pass
    resumed = t.make_trainer(config, folder / "parts", ranks=ranks)
    assert (resumed.state.epoch, resumed.state.step) == (0, 3)
    resumed.train()
    t.assert_same_outcome(whole, resumed)
    alone = t.train({**t.NETWORK, "epochs": 2}, folder / f"alone{ranks.rank}")
    for name, tensor in alone.best.items():
        assert (tensor - whole.best[name]).abs().max() < 1e-4, name
    for one, other in zip(t.told(alone), t.told(whole), strict=True):
        assert abs(one["train"]["loss"] - other["train"]["loss"]) < 1e-3
        assert one["train"]["top1"] == other["train"]["top1"]
        assert one["validation"]["top1"] == other["validation"]["top1"]
    parts = t.make_trainer(config.replace(accumulate_grad=2), folder / "accumulated", ranks=ranks)
    parts.train()
    for name, tensor in parts.best.items():
        assert (tensor - whole.best[name]).abs().max() < 1e-6, name

    answers = parts._prepare_forward()
    for last in (False, True):
        mine = gradient(parts.model, answers, last)
        assert torch.allclose(mine, ranks.sum(mine.clone()) / 2) == last, last
    config = t.base_config({**t.WAYS["nesterov, average, every augmentation"], "epochs": 2})
    normalised = t.make_trainer(config, folder / "normalised", ranks=ranks)
    normalised.train()
    for name, tensor in normalised.average.state_dict().items():
        assert torch.equal(2 * tensor, ranks.sum(tensor.clone())), name  # statistics of the images are shared, too
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
                str(Path(__file__).parents[2]),
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
