"""How long a prediction takes: a classifier that `discern.load` opened beside the bare network in PyTorch.

    python benchmarks/inference.py [--quick]

ResNet-18 and MobileNet at 224 pixels, one image and 32 at a time, on the CPU. "Network" is from decoded pixels
(uint8) to probabilities; "from files" is the whole of `predict_many`, with decoding and resizing JPEG files of
500 x 375 pixels, whose share is beside it. The peers are eager PyTorch (evaluation mode, no gradients) on tensors that
are normalised already, and onnxruntime on the same graph where it is installed. Medians of turns in alternation; the
answers are compared.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

import discern
from discern.classifier.bundle import ModelCard, write_bundle
from discern.classifier.classifier import Classifier
from discern.models.registry import build_model
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from results import state

SIZE, CLASSES = 224, 1000
SPEC = Preprocess(size=SIZE, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
Run = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    quick = parser.parse_args().quick
    print(f"{torch.get_num_threads()} threads; " + ("onnxruntime" if onnx_there() else "no onnxruntime: not installed"))
    for name in ("resnet18", "mobilenet"):
        network, classifier = made(name)
        for number, turns in ((1, 15 if quick else 60), (32, 3 if quick else 12)):
            compare(name, network, classifier, number, turns)


def made(name: str) -> tuple[nn.Module, Classifier]:
    """A network with random weights, its normalisations not the identity, and the classifier that predicts with it."""
    torch.manual_seed(0)
    network = build_model(name, CLASSES, 3, SIZE)
    with torch.inference_mode():
        network.train()(torch.randn(8, 3, SIZE, SIZE))
    network.eval()
    with tempfile.TemporaryDirectory() as folder:
        card = ModelCard(model=name, classes=tuple(map(str, range(CLASSES))), preprocess=SPEC)
        write_bundle(folder, card, network.state_dict())
        return network, discern.load(folder, "cpu")


def compare(name: str, network: nn.Module, classifier: Classifier, number: int, turns: int) -> None:
    """State the ratios of one network and one number of images."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{seed}.jpg" for seed in range(number)]
        for seed, file in enumerate(files):
            file.write_bytes(photograph(seed))
        pixels = np.stack([classifier.pixels(file) for file in files])
        x = normalize(to_float(torch.from_numpy(pixels)), SPEC).contiguous()
        runs: dict[str, Run] = {
            "network": lambda: classifier.probabilities(pixels),
            "eager PyTorch": lambda: eager(network, x),
            "preprocessing": lambda: np.stack([classifier.pixels(file) for file in files]),
            "from files": lambda: list(classifier.predict_many(files)),
        }
        if onnx_there():
            runs["onnxruntime"] = onnx_run(network, x)
        peers = [key for key in ("eager PyTorch", "onnxruntime") if key in runs]
        answers = {key: runs[key]() for key in ("network", *peers)}  # nothing is cold after this
        times = in_turns(runs, turns)
    print(f"{name}, batch {number}:  " + "  ".join(f"{key} {1000 * t:.1f} ms" for key, t in times.items()))
    for peer in peers:
        apart = np.abs(answers[peer] - answers["network"]).max()
        for way, note in (
            ("network", f"probabilities apart by at most {apart:.0e}"),
            ("from files", f"preprocessing {times['preprocessing'] / times['from files']:.0%} of it"),
        ):
            case = f"{name}, batch {number}: {way} beside {peer}"
            state("inference", case, ratio=times[way] / times[peer], goal=None, better="lower", note=note)


def photograph(seed: int) -> bytes:
    """A smooth image with some noise as JPEG, which decodes about as slowly as a photograph of its size."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((500, 375))
    noisy = np.asarray(coarse, dtype=np.int16) + random.integers(-12, 13, (375, 500, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "jpeg", quality=90)
    return file.getvalue()


def eager(network: nn.Module, x: Tensor) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(network(x).softmax(dim=1))


def onnx_there() -> bool:
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))


def onnx_run(network: nn.Module, x: Tensor) -> Run:
    """Asks onnxruntime about ``x``, on as many threads as torch takes."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own code
        file = Path(folder) / "network.onnx"
        torch.onnx.export(network, (x,), file, input_names=["x"], dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Its threads would keep the processors busy while the others have their turn.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    given = {"x": x.numpy()}

    def run() -> np.ndarray:
        (logits,) = session.run(None, given)
        return np.asarray(torch.from_numpy(logits).softmax(dim=1))

    return run


def in_turns(runs: dict[str, Run], turns: int) -> dict[str, float]:
    """Median seconds of each."""
    times: dict[str, list[float]] = {key: [] for key in runs}
    for _turn in range(turns):
        for key, run in runs.items():
            start = time.perf_counter()
            run()
            times[key].append(time.perf_counter() - start)
    return {key: statistics.median(found) for key, found in times.items()}


if __name__ == "__main__":
    main()
