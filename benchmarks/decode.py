"""How many images a second become pixels in the cache, against the loops that people write.

    .venv/bin/python benchmarks/decode.py               # stores of 32, 64, 128 and 224 px, five turns
    .venv/bin/python benchmarks/decode.py --quick       # 32 and 128 px, three turns

The images are all JPEG files of hymenoptera (`DISCERN_DATA`), most of 375 x 500 pixels, none turned by a tag. Every
road reads the files, cuts the middle square and resizes it (bilinear) to uint8 (size, size, 3):

- plain: ``Image.open(path).convert("RGB")`` and ``ImageOps.fit``, in one loop, and in as many threads as discern has
  workers (Pillow lets others work while it decodes and resizes); the goal is stated against both, for a person's own
  loop is the first, and the second is what more cores alone bring;
- torchvision: ``torchvision.io.decode_jpeg`` and ``interpolate``, in as many threads, each with one thread of torch;
- discern: `discern.data.pixel_cache.decode_all` with an empty cache, so with the array written to disk and read again.

All in this process, in turns; the median of the turns. The bound is what no reader that decodes JPEG files at a part of
their size can pass: every code is read but each block becomes its mean (1/8), not resized, in as many threads. Where
the bound is below the goal, no library of scaled decoding reaches it on these files. The mean difference to plain is
printed in levels of 255; that between bilinear and bicubic resizing is 2.5 at 32 px, 2.0 at 64, 1.5 at 128, 1.3 at 224.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn.functional import interpolate
from torchvision.io import ImageReadMode, decode_jpeg, read_file

from discern.data.dataset import Dataset
from discern.data.folder import open_folder
from discern.data.pixel_cache import decode_all
from discern.data.scan import ImageStats, scan_images
from discern.data.workers import MAX_FOR_THREADS, count_processors
from discern.preprocess.spec import Preprocess
from images import DATA
from results import state

SIZES = (32, 64, 128, 224)
BILINEAR = Image.Resampling.BILINEAR
SAME = 3.0  # levels of 255, on average, up to which images are the same
GOAL = 2.5  # times plain Pillow
Road = Callable[[], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES)
    parser.add_argument("--turns", type=int)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    sizes = asked.sizes or ((32, 128) if asked.quick else SIZES)
    turns = asked.turns or (3 if asked.quick else 5)
    torch.set_num_threads(1)  # the threads share out images, not the rows of one
    workers = count_processors()
    data = open_folder(DATA / "hymenoptera")
    chosen = np.array([row for row in range(len(data)) if data.store.path(row).lower().endswith((".jpg", ".jpeg"))])
    assert len(chosen) <= MAX_FOR_THREADS, "more would go to processes, whose start the peers do not have"
    paths = [DATA / "hymenoptera" / data.store.path(row) for row in chosen]
    with tempfile.TemporaryDirectory() as place:
        os.environ["DISCERN_CACHE"] = place
        stats = scan_images(data)
        for size in sizes:
            compare(size, roads(size, paths, data, chosen, stats, workers), turns, len(paths), workers)


def roads(
    size: int, paths: list[Path], data: Dataset, chosen: np.ndarray, stats: ImageStats, workers: int
) -> dict[str, Road]:
    """Every way to the pixels, uint8 (N, size, size, 3), by name; the bound gives none."""
    spec = Preprocess(size=size)

    def discern() -> np.ndarray:
        with tempfile.TemporaryDirectory() as empty:
            os.environ["DISCERN_CACHE"] = empty
            return decode_all(data, chosen, stats, spec)

    return {
        "plain loop": lambda: np.stack([plain(size, path) for path in paths]),
        "plain": lambda: in_threads(partial(plain, size), paths, workers),
        "torchvision": lambda: in_threads(partial(vision, size), paths, workers),
        "discern": discern,
        "bound": lambda: in_threads(codes, paths, workers),
    }


def in_threads(work: Callable[[Path], np.ndarray], paths: list[Path], workers: int) -> np.ndarray:
    """What ``work`` makes of every path."""
    with ThreadPoolExecutor(workers) as pool:
        return np.stack(list(pool.map(work, paths)))


def plain(size: int, path: Path) -> np.ndarray:
    """Pillow as people use it."""
    with Image.open(path) as image:
        return np.array(ImageOps.fit(image.convert("RGB"), (size, size), BILINEAR))


def vision(size: int, path: Path) -> np.ndarray:
    """torchvision's decoder and torch's resizing, the middle square alone."""
    image = decode_jpeg(read_file(str(path)), ImageReadMode.RGB)  # (3, H, W)
    height, width = image.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[None, :, top : top + side, left : left + side]
    small = interpolate(square, (size, size), mode="bilinear", antialias=True)
    return small[0].permute(1, 2, 0).contiguous().numpy()


def codes(path: Path) -> np.ndarray:
    """Decode at 1/8: every code is read, but each block becomes one pixel."""
    with Image.open(path) as image:
        image.draft(None, (image.width // 8, image.height // 8))
        image.load()
    return np.zeros(0)


def compare(size: int, roads: dict[str, Road], turns: int, n: int, workers: int) -> None:
    """Time the roads in turns, see that they come to the same images, and state the ratios."""
    seconds: dict[str, list[float]] = {name: [] for name in roads}
    seen: dict[str, np.ndarray] = {}
    for _turn in range(turns):
        for name, road in roads.items():
            start = time.perf_counter()
            seen[name] = road()
            seconds[name].append(time.perf_counter() - start)
    rate = {name: n / statistics.median(took) for name, took in seconds.items()}
    for name, each in rate.items():
        print(f"{size:4d} px  {name:12s} {each:7.0f} images/s", end="" if seen[name].size else "\n")
        if seen[name].size:
            apart = difference(seen[name], seen["plain"])
            print(f", {apart:.2f} levels from plain")
            assert apart < SAME, f"{name} comes to other images"
    case, note = f"{size} px", f"n {n}, {workers} threads each"
    for peer, goal in (("plain", GOAL), ("torchvision", None)):
        ratio = rate["discern"] / rate[peer]
        state("decode", f"{case}, to {peer}", ratio=ratio, goal=goal, better="higher", note=note)
    state(
        "decode", f"{case}, to a plain loop", ratio=rate["discern"] / rate["plain loop"], goal=GOAL, better="higher",
        note=f"n {n}, {workers} threads to 1",
    )  # fmt: skip
    state(
        "decode", f"{case}, bound of scaled decoding to plain", ratio=rate["bound"] / rate["plain"], goal=None,
        better="higher", note=note,
    )  # fmt: skip


def difference(seen: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of two stacks of images, in levels of 255."""
    return float(np.abs(seen.astype(np.int16) - other).mean())


if __name__ == "__main__":
    main()
