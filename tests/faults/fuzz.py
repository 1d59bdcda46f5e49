"""Command lines and files of runs that nobody would write on purpose; seeded, each in a process of its own.

``python -m tests.faults.fuzz FOLDER COMMANDS FILES [STEP]`` tries so many of each, and prints the counts as JSON.
What must not happen: a traceback, a hang, a control character in a terminal, other numbers from a damaged file.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import discern
import discern.cli.app
from tests.faults.walk import QUICK, in_process, prepare, print_counts, train, try_faults
from tests.images import make_folder

NAMES = ["odd\nname", "bell\x07\x1b[31m", "$x^{", "-out", "half \udc80", "水果", "x" * 300, "a b", "{run}", "%s", "'"]
NUMBERS = ["0", "-1", "1", "nan", "inf", "1e999", "", "９", "½", "0x10", "9" * 30, "1,2", "true", "null", "None"]
SETTINGS = [
    "lr",
    "size",
    "batch_size",
    "seed",
    "mixup",
    "optimizer",
    "cache",
    "validation",
    "device",
    "k",
    "label",
    "x",
]
MODELS = ["lenet", "knn", "auto", "svm", "", "lenet,knn", "timm:", "torchvision:x", "a.py:f", "keras:"]
FLAGS: dict[str, list[str]] = {
    "data": ["--seed", "--image", "--label", "--split", "--group", "--target", "--set", "--out", "--json"],
    "train": ["--model", "--epochs", "--seed", "--weights", "--finetune", "--recipe", "--features", "--out", "--resume",
              "--search", "--cv", "--target", "--set", "--settings", "--json", "--group"],
    "evaluate": ["--positive", "--false-negative-cost", "--min-recall", "--out", "--json", "--model-code"],
    "report": ["--out", "--json"],
    "compare": ["--sort", "--out", "--json"],
    "predict": ["--top-k", "--json", "--model-code"],
    "explain": ["--method", "--layer", "--class", "--cell", "--out", "--json"],
    "models": ["--size", "--layers", "--compare", "--zoo", "--json"],
    "lab": ["--out", "--json", "--seed", "--size", "--x"],
    "doctor": ["--json"],
}  # fmt: skip
PURE = {"--json", "--layers", "--compare", "--settings"}  # flags without a value
WORDS: dict[str, list[str]] = {
    "--model": MODELS,
    "--epochs": ["-1", "0", "1", "nan", ""],
    "--method": ["gradcam", "saliency", "nearest", "filters", "all", "occlusion", "x", ""],
    "--sort": ["accuracy", "x", ""],
    "--finetune": ["head", "all", "x"],
    "--recipe": ["fast", "lecture", "x"],
}
VALUES: list[Any] = [None, -1, 0, 1e308, float("nan"), "", "x", [], {}, True, 10**40, [[[]]], "\x1b[31m", {"code": "x"}]


class Shop:
    """What commands may be given: good data and runs, and everything else that a path may be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        make_folder(root / "data", n=6, size=16)
        for name in ("lenet", "knn"):
            settings = QUICK if name == "lenet" else {}
            code = in_process(lambda name=name, settings=settings: self._train(name, settings))  # type: ignore[misc]
            assert code == 0, name
        self._make_odd_files()
        odd = sorted(str(path.relative_to(root)) for path in root.iterdir() if path.name not in ("cache", "data"))
        self.paths = [
            *odd,
            "data",
            "data/red/0.png",
            "lenet",
            "knn",
            "digits",
            "iris",
            *NAMES,
            "",
            "-",
            ".",
            "/dev/zero",
        ]
        self.paths += ["/dev/null", "wds:x{000..003}.tar", "wds:", "~nobody", "data/red/0.png/x", "lenet/model.json"]

    def _train(self, name: str, settings: dict[str, Any]) -> None:
        os.environ["DISCERN_CACHE"] = str(self.root / "cache")
        os.chdir(self.root)
        train("data", name, out=name, **settings)

    def _make_odd_files(self) -> None:
        root = self.root
        os.mkfifo(root / "pipe.png")
        os.mkfifo(root / "pipe.csv")
        os.mkfifo(root / "pipe.safetensors")
        with (root / "sparse.png").open("wb") as file:
            file.truncate(20 << 30)
        for name, text in {
            "good.csv": "image,label\ndata/red/0.png,a\ndata/blue/0.png,b\ndata/green/1.png,b\ndata/red/2.png,a\n",
            "numbers.csv": "a,b,y\n" + "".join(f"{i},{i * i % 7},{i % 3}\n" for i in range(60)),
            "deep.json": "[" * 5000 + "]" * 5000,
            "huge.json": '[{"image": "data/red/0.png", "label": ' + "9" * 5000 + "}]",
            "bad.csv": 'a,"b\n\x00',
            "empty.csv": "",
            "garbage.parquet": "PAR1xxxxPAR1",
            "text.png": "no image",
            "text.safetensors": "no tensors",
            "text.pth": "x",
            "text.keras": "x",
            "text.tar": "x",
            "text.zip": "x",
        }.items():
            (root / name).write_text(text)
        (root / "empty").mkdir()
        (root / "loop").symlink_to("loop")
        for name in ("odd\nname", "bell\x07\x1b[31m", "$x^{"):
            shutil.copytree(root / "data" / "red", root / "odd" / name)


def make_command(shop: Shop, randomness: random.Random) -> list[str]:
    """Return the arguments of a command that is right in parts."""
    verb = randomness.choice([*FLAGS, "train", "predict", "data"])
    words = [verb, *(randomness.choice(shop.paths) for _ in range(randomness.choice((0, 1, 1, 2, 2, 3))))]
    if verb in ("evaluate", "predict", "explain", "report", "compare") and randomness.random() < 0.7:
        words[1:2] = [randomness.choice(("lenet", "knn"))]
    if verb == "lab":
        words[1:2] = [randomness.choice(("activation", "convolution", "pca", "x"))]
    for _number in range(randomness.choice((0, 0, 1, 1, 2))):
        flag = randomness.choice(FLAGS[verb])
        words.append(flag)
        if flag == "--set":
            words.append(f"{randomness.choice(SETTINGS)}={randomness.choice(NUMBERS)}")
        elif flag not in PURE and randomness.random() < 0.95:
            words.append(randomness.choice(WORDS.get(flag, [*NUMBERS, *NAMES, *shop.paths])))
    if verb == "train" and "--epochs" not in words:
        words += ["--epochs", "1"]
    return words


def run_command(shop: Shop, arguments: list[str], output: Path) -> None:
    """Do what ``discern`` does with ``arguments``, and end this process; both streams go to ``output``."""
    from discern.cli import main

    os.chdir(shop.root)
    os.environ["DISCERN_CACHE"] = str(shop.root / "cache")
    with output.open("w", encoding="utf-8") as stream:
        sys.stdout = sys.stderr = stream
        sys.argv = ["discern", *arguments]
        code = 3
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:
            import traceback

            traceback.print_exc()
    os._exit(code)


def judge(code: int, output: Path) -> str:
    """Return what is wrong with how a command ended, or ""."""
    text = output.read_text(encoding="utf-8", errors="surrogateescape")
    if code not in (0, 1, 2):
        return f"ended with {code}: {text[-900:]}"
    if "Traceback" in text:
        return f"a traceback: {text[-900:]}"
    if re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text):
        return f"a control character: {text[-300:]!r}"
    if code == 2 and text.count("Error: ") != 1:
        return f"not one sentence: {text[-300:]}"
    return ""


def try_commands(shop: Shop, n: int, counts: Counter[str]) -> list[str]:
    """Try ``n`` commands; return what went wrong."""
    wrong = []
    for seed in range(n):
        arguments, output = make_command(shop, random.Random(seed)), shop.root / "cache" / "output.txt"
        code = in_process(lambda arguments=arguments, output=output: run_command(shop, arguments, output))  # type: ignore[misc]
        counts[f"commands that ended with {code}"] += 1
        if fault := judge(code, output):
            wrong.append(f"command {seed} {arguments}: {fault}")
        for name in ("runs", "9", "x", "nan"):
            shutil.rmtree(shop.root / name, ignore_errors=True)
    return wrong


def damage(file: Path, randomness: random.Random) -> str:
    """Damage a file in one of many ways, and return which."""
    data = bytearray(file.read_bytes())
    ways: list[Callable[[], Any]] = [
        lambda: file.write_bytes(data[: randomness.randrange(len(data))]),
        lambda: file.write_bytes(b""),
        lambda: file.write_bytes(bytes(len(data))),
        lambda: file.write_bytes(randomness.randbytes(200)),
        lambda: file.write_bytes(data + randomness.randbytes(20)),
        lambda: file.write_bytes(_flip(data, randomness)),
        lambda: (file.unlink(), file.mkdir()),
        lambda: (file.unlink(), os.mkfifo(file)),
        lambda: (file.unlink(), file.symlink_to("/dev/zero")),
        file.unlink,
    ]
    number = randomness.randrange(len(ways))
    if file.suffix == ".json" and randomness.random() < 0.7:
        value = json.loads(data)
        place = _exchange(value, randomness)
        file.write_text(json.dumps(value), encoding="utf-8")
        return f"{place} exchanged"
    ways[number]()
    return f"way {number}"


def _flip(data: bytearray, randomness: random.Random) -> bytes:
    flipped = bytearray(data)
    flipped[randomness.randrange(len(data))] ^= 1 << randomness.randrange(8)
    return bytes(flipped)


def _exchange(value: Any, randomness: random.Random) -> str:
    """Exchange or remove one value somewhere inside; return where."""
    place = []
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = randomness.choice(keys)
        place.append(str(key))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or randomness.random() < 0.25:
            break
        value = inner
    if randomness.random() < 0.2:
        del value[key]
    else:
        value[key] = randomness.choice(VALUES)
    return ".".join(place)


VERBS: dict[str, list[str]] = {
    "evaluate": ["evaluate", "{run}"],
    "predict": ["predict", "{run}", "data/red/1.png"],
    "report": ["report", "{run}"],
    "compare": ["compare", "{run}", "lenet"],
    "explain": ["explain", "{run}", "data/red/1.png"],
    "nearest": ["explain", "{run}", "data/red/1.png", "--method", "nearest"],
    "resume": ["train", "--resume", "{run}"],
}


def try_files(shop: Shop, n: int, counts: Counter[str]) -> list[str]:
    """Damage a file of a run, and let a verb work on the run; return what went wrong."""
    wrong, expected = [], {}
    output = shop.root / "cache" / "output.txt"
    for seed in range(n):
        randomness = random.Random(seed)
        name, verb = randomness.choice(("lenet", "lenet", "knn")), randomness.choice(list(VERBS))
        run = shop.root / "damaged"
        arguments = [word.format(run="damaged") for word in VERBS[verb]]

        def work(arguments: list[str] = arguments) -> None:
            run_command(shop, arguments, output)

        if (name, verb) not in expected:
            shutil.copytree(shop.root / name, run)
            in_process(work)
            expected[name, verb] = output.read_text()
            shutil.rmtree(run)
        shutil.copytree(shop.root / name, run)
        files = sorted(file for file in run.rglob("*") if file.is_file() and file.name != "report.html")
        file = randomness.choice(files)
        how = damage(file, randomness)
        code = in_process(work)
        counts[f"files of which a verb ended with {code}"] += 1
        fault = judge(code, output)
        is_binary = file.suffix in (".safetensors", ".skops", ".npz")
        if not fault and code == 0 and is_binary and verb in ("predict", "evaluate"):
            fault = "" if output.read_text() == expected[name, verb] else f"other numbers: {output.read_text()[:200]}"
        if fault:
            wrong.append(f"file {seed} {name}/{file.relative_to(run)}, {how}, {verb}: {fault}")
        shutil.rmtree(run)
    return wrong


def main(root: Path, commands: int, files: int, step: int = 0) -> int:
    """Try commands and files, and with a ``step`` faults of a training, too; print the counts."""
    prepare()
    np.seterr(all="ignore")
    for verb in discern.__all__:  # each is imported when asked for: once, before the processes divide
        getattr(discern, verb)
    counts = Counter[str]()
    wrong = try_faults(root / "faults", step, ["network"], counts) if step else []
    shop = Shop(root)
    wrong += try_commands(shop, commands, counts) + try_files(shop, files, counts)
    return print_counts(counts, wrong)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:])))
