"""The lock: everything that pyproject asks for, each with hashes, and not a word about where it comes from."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_names_no_place() -> None:
    assert not re.search(r"https?:|file:|--(index|extra|find|trusted)|\w\.(org|com|net|io)\b", LOCK)


@pytest.mark.parametrize("entry", ENTRIES, ids=name_of)
def test_entry_is_pinned_with_hashes(entry: str) -> None:
    first, *rest = entry.split("\n")
    assert re.match(r"[A-Za-z0-9._-]+==\S+( ; .*)? \\$", first)
    assert rest
    assert all(re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", line) for line in rest)


def test_holds_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += project["build-system"]["requires"]
    assert {name_of(line) for line in wanted} <= {name_of(entry) for entry in ENTRIES}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-TW.md"])
def test_readme_names_the_locked_torch(readme: str) -> None:
    told = re.findall(r"torch(?:vision)?==[0-9.]+", (ROOT / readme).read_text(encoding="utf-8"))
    assert len(told) == 2
    assert all(re.search(rf"^{re.escape(pin)} ", LOCK, re.MULTILINE) for pin in told)


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", ROOT / "tools" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_torch_the_rest_is_whole(environment: ModuleType) -> None:
    left = re.split(r"\n(?=[A-Za-z0-9])", environment.without_torch(LOCK).strip())
    gone = {name_of(entry) for entry in ENTRIES} - {name_of(entry) for entry in left}
    assert {"torch", "torchvision"} <= gone
    assert all(re.match(r"torch|triton|nvidia-|cuda-", name) for name in gone)
    assert set(left) <= set(ENTRIES)


def test_a_changed_lock_asks_for_the_work_again(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "tools/environment.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    before = environment.signature("locked")
    assert before == environment.signature("locked") != environment.signature("installed")
    (tmp_path / "requirements.lock").write_text(LOCK + "\n")
    assert environment.signature("locked") != before


def test_an_install_that_was_killed_starts_afresh(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "usable", lambda: True)
    monkeypatch.setattr(environment, "create", lambda folder: done.append("create"))
    monkeypatch.setattr(environment, "pip", lambda folder, *arguments: done.append("pip"))
    environment.fill("locked")
    assert done == ["pip", "pip"]
    done.clear()
    (tmp_path / "discern.stamp").unlink()
    (tmp_path / "discern.busy").touch()
    environment.fill("locked")
    assert done == ["create", "pip", "pip"]
    assert not (tmp_path / "discern.busy").exists()
