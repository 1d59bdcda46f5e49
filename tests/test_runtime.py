from __future__ import annotations

import ast
import json
import os
import re
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st

from discern.errors import ConfigError
from discern.runtime import (
    Ranks,
    choose_device,
    describe_machine,
    deterministic,
    join_processes,
    lerp_tensors,
    make_generator,
    read_processor_name,
    seed_for,
    to_device,
)

SPLIT_NAMES = st.lists(st.one_of(st.integers(0, 10**6), st.text("abcdef", min_size=1)), min_size=1, max_size=4)

TWO_PROCESSES = """
import sys, torch
from discern.runtime import join_processes
with join_processes() as ranks:
    total = ranks.sum(torch.tensor([1.0, ranks.rank])).tolist()
    assert total == [2.0, 1.0], total
    assert ranks.any(ranks.rank == 1) and not ranks.any(False)
    value = ranks.broadcast({"path": "執行/一", "n": 3} if ranks.first else None)
    assert value == {"path": "執行/一", "n": 3}, value
    ranks.wait()
    assert ranks.size == 2 and ranks.first == (ranks.rank == 0)
"""


WORLDS = {
    "WORLD_SIZE=two": "WORLD_SIZE is two: expected a whole number",
    "WORLD_SIZE=-1": "WORLD_SIZE is -1",
    "WORLD_SIZE=0": "WORLD_SIZE is 0",
    "WORLD_SIZE=2": "RANK, LOCAL_RANK, MASTER_ADDR, MASTER_PORT are not set: start with torchrun",
    "WORLD_SIZE=2 RANK=2 LOCAL_RANK=0 MASTER_ADDR=x MASTER_PORT=1": "RANK is 2, but WORLD_SIZE is 2",
    "WORLD_SIZE=2 RANK=a LOCAL_RANK=0 MASTER_ADDR=x MASTER_PORT=1": "RANK is a",
}


@pytest.mark.parametrize("world", WORLDS)
def test_an_odd_world_is_refused_at_once(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for setting in world.split():
        monkeypatch.setenv(*setting.split("="))
    with pytest.raises(ConfigError, match=WORLDS[world]), join_processes():
        pass


def test_cpu_is_always_there() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("name", ["tpu", "", "gpu", "xla:0"])
def test_an_unavailable_device_names_those_that_are_available(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"device={name} is not available on this machine: choose one of .*cpu"):
        choose_device(name)


def test_a_tensor_on_the_device_already_is_not_copied() -> None:
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
    one, same, other = (torch.rand(4, generator=make_generator(0, "order", n)) for n in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_deterministic_restores_what_was() -> None:
    before = torch.get_deterministic_debug_mode()
    with pytest.raises(KeyError), deterministic():
        assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
        raise KeyError
    assert torch.get_deterministic_debug_mode() == before


def test_one_process_alone() -> None:
    with join_processes() as ranks:
        assert ranks == Ranks(0, 1)
        assert ranks.first
        assert ranks.sum(torch.tensor(3)) == 3
        assert ranks.any(True)
        assert not ranks.any(False)
        assert ranks.broadcast("x") == "x"
        ranks.wait()


def test_processes_wait_for_the_data_longer_than_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}
    for name, value in {"WORLD_SIZE": 2, "RANK": 1, "LOCAL_RANK": 1, "MASTER_ADDR": "x", "MASTER_PORT": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(dist, "init_process_group", lambda backend, **options: asked.update(options, backend=backend))
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    with join_processes() as ranks:
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
    facts = json.loads(json.dumps(describe_machine()))
    assert facts["torch"] == torch.__version__
    assert facts["processor"] == read_processor_name() != ""


SWITCHES = {"_exit", "_run_exitfuncs", "set_threshold", "mallopt", "malloc_trim"}


def private_names(path: Path) -> set[str]:
    """Return the process-wide switches and the private names of torch that a file uses, and its OpenMP settings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    names = {node.attr for node in attributes if node.attr in SWITCHES}
    names |= {text for node in attributes if re.match(r"torch\._(?!_)", text := ast.unparse(node))}
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return names | {text for text in strings if re.fullmatch(r"(GOMP|OMP|CUBLAS)_\w+", text)}


def test_process_wide_switches_stand_in_one_file() -> None:
    files = sorted((Path(__file__).resolve().parents[1] / "src").rglob("*.py"))
    assert [path.name for path in files if private_names(path)] == ["runtime.py"]


def test_the_environment_is_set_before_torch_and_a_persons_own_stays() -> None:
    code = "import discern, os, sys; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    plain = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    for environment, expected in ((plain, "10000 False"), ({**plain, "GOMP_SPINCOUNT": "7"}, "7 False")):
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_lerp_moves_every_tensor() -> None:
    tensors = [torch.zeros(2), torch.ones(1)]
    lerp_tensors(tensors, [torch.ones(2), torch.zeros(1)], 0.25)
    assert [tensor.tolist() for tensor in tensors] == [[0.25, 0.25], [0.75]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
