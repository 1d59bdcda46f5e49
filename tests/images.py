"""Small generated data sets for tests: classes that a network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 210)}


def make_folder(root: Path, n: int = 12, size: int = 28, classes: tuple[str, ...] = ("red", "green", "blue")) -> Path:
    """A folder with ``n`` noisy one-coloured images a class; seeded, no two alike."""
    random = np.random.default_rng(0)
    for name in classes:
        folder = root / name
        folder.mkdir(parents=True)
        for i in range(n):
            noise = random.normal(0, 35, (size, size, 3))
            stripes = 40 * np.sin(np.arange(size) * (0.2 + 0.15 * i))[:, None, None]
            pixels = np.clip(np.array(COLOURS[name]) + noise + stripes, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return root
