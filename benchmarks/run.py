"""Run the benchmarks, each in a process of its own, and write what they state into benchmarks/RESULTS.md.

    .venv/bin/python benchmarks/run.py                  # the quick form of all, under five minutes: make bench
    .venv/bin/python benchmarks/run.py decode epoch     # of these; the other rows stay: make bench BENCH="decode epoch"
    .venv/bin/python benchmarks/run.py --full           # the whole: make bench-full

A benchmark that fails, or for which no time is left, gets a row with the reason, and the others go on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from results import FILE, Result, read
from serialization import parse, write

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
WRITTEN = FOLDER / "RESULTS.md"
PEERS = ROOT / ".venv-bench" / "bin" / "python"  # holds fastai; made by `make bench-full`
# Every benchmark, the short ones first. A quick form takes well below a minute on two cores.
BENCHMARKS = (
    *("startup", "index", "decode", "batches", "memory"),
    *("inference", "ranks", "epoch", "transfer", "fast"),
)


@dataclass(frozen=True)
class Form:
    """A way to run the benchmarks: what it is called, its options, and the seconds that all, or any one, may take."""

    name: str
    options: tuple[str, ...]
    limit: float
    each: float


QUICK = Form("quick", ("--quick",), limit=300, each=120)
FULL = Form("full", (), limit=12 * 3600, each=4 * 3600)


@dataclass(frozen=True)
class Outcome:
    """What a benchmark stated, and why it did not end well, if it did not."""

    results: list[Result]
    reason: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all unless named")
    parser.add_argument("--full", action="store_true", help="all of every benchmark, which takes hours")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose of {', '.join(BENCHMARKS)}")
    form = FULL if asked.full else QUICK
    chosen = [name for name in BENCHMARKS if name in (asked.names or BENCHMARKS)]
    machine, began = about(), time.monotonic()
    for name, outcome in run(chosen, form):
        kept = parse(WRITTEN, machine)
        table = {**kept.get(form.name, {}), name: rows(outcome)}
        kept[form.name] = {known: table[known] for known in BENCHMARKS if known in table}
        write(WRITTEN, machine, kept)
    print(f"\n{len(chosen)} benchmarks in {time.monotonic() - began:.0f} s; limit {form.limit:.0f} s")
    print(f"written to {WRITTEN.relative_to(ROOT)}")


def run(names: list[str], form: Form, folder: Path = FOLDER) -> Iterator[tuple[str, Outcome]]:
    """What came of each of ``names`` in turn, within the limits of ``form``."""
    began = time.monotonic()
    for name in names:
        left = form.limit - (time.monotonic() - began)
        print(f"\n== {name} ({form.name})", flush=True)
        if left > 0:
            outcome = alone(folder / f"{name}.py", form, min(left, form.each))
        else:
            outcome = Outcome([], f"not run: the {form.limit:.0f} s for all of them are over")
        if outcome.reason:
            print(f"{name}: {outcome.reason}", flush=True)
        yield name, outcome


def alone(script: Path, form: Form, seconds: float) -> Outcome:
    """Run one benchmark, and read what it stated."""
    command = [str(python(form)), str(script), *form.options]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "results.jsonl"
        settings = {"env": {**os.environ, FILE: str(file)}, "start_new_session": True}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace", **settings) as process:
            try:
                complaint = process.communicate(timeout=seconds)[1]
            except subprocess.TimeoutExpired:
                complaint = f"stopped after {seconds:.0f} s"
            finally:
                stop(process)
        found = read(file)
    if process.returncode:
        if "\n" in complaint.strip():
            print(complaint.rstrip(), flush=True)
        last = next((line.strip() for line in reversed(complaint.splitlines()) if line.strip()), "it failed silently")
        return Outcome(found, last.replace(f"{ROOT}{os.sep}", ""))
    return Outcome(found, "" if found else "it stated no ratio")


def stop(process: subprocess.Popen[str]) -> None:
    """End the benchmark and the contestants that it started, where it runs still."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)


def python(form: Form) -> Path:
    """The interpreter: the whole benchmarks meet fastai, where its environment was made."""
    return PEERS if form is FULL and PEERS.exists() else Path(sys.executable)


def rows(outcome: Outcome) -> list[list[str]]:
    """The cells of the table, a line for each ratio and one for what went wrong."""
    measured = [f"{datetime.now().astimezone():%Y-%m-%d %H:%M}", commit()]
    verdict = {True: "yes", False: "**no**", None: ""}
    lines = [[one.case, f"{one.ratio:.2f}x", one.aim, verdict[one.met], one.note] for one in outcome.results]
    if outcome.reason:
        lines.append(["", "", "", "", outcome.reason])
    return [[*line, *measured] for line in lines]


def about() -> dict[str, str]:
    """The machine and the versions that the ratios hold for."""
    import numpy
    import PIL
    import torch
    import torchvision

    import discern

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    graphics = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "Processor": f"{processor()}, {os.cpu_count()} cores",
        "Memory": f"{memory:.0f} GiB",
        "GPU": graphics,
        "System": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "discern": discern.__version__,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "NumPy": numpy.__version__,
        "Pillow": PIL.__version__,
    }


def processor() -> str:
    """Its name, as /proc/cpuinfo has it where there is one."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def commit() -> str:
    """The revision measured, with ``+`` where the code differs from it."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)

    try:
        short = git("rev-parse", "--short", "HEAD").stdout.strip()
        changed = git("diff", "--quiet", "HEAD", "--", "src", "benchmarks/*.py").returncode == 1
    except OSError:
        short, changed = "", False
    return f"{short}{'+' if changed else ''}" or "unknown"


if __name__ == "__main__":
    main()
