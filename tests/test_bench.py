"""The benchmarks' common contract: a ratio is stated, collected, and written into RESULTS.md; nothing is timed here."""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
MACHINE = {"Processor": "a: b, 2 cores", "torch": "2.15"}
LINE = "from results import state; state('{name}', 'a | b', ratio=1.5, goal=1.2, better='higher', note='n 3')\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module benchmarks/run.py; stub scripts find results.py as the benchmarks do."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    return importlib.import_module("run")


@pytest.fixture
def results(run: ModuleType) -> ModuleType:
    return importlib.import_module("results")


@pytest.fixture
def serialization(run: ModuleType) -> ModuleType:
    return importlib.import_module("serialization")


def test_table_is_the_folder(run: ModuleType) -> None:
    named = {path.stem: names(path) for path in FOLDER.glob("*.py") if path.stem != "results"}
    stating = {script: found for script, found in named.items() if found}
    assert set(stating) == set(run.BENCHMARKS)
    assert stating == {script: {script} for script in stating}, "each states under its own name"
    assert len(set(run.BENCHMARKS)) == len(run.BENCHMARKS)


def names(script: Path) -> set[object]:
    """The first arguments of all calls of ``state``."""
    tree = ast.walk(ast.parse(script.read_text(encoding="utf-8")))
    calls = [node for node in tree if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "state"]
    return {call.args[0].value if isinstance(call.args[0], ast.Constant) else ast.dump(call) for call in calls}


@pytest.mark.parametrize(
    ("ratio", "goal", "better", "met"),
    [
        *((2.5, 2.5, "higher", True), (2.4, 2.5, "higher", False), (1.1, 1.1, "lower", True)),
        *((1.2, 1.1, "lower", False), (1.2, None, "lower", None)),
        *((math.nan, 1.0, "higher", False), (math.nan, 1.0, "lower", False)),
    ],
)
def test_goal(results: ModuleType, ratio: float, goal: float | None, better: str, met: bool | None) -> None:
    assert results.Result("n", "c", ratio, goal, better).met is met


def test_better_is_one_of_two(results: ModuleType) -> None:
    with pytest.raises(ValueError, match="more"):
        results.Result("n", "c", 1.0, 1.0, "more")


def test_stated_ratio_is_printed_and_appended(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(results.FILE, raising=False)
    results.state("decode", "128 px", ratio=2.7, goal=2.5, better="higher", note="n 245")
    assert capsys.readouterr().out == "decode  128 px: 2.70x (goal >= 2.5x, met)  n 245\n"
    file = tmp_path / "found.jsonl"
    monkeypatch.setenv(results.FILE, str(file))
    stated = [results.state("ranks", "2 × 1", ratio=ratio, goal=1.15, better="lower") for ratio in (1.1, 1.2)]
    assert "(goal <= 1.15x, NOT met)" in capsys.readouterr().out
    assert results.read(file) == stated
    assert json.loads(file.read_text(encoding="utf-8").splitlines()[0])["case"] == "2 × 1"


def test_one_that_fails_leaves_the_others(run: ModuleType, tmp_path: Path) -> None:
    scripts = {
        "good": LINE.format(name="good"),
        "half": LINE.format(name="half") + "raise SystemExit('fastai is missing')",
        "crash": "raise ValueError('no | data')",
        "silent": "",
    }
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    outcomes = dict(run.run([*scripts, "absent"], run.QUICK, tmp_path))
    reasons = {name: outcome.reason for name, outcome in outcomes.items()}
    absent = reasons.pop("absent")
    assert "absent.py" in absent and "No such file" in absent
    assert reasons == {
        **{"good": "", "half": "fastai is missing"},
        **{"crash": "ValueError: no | data", "silent": "it stated no ratio"},
    }
    assert [len(outcome.results) for outcome in outcomes.values()] == [1, 1, 0, 0, 0]
    cells = run.rows(outcomes["half"])
    assert cells[0][:5] == ["a | b", "1.50x", ">= 1.2x", "yes", "n 3"]
    assert cells[1][:5] == ["", "", "", "", "fastai is missing"]


def test_time_is_limited(run: ModuleType, tmp_path: Path) -> None:
    child = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    )
    note = f"open({str(tmp_path / 'child')!r}, 'w').write(str(p.pid))\n"
    (tmp_path / "slow.py").write_text(child + LINE.format(name="slow") + note + "time.sleep(60)", encoding="utf-8")
    form = run.Form("quick", (), limit=2.0, each=60)
    (_slow, slow), (_late, late) = run.run(["slow", "late"], form, tmp_path)
    assert slow.reason.startswith("stopped after") and len(slow.results) == 1
    assert late.reason.startswith("not run") and late.results == []
    pid = int((tmp_path / "child").read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_rows_of_the_others_stay(
    run: ModuleType, results: ModuleType, serialization: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "RESULTS.md"
    first, last = run.BENCHMARKS[0], run.BENCHMARKS[-1]
    old = {
        "quick": {first: [["a | b", "1.00x", "none", "", "  two\nlines", "then", "abc"]]},
        "full": {last: [["x"] * 7]},
    }
    serialization.write(file, MACHINE, old)
    monkeypatch.setattr(run, "WRITTEN", file)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "about", lambda: MACHINE)
    outcome = run.Outcome([results.Result(last, "new", 3.0, None, "higher")])
    monkeypatch.setattr(run, "alone", lambda script, form, seconds: outcome)
    monkeypatch.setattr("sys.argv", ["run.py", last])
    run.main()
    kept = serialization.parse(file, MACHINE)
    assert kept["full"] == old["full"]
    assert list(kept["quick"]) == [first, last]
    assert kept["quick"][first] == [["a | b", "1.00x", "none", "", "two lines", "then", "abc"]]
    assert kept["quick"][last][0][:2] == ["new", "3.00x"]
    assert [path.name for path in tmp_path.iterdir()] == ["RESULTS.md"]
    assert serialization.parse(file, {**MACHINE, "torch": "3"}) == {}, "ratios of another machine"


def test_unknown_name_is_refused(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", "decoed"])
    with pytest.raises(SystemExit):
        run.main()
    assert "decoed" in capsys.readouterr().err


def test_machine_names_no_folder(run: ModuleType) -> None:
    said = run.about()
    assert {"Processor", "Memory", "GPU", "Python", "discern", "torch", "NumPy", "Pillow"} <= set(said)
    assert not any(os.sep + "home" in value or str(FOLDER) in value for value in said.values())
