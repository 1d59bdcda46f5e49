"""Features for classical models: numbers that people designed, or those of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from discern.arrays import ArrayLike
from discern.classical.embedding import FrozenBackbone
from discern.classical.hog import compute_hog
from discern.errors import ConfigError, suggest
from discern.i18n import _
from discern.progress import Progress, ignore_progress

HUES, SATURATIONS, VALUES = 16, 4, 4  # as MPEG-7's scalable colour descriptor (ISO/IEC 15938-3:2002)
EXAMPLES_AT_ONCE = 256
EMBEDDING = "embedding:"
COLUMNS = "columns"  # of a table: its numbers as they are


def flatten_pixels(pixels: np.ndarray) -> np.ndarray:
    """Scale every pixel to 0..1. uint8 (N, H, W, C) -> float32 (N, H * W * C)"""
    return pixels.reshape(len(pixels), -1).astype(np.float32) / 255


def count_colors(pixels: np.ndarray) -> np.ndarray:
    """Count the colors, wherever they are: a joint histogram of hue, saturation and value.

    uint8 (N, H, W, 3) -> float32 (N, 256), rows sum to 1.
    """
    hue, saturation, value = _to_hsv(pixels)
    hue_bin = np.floor(hue * HUES + 0.5).astype(np.int64) % HUES  # red, where the circle closes, is in one bin
    saturation_bin = np.minimum((saturation * SATURATIONS).astype(np.int64), SATURATIONS - 1)
    value_bin = np.minimum((value * VALUES).astype(np.int64), VALUES - 1)
    bins = ((hue_bin * SATURATIONS + saturation_bin) * VALUES + value_bin).reshape(len(pixels), -1)
    total = HUES * SATURATIONS * VALUES
    bins = bins + np.arange(len(pixels))[:, None] * total  # one bincount counts all images
    counts = np.bincount(bins.ravel(), minlength=len(pixels) * total).reshape(len(pixels), total)
    return (counts / max(1, pixels.shape[1] * pixels.shape[2])).astype(np.float32)


def compute_handcrafted(pixels: np.ndarray) -> np.ndarray:
    """Compute a few numbers with names, those of `name_handcrafted`. uint8 (N, H, W, C) -> float32 (N, 2 C + 4)"""
    x = pixels.astype(np.float32) / 255
    gray = x.mean(axis=3)
    edges = np.hypot(gray[:, 1:-1, 2:] - gray[:, 1:-1, :-2], gray[:, 2:, 1:-1] - gray[:, :-2, 1:-1])
    inner = gray[:, 1:-1, 1:-1]
    laplace = 4 * inner - gray[:, 1:-1, 2:] - gray[:, 1:-1, :-2] - gray[:, 2:, 1:-1] - gray[:, :-2, 1:-1]
    columns = [
        x.mean(axis=(1, 2)),
        x.std(axis=(1, 2)),
        (edges > 0.2).mean(axis=(1, 2))[:, None],
        np.square(laplace).mean(axis=(1, 2))[:, None],
        np.abs(gray - gray[:, :, ::-1]).mean(axis=(1, 2))[:, None],
        np.abs(gray - gray[:, ::-1]).mean(axis=(1, 2))[:, None],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def name_handcrafted(channels: int) -> tuple[str, ...]:
    """Name the columns of `compute_handcrafted`.

    Examples
    --------
    >>> name_handcrafted(1)
    ('mean', 'contrast', 'edge density', 'texture energy', 'left-right asymmetry', 'up-down asymmetry')
    """
    colors = ("",) if channels == 1 else (" red", " green", " blue")
    per_channel = tuple(f"{statistic}{color}" for statistic in ("mean", "contrast") for color in colors)
    return (*per_channel, "edge density", "texture energy", "left-right asymmetry", "up-down asymmetry")


def _to_hsv(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute hue, saturation and value, each 0..1 (Smith 1978). (N, H, W, 3) -> (N, H, W) each"""
    x = pixels.astype(np.float32) / 255
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    high, spread = x.max(axis=-1), np.ptp(x, axis=-1)
    safe = np.where(spread > 0, spread, 1)
    sector = np.where(
        high == red,
        np.mod((green - blue) / safe, 6),
        np.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    return np.where(spread > 0, sector / 6, 0), spread / np.where(high > 0, high, 1), high


FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pixels": flatten_pixels,
    "color": count_colors,
    "hog": compute_hog,
    "handcrafted": compute_handcrafted,
}


def check_features(text: str) -> tuple[str, ...]:
    """Return the names in ``color,hog``; a `ConfigError` names the first that is unknown.

    Examples
    --------
    >>> check_features("color, hog")
    ('color', 'hog')
    """
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FEATURES and (not name.startswith(EMBEDDING) or name == EMBEDDING):
            hint = suggest(name, [*FEATURES, f"{EMBEDDING}NET", f"{EMBEDDING}RUN"])
            raise ConfigError(_('Unknown features "{name}"{hint}.').format(name=name, hint=hint))
    if len(set(names)) < len(names):
        raise ConfigError(_("Features are named twice in {names}: name each once.").format(names=text))
    return names


class Extractor:
    """Turns pixels or a table's rows into a row of numbers each.

    ``names`` are as `check_features` returns them, or `COLUMNS` alone; ``embeddings`` the networks that they ask for.
    """

    def __init__(self, names: Sequence[str], embeddings: Mapping[str, FrozenBackbone] | None = None) -> None:
        self.names, self.embeddings = tuple(names), dict(embeddings or {})

    def __call__(self, inputs: ArrayLike, indices: Iterable[int], progress: Progress = ignore_progress) -> np.ndarray:
        """Compute features: uint8 (N, H, W, C) -> float32 (n, F); of a table, as they are, float64 (N, F) -> (n, F)."""
        chosen = np.asarray(list(indices), dtype=np.int64)
        features = []
        for start in range(0, len(chosen), EXAMPLES_AT_ONCE):
            batch = np.ascontiguousarray(inputs[chosen[start : start + EXAMPLES_AT_ONCE]])
            features.append(np.concatenate([self._extract(name, batch) for name in self.names], axis=1))
            progress(_("features"), min(start + EXAMPLES_AT_ONCE, len(chosen)), len(chosen))
        return np.concatenate(features) if features else np.zeros((0, 0), dtype=np.float32)

    def _extract(self, name: str, batch: np.ndarray) -> np.ndarray:
        if name == COLUMNS:
            return batch
        return FEATURES[name](batch) if name in FEATURES else self.embeddings[name](batch)
