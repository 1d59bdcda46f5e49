"""Every operation of a work on files fails once, or is the last one of the process; then it is looked at what is left.

``python -m tests.faults.walk FOLDER STEP`` takes every STEP-th operation, and prints the counts as JSON. Each try is a
process of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sklearn.neighbors  # noqa: F401 - once, before the processes divide
import torch

import discern
from discern.api.train import train
from discern.errors import DiscernError
from discern.progress import NullReporter
from discern.runs.run import Run
from tests.faults.injector import KINDS, Injector
from tests.images import make_folder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 8,
    "precision": "fp32",
    "memory_format": "contiguous",
    "checkpoint_seconds": 0,
    "compile": "no",
}
SECONDS = 120  # after which a try counts as hanging
OK, SENTENCE, TRACEBACK, DEAD, AS_DAMAGE, AT_END = 0, 2, 3, 9, 10, 77
Work = Callable[[Path], None]


def _train(folder: Path, **settings: Any) -> None:
    train(folder.parents[1] / "data", out=folder / "run", reporter=NullReporter(), **settings)


def train_network(folder: Path) -> None:
    _train(folder, model="lenet", **QUICK)


def train_head(folder: Path) -> None:
    weights = folder.parents[1] / "reference" / "network" / "run"
    _train(folder, model="lenet", finetune="head", weights=str(weights), **QUICK)


def train_classical(folder: Path) -> None:
    _train(folder, model="knn")


def write_report(folder: Path) -> None:
    _copy_run(folder)
    discern.report(folder / "run")


def read_run(folder: Path) -> None:
    """Evaluate, predict and explain with a run that is there."""
    _copy_run(folder)
    image = folder.parents[1] / "data" / "red" / "1.png"
    discern.evaluate(folder / "run")
    if any(isinstance(found, DiscernError) for found in discern.predict(folder / "run", image)):
        raise AssertionError("no prediction")
    discern.explain(folder / "run", image, method="nearest")
    discern.compare([folder / "run", folder.parents[1] / "reference" / "network" / "run"])


def _copy_run(folder: Path) -> None:
    if not (folder / "run").exists():
        shutil.copytree(folder.parents[1] / "reference" / "network" / "run", folder / "run")


WORKS: dict[str, Work] = {
    "network": train_network,
    "head": train_head,
    "classical": train_classical,
    "report": write_report,
    "read": read_run,
}


def prepare() -> None:
    """Speak English, keep off the network, and start no threads, which a process that divides would lose."""
    os.environ |= {"DISCERN_OFFLINE": "1", "DISCERN_LANG": "en"}
    torch.set_num_threads(1)


def in_process(work: Callable[[], None]) -> int:
    """Do ``work`` in a process of its own and return how it ended: OK, SENTENCE, TRACEBACK, DEAD or -1 for a hang."""
    child = os.fork()
    if not child:
        code = OK
        try:
            work()
        except (DiscernError, discern.errors.Interrupted) as error:
            code = SENTENCE if "\n" not in str(error) else TRACEBACK
        except BaseException:
            traceback.print_exc()
            code = TRACEBACK
        os._exit(code)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def digest(run: Path) -> str:
    """Return a digest of a finished run: of a network's weights (skops writes ids of objects), and its predictions."""
    data = (run / "model.safetensors").read_bytes() if (run / "model.safetensors").exists() else b""
    probabilities = [split.probabilities.tobytes() for split in Run.open(run).class_predictions().values()]
    return hashlib.sha256(data + b"".join(probabilities)).hexdigest()


def check_rest(folder: Path, expected: str, is_classical: bool) -> str:
    """Look at what a try left: "" where it is good, else what is wrong."""

    def open_it() -> None:
        if digest(folder / "run") != expected:
            raise AssertionError("other predictions")

    def resume_it() -> None:
        train(resume=folder / "run", reporter=NullReporter())
        open_it()

    opened = in_process(open_it)
    if opened not in (OK, SENTENCE):
        return f"opening it ended with {opened}"
    if opened == OK or is_classical:
        return ""
    resumed = in_process(resume_it)
    has_begun = (folder / "run" / "config.json").exists()
    if resumed != OK and (has_begun or resumed != SENTENCE):
        return f"resuming it ended with {resumed}"
    return ""


def walk(root: Path, name: str, kind: str, step: int, counts: Counter[str]) -> list[str]:
    """Let every ``step``-th operation of the work called ``name`` fail; return what went wrong."""
    work, expected, wrong = WORKS[name], digest(root / "reference" / name / "run"), []
    for point in range(1 + (len(name) % step), 10_000, step):
        folder = root / "tries" / f"{name}-{kind.replace(' ', '-')}-{point}"
        (folder / "cache").mkdir(parents=True)

        def attempt(folder: Path = folder, point: int = point) -> None:
            os.environ["DISCERN_CACHE"] = str(folder / "cache")
            if name in ("report", "read"):
                _copy_run(folder)
            injector = Injector([folder], KINDS[kind], point)
            injector.arm()
            try:
                work(folder)
            except DiscernError as error:  # the system refused, and nothing is damaged
                if re.search("damaged|corrupt|truncated|does not exist", str(error)):
                    print(f"{name}, {kind} at {point}: {error}", file=sys.stderr)
                    os._exit(AS_DAMAGE)
                raise
            if injector.count < point:
                os._exit(AT_END)

        ended = in_process(attempt)
        if ended == AT_END:
            shutil.rmtree(folder)
            break
        counts[f"{name}, {kind}"] += 1
        counts["tries"] += 1
        where = f"{name}, {kind} at operation {point}"
        if ended not in (OK, SENTENCE, DEAD) or (ended == DEAD) != (kind == "death"):
            wrong.append(f"{where}: ended with {ended}")
        os.environ["DISCERN_CACHE"] = str(folder / "cache")
        if ended != DEAD and (left := [*folder.rglob("*.part")]):
            wrong.append(f"{where}: left {left}")
        if fault := check_rest(folder, expected, name == "classical"):
            wrong.append(f"{where}: {fault}")
        shutil.rmtree(folder)
    return wrong


def try_faults(root: Path, step: int, names: list[str], counts: Counter[str]) -> list[str]:
    """Walk through the works called ``names`` with all kinds of faults; return what went wrong."""
    make_folder(root / "data", n=6, size=16)
    for name in ("network", *(name for name in names if name != "network")):  # of which others make use
        folder = root / "reference" / name
        folder.mkdir(parents=True)
        os.environ["DISCERN_CACHE"] = str(folder / "cache")
        code = in_process(lambda name=name, folder=folder: WORKS[name](folder))  # type: ignore[misc]
        assert code == OK, name
    return [text for name in names for kind in KINDS for text in walk(root, name, kind, step, counts)]


def print_counts(counts: Counter[str], wrong: list[str]) -> int:
    """Print what was tried and what went wrong as JSON; return the exit code."""
    print(json.dumps({"counts": counts, "wrong": wrong}, indent=1))
    return 1 if wrong else 0


def main(root: Path, step: int, names: list[str]) -> int:
    """Walk through works, print the counts, and return 1 where something went wrong."""
    prepare()
    counts = Counter[str]()
    return print_counts(counts, try_faults(root, step, names or list(WORKS), counts))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3:]))
