from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from discern.errors import RunError
from discern.runs.create import _compare_threads
from discern.runs.run_directory import check_free
from discern.runs.run_lock import lock_run


def test_a_second_training_of_a_run_is_one_sentence(tmp_path: Path) -> None:
    with lock_run(tmp_path), pytest.raises(RunError, match="is being trained already"), lock_run(tmp_path):
        pass
    with lock_run(tmp_path):
        assert not list(tmp_path.iterdir())


def test_what_a_killed_training_left_half_written_is_swept(tmp_path: Path) -> None:
    (tmp_path / "checkpoint" / "head").mkdir(parents=True)
    swept = [tmp_path / "checkpoint/.last.safetensors.0123abcd.part", tmp_path / "checkpoint/head/.x.0123abcd.part"]
    old, new, other = tmp_path / ".a.0123abcd.part", tmp_path / ".b.0123abcd.part", tmp_path / "mine.part"
    for path in (*swept, old, new, other):
        path.touch()
    os.utime(old, (0, 0))
    with lock_run(tmp_path):
        assert not any(path.exists() for path in (*swept, old))
        assert new.exists()
        assert other.exists()


@pytest.mark.parametrize(
    ("names", "is_free"),
    [
        (["split.json"], True),
        (["split.json", "audit.json", "checkpoint/start.safetensors", ".config.json.0123abcd.part"], True),
        ([".split.json.0123abcd.part"], True),
        (["split.json", "config.json"], False),
        (["split.json", "notes.txt"], False),
        (["split.json", "checkpoint/last.safetensors"], False),
    ],
)
def test_what_never_became_a_run_is_a_free_place(tmp_path: Path, names: list[str], is_free: bool) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    if is_free:
        check_free(tmp_path)
        return
    with pytest.raises(RunError, match="is not empty"):
        check_free(tmp_path)


def test_another_number_of_threads_is_said() -> None:
    threads = torch.get_num_threads()
    for same in ({"threads": threads}, {}, None, {"threads": "2"}):
        assert _compare_threads(same) is None
    notice = _compare_threads({"threads": threads + 1})
    assert notice
    assert notice.text().startswith(f"Resumed with {threads} threads where the run began with {threads + 1}:")
