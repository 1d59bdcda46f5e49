"""The one face of every result: sentences, tables, figure, JSON, files; terminal, notebook, page and report draw it."""

from __future__ import annotations

import base64
import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discern import pages
from discern.errors import ConfigError
from discern.figures import check_suffix, render_gif, render_svg, save_figure
from discern.files import atomic_write, write_json, write_text
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".gif", ".html", ".json")

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Values under titles."""

    title: str  # what it shows; may be empty
    columns: Sequence[str]  # titles of the columns
    rows: Sequence[Sequence[Cell]]  # floats are shown with six significant digits, None as a dash; no data is rounded
    text_columns: int = 1  # so many from the left hold text and align left; the others align right
    max_rows: int = 0  # how many are shown at most, the last one always among them; 0 for all

    def texts(self) -> list[list[str]]:
        """Format every row as it is shown."""
        return [[cell_text(cell) for cell in row] for row in self.rows]

    def folded(self) -> list[list[str]]:
        """Format at most `max_rows` rows: the first ones, one that says how many are left out, and the last."""
        return [list(row) for row in pages.fold_rows(self.texts(), self.max_rows)]

    def _repr_html_(self) -> str:
        title = f"<h3>{escape(self.title)}</h3>" if self.title else ""
        return title + pages.render_table(self.columns, self.texts(), self.text_columns, self.max_rows)


class Result(ABC):
    """What a verb or a lab returns; subclasses are frozen dataclasses of numbers, words and arrays."""

    @property
    def figsize(self) -> tuple[float, float] | None:
        """Width and height of the figure in inches; None where there is nothing to draw."""
        return (9.0, 4.5)

    @abstractmethod
    def sentences(self) -> Sequence[str]:
        """Return what there is to see, most important first."""

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """Return the numbers, in the order in which they are read."""

    def plot(self, figure: Figure) -> None:
        """Draw on an empty matplotlib figure (or a part of one)."""
        raise NotImplementedError

    def frames(self) -> int:
        """Return how many frames the animation has; 0 where nothing moves."""
        return 0

    def plot_frame(self, figure: Figure, frame: int) -> None:
        """Draw one frame of the animation."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return every value in the kinds that JSON has."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a figure (.png, .svg), an animation (.gif), a page (.html) or the data (.json), complete or not at all.

        Raises `ConfigError` when ``path`` ends in none of them, or asks for a figure or an animation where there is
        none; `DiskError` when the disk is full or not writable.
        """
        ending = check_suffix(path, ENDINGS)
        if ending == ".html":
            write_text(path, self.page(Path(path).stem))
        elif ending == ".json":
            write_json(path, self.to_json())
        elif ending == ".gif" and not self.frames():
            raise ConfigError(_("{path}: nothing moves in this result; save it as .png or .html.").format(path=path))
        elif ending == ".gif":
            with atomic_write(path) as temporary:
                temporary.write_bytes(self._animation())
        elif self.figsize is None:
            raise ConfigError(_("{path}: this result has no figure; save it as .html or .json.").format(path=path))
        else:
            save_figure(path, self.figsize, self.plot)

    def page(self, title: str) -> str:
        """Return one HTML page that needs no network: sentences, figure, animation, tables."""
        moving = ""
        if self.frames():
            data = base64.b64encode(self._animation()).decode()
            moving = f'<figure><img alt="{escape(title)}" src="data:image/gif;base64,{data}"></figure>'
        return pages.render_page(title, f"<h1>{escape(title)}</h1>{self._repr_html_()}{moving}")

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        sentences = "".join(f"<p>{escape(text)}</p>" for text in self.sentences())
        figure = "" if self.figsize is None else f"<figure>{render_svg(self.figsize, self.plot)}</figure>"
        tables = "".join(table._repr_html_() for table in self.tables())
        return f"{sentences}{figure}{tables}"

    def _animation(self) -> bytes:
        assert self.figsize is not None
        return render_gif(self.figsize, self.frames(), self.plot_frame)


def cell_text(cell: Cell) -> str:
    """Format a value as a person writes it.

    Examples
    --------
    >>> cell_text(0.1 + 0.2), cell_text(35.0), cell_text(12345678), cell_text("conv1"), cell_text(None)
    ('0.3', '35', '12,345,678', 'conv1', '–')
    """
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | np.integer):
        return f"{cell:,}"
    return f"{cell:.6g}"


def to_plain(value: Any) -> Any:
    """Convert ``value`` into the kinds that JSON has; NaN and infinity become None.

    Examples
    --------
    >>> to_plain({"n": np.int64(3), "values": np.array([0.5, np.nan])})
    {'n': 3, 'values': [0.5, None]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): to_plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
