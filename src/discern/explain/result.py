"""What explaining gives: data first, a drawing after."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.explain.faithfulness import Faithfulness
from discern.figures import save_figure, svg
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 0.99  # share of the pixels whose heat a colour of its own shows: a few single ones may be far hotter


class Explanation(ABC):
    """A result that can be drawn and saved."""

    inches: tuple[float, float] = (4.0, 4.6)  # of the figure that is saved

    @abstractmethod
    def plot(self, ax: Axes) -> None:
        """Draw on the axes of a matplotlib figure."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Its numbers, for programs."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a .png or .svg file, whole or not at all.

        Raises
        ------
        ConfigError
            When ``path`` ends in neither.
        DiskError
            When the disk is full or may not be written.
        """
        save_figure(path, self.inches, self._draw)

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return f"<figure>{svg(self.inches, self._draw)}</figure>"

    def _draw(self, figure: Figure) -> None:
        self.plot(figure.subplots())


@dataclass(frozen=True, eq=False)
class HeatMap(Explanation):
    """Which pixels speak for a class.

    Attributes
    ----------
    method : str
        As it was asked for.
    picture : numpy.ndarray
        What the network sees: uint8 (H, W, C).
    heat : numpy.ndarray
        float32 (H, W), 0 to 1, the hottest pixel 1 (all 0 where nothing speaks for the class).
    label, probability : str, float
        The class that is explained.
    layer : str or None
        Whose map it is made of, where it is made of one.
    raw : numpy.ndarray
        What the method itself gave: a map (h, w), or a number for each value of the picture (C, H, W).
    faithfulness : Faithfulness
        How well the map names what the network uses.
    """

    method: str
    picture: np.ndarray
    heat: np.ndarray
    label: str
    probability: float
    layer: str | None
    raw: np.ndarray
    faithfulness: Faithfulness

    def plot(self, ax: Axes) -> None:
        show_picture(ax, self.picture.mean(axis=2, keepdims=True) / 255)  # grey: colours are heat alone
        shown = np.clip(self.heat / (float(np.quantile(self.heat, SHOWN)) or 1.0), 0, 1)
        ax.imshow(shown, cmap="turbo", alpha=0.75 * shown**0.5, vmin=0, vmax=1, interpolation="bilinear")
        scores = _("deletion {deletion:.3f}  insertion {insertion:.3f}").format(
            deletion=self.faithfulness.deletion, insertion=self.faithfulness.insertion
        )
        ax.set_title(f"{self.method}: {self.label} {self.probability:.3f}\n{scores}", fontsize=9)

    def to_json(self) -> dict[str, Any]:
        scores = self.faithfulness
        return {
            "method": self.method,
            "label": self.label,
            "probability": self.probability,
            "layer": self.layer,
            "deletion": scores.deletion,
            "insertion": scores.insertion,
            "steps": scores.steps,
        }


@dataclass(frozen=True, eq=False)
class Sheet(Explanation):
    """Heat maps of one picture side by side.

    Attributes
    ----------
    maps : tuple of HeatMap
        One a method.
    left_out : tuple of (str, str)
        A method that cannot explain this network, and the sentence that says why.
    """

    maps: tuple[HeatMap, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        columns, rows = self._grid()
        return 2.8 * columns, 3.2 * rows

    def plot(self, ax: Axes) -> None:
        columns, rows = self._grid()
        ax.set_axis_off()
        show = ax.inset_axes((0, 1 - 1 / rows, 0.94 / columns, 0.82 / rows))
        show_picture(show, self.maps[0].picture)
        show.set_title(_("what the network sees"), fontsize=9)
        for i, found in enumerate(self.maps, start=1):
            row, column = divmod(i, columns)
            found.plot(ax.inset_axes((column / columns, 1 - (row + 1) / rows, 0.94 / columns, 0.82 / rows)))

    def to_json(self) -> dict[str, Any]:
        return {"method": "all", "maps": [found.to_json() for found in self.maps], "left_out": dict(self.left_out)}

    def _grid(self) -> tuple[int, int]:
        columns = min(4, len(self.maps) + 1)
        return columns, -(-(len(self.maps) + 1) // columns)


def show_picture(ax: Axes, picture: np.ndarray) -> None:
    """uint8 (H, W, 1 or 3), or floats in 0..1, without axes."""
    shown, white = picture[..., 0] if picture.shape[-1] == 1 else picture, 255 if picture.dtype == np.uint8 else 1
    ax.imshow(shown, cmap="gray", vmin=0, vmax=white, interpolation="nearest")
    ax.set_axis_off()
