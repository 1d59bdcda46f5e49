from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st

from discern.errors import ConfigError
from discern.runtime import (
    Ranks,
    deterministic,
    device,
    generator,
    machine,
    process_group,
    processor,
    seed_for,
    to_device,
)

SPLIT_NAMES = st.lists(st.one_of(st.integers(0, 10**6), st.text("abcdef", min_size=1)), min_size=1, max_size=4)

TWO_PROCESSES = """
import sys, torch
from discern.runtime import process_group
with process_group() as ranks:
    total = ranks.sum(torch.tensor([1.0, ranks.rank])).tolist()
    assert total == [2.0, 1.0], total
    assert ranks.any(ranks.rank == 1) and not ranks.any(False)
    told = ranks.broadcast({"path": "執行/一", "n": 3} if ranks.first else None)
    assert told == {"path": "執行/一", "n": 3}, told
    ranks.wait()
    assert ranks.size == 2 and ranks.first == (ranks.rank == 0)
"""


def test_cpu_is_always_there() -> None:
    assert device("cpu") == torch.device("cpu")
    assert device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", ["tpu", "", "gpu", "xla:0"])
def test_a_device_that_is_not_there_names_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"device={name} is not on this machine; there is: .*cpu"):
        device(name)


def test_what_is_there_already_is_not_sent() -> None:
    here = torch.ones(2)
    assert to_device(here, torch.device("cpu")) is here


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_not_waited_for() -> None:
    torch.cuda.set_sync_debug_mode("error")
    try:
        there = to_device(torch.arange(1000), torch.device("cuda"))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert there.tolist() == list(range(1000))


@given(SPLIT_NAMES)
def test_seeds_are_63_bits_and_repeatable(parts: list[int | str]) -> None:
    seed = seed_for(*parts)
    assert 0 <= seed < 2**63
    assert seed == seed_for(*parts)


def test_seeds_differ_between_purposes() -> None:
    seeds = {seed_for(seed, purpose, n) for seed in range(10) for purpose in ("step", "order") for n in range(50)}
    assert len(seeds) == 1000


def test_seeds_are_the_same_in_every_process() -> None:
    assert seed_for(0, "step", 1) == 2752179012869973653


def test_generators_of_one_purpose_agree() -> None:
    one, same, other = (torch.rand(4, generator=generator(0, "order", n)) for n in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_deterministic_restores_what_was() -> None:
    before = torch.get_deterministic_debug_mode()
    with pytest.raises(KeyError), deterministic():
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
        raise KeyError
    assert torch.get_deterministic_debug_mode() == before


def test_one_process_alone() -> None:
    with process_group() as ranks:
        assert ranks == Ranks(0, 1)
        assert ranks.first
        assert ranks.sum(torch.tensor(3)) == 3
        assert ranks.any(True)
        assert not ranks.any(False)
        assert ranks.broadcast("x") == "x"
        ranks.wait()


def test_processes_wait_for_the_data_longer_than_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(dist, "init_process_group", lambda backend, **options: asked.update(options, backend=backend))
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    with process_group() as ranks:
        assert ranks == Ranks(1, 2)
    assert asked["backend"] == "gloo" and asked["timeout"] >= timedelta(days=1)


def test_two_processes_agree() -> None:
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES],
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank), "CUDA_VISIBLE_DEVICES": ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    errors = [worker.communicate(timeout=60)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], errors


def test_the_machine_is_json() -> None:
    facts = json.loads(json.dumps(machine()))
    assert facts["torch"] == torch.__version__
    assert facts["processor"] == processor() != ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
