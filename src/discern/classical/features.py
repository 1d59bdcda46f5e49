"""What a classical model sees of a picture: numbers that people thought of, or those of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from discern.arrays import Rows
from discern.classical.embedding import Embedding
from discern.classical.hog import hog
from discern.errors import ConfigError, nearest
from discern.i18n import _
from discern.progress import Progress, silent

HUES, SATURATIONS, VALUES = 16, 4, 4  # as MPEG-7's scalable colour descriptor (ISO/IEC 15938-3:2002)
AT_ONCE = 256
EMBEDDING = "embedding:"
COLUMNS = "columns"  # of a table: what is seen is what is there


def raw_pixels(pixels: np.ndarray) -> np.ndarray:
    """Every pixel, scaled to 0..1. uint8 (N, H, W, C) -> float32 (N, H * W * C)"""
    return pixels.reshape(len(pixels), -1).astype(np.float32) / 255


def colour(pixels: np.ndarray) -> np.ndarray:
    """Which colours there are, wherever they are: a joint histogram of hue, saturation and value.

    uint8 (N, H, W, 3) -> float32 (N, 256), rows sum to 1.
    """
    hue, saturation, value = _hsv(pixels)
    around = np.floor(hue * HUES + 0.5).astype(np.int64) % HUES  # red, where the circle closes, is in one bin
    rich, bright = (
        np.minimum((part * count).astype(np.int64), count - 1)
        for part, count in ((saturation, SATURATIONS), (value, VALUES))
    )
    flat = ((around * SATURATIONS + rich) * VALUES + bright).reshape(len(pixels), -1)
    total = HUES * SATURATIONS * VALUES
    flat = flat + np.arange(len(pixels))[:, None] * total
    counts = np.bincount(flat.ravel(), minlength=len(pixels) * total).reshape(len(pixels), total)
    return (counts / max(1, pixels.shape[1] * pixels.shape[2])).astype(np.float32)


def hand(pixels: np.ndarray) -> np.ndarray:
    """A few numbers with names, those of `hand_names`. uint8 (N, H, W, C) -> float32 (N, 2 C + 4)"""
    x = pixels.astype(np.float32) / 255
    grey = x.mean(axis=3)
    edges = np.hypot(grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1])
    inner = grey[:, 1:-1, 1:-1]
    laplace = 4 * inner - grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2] - grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    columns = [
        x.mean(axis=(1, 2)),
        x.std(axis=(1, 2)),
        (edges > 0.2).mean(axis=(1, 2))[:, None],
        np.square(laplace).mean(axis=(1, 2))[:, None],
        np.abs(grey - grey[:, :, ::-1]).mean(axis=(1, 2))[:, None],
        np.abs(grey - grey[:, ::-1]).mean(axis=(1, 2))[:, None],
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def hand_names(channels: int) -> tuple[str, ...]:
    """What the columns of `hand` are.

    Examples
    --------
    >>> hand_names(1)
    ('mean', 'contrast', 'edge density', 'texture energy', 'left-right asymmetry', 'up-down asymmetry')
    """
    colours = ("",) if channels == 1 else (" red", " green", " blue")
    each = tuple(f"{what}{name}" for what in ("mean", "contrast") for name in colours)
    return (*each, "edge density", "texture energy", "left-right asymmetry", "up-down asymmetry")


def _hsv(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue, saturation and value, each 0..1 (Smith 1978). (N, H, W, 3) -> (N, H, W) each"""
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
    "pixels": raw_pixels,
    "color": colour,
    "hog": hog,
    "hand": hand,
}


def check_features(text: str) -> tuple[str, ...]:
    """The names in ``color,hog``, each known.

    Raises
    ------
    ConfigError
        Names the first that is not.

    Examples
    --------
    >>> check_features("color, hog")
    ('color', 'hog')
    """
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name in FEATURES or (name.startswith(EMBEDDING) and name != EMBEDDING):
            continue
        allowed = [*FEATURES, f"{EMBEDDING}NET", f"{EMBEDDING}RUN"]
        close = nearest(name, allowed)
        if close:
            sentence = _("There are no features called '{name}'. Did you mean {close}?")
            raise ConfigError(sentence.format(name=name, close=", ".join(close)))
        sentence = _("There are no features called '{name}'. There are: {allowed}.")
        raise ConfigError(sentence.format(name=name, allowed=", ".join(allowed)))
    if len(set(names)) < len(names):
        raise ConfigError(_("Features are named twice in {names}: name each once.").format(names=text))
    return names


class Extractor:
    """Pixels or a table's rows in, a row of numbers for each out.

    Parameters
    ----------
    names : sequence of str
        As `check_features` gives them, or `COLUMNS` alone.
    embeddings : mapping, optional
        The networks that names ask for, by those names.
    """

    def __init__(self, names: Sequence[str], embeddings: Mapping[str, Embedding] | None = None) -> None:
        self.names, self.embeddings = tuple(names), dict(embeddings or {})

    def __call__(self, seen: Rows, rows: Iterable[int], progress: Progress = silent) -> np.ndarray:
        """uint8 (N, H, W, C) -> float32 (len(rows), F); or of a table, as they are, float64 (N, F)."""
        chosen = np.asarray(list(rows), dtype=np.int64)
        found = []
        for start in range(0, len(chosen), AT_ONCE):
            part = np.ascontiguousarray(seen[chosen[start : start + AT_ONCE]])
            found.append(np.concatenate([self._one(name, part) for name in self.names], axis=1))
            progress(_("features"), min(start + AT_ONCE, len(chosen)), len(chosen))
        return np.concatenate(found) if found else np.zeros((0, 0), dtype=np.float32)

    def _one(self, name: str, part: np.ndarray) -> np.ndarray:
        if name == COLUMNS:
            return part
        return FEATURES[name](part) if name in FEATURES else self.embeddings[name](part)
