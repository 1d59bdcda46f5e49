"""What a lab gives: every intermediate value as data; sentences, tables and drawings are made from it."""

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
from discern.figures import check_ending, gif, save_figure, svg
from discern.files import replacing, write_json, write_text
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".gif", ".html", ".json")

Cell = str | int | float


@dataclass(frozen=True)
class Table:
    """Numbers under titles.

    Attributes
    ----------
    title : str
        What it shows.
    columns : sequence of str
        Titles of the columns.
    rows : sequence of sequence of str, int or float
        Floats are shown with at most six significant digits; nothing is rounded in the data.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def texts(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[cell_text(cell) for cell in row] for row in self.rows]

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return f"<h3>{escape(self.title)}</h3>{pages.table(self.columns, self.texts())}"


class Result(ABC):
    """The steps and the outcome of a lab; subclasses are frozen dataclasses of numbers, words and arrays."""

    inches: tuple[float, float] = (9.0, 4.5)  # of the figure that is saved

    @abstractmethod
    def sentences(self) -> Sequence[str]:
        """What there is to see, most important first."""

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """The steps, in their order."""

    @abstractmethod
    def plot(self, figure: Figure) -> None:
        """Draw on an empty matplotlib figure (or a part of one)."""

    def frames(self) -> int:
        """How many pictures its animation has; 0 where nothing moves."""
        return 0

    def plot_frame(self, figure: Figure, frame: int) -> None:
        """Draw one picture of the animation."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Every value, for programs."""
        assert dataclasses.is_dataclass(self)
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a figure (.png, .svg), an animation (.gif), a page (.html) or the data (.json), whole or not at all.

        Raises
        ------
        ConfigError
            When ``path`` ends in none of them, or is to be an animation where nothing moves.
        DiskError
            When the disk is full or may not be written.
        """
        match check_ending(path, ENDINGS):
            case ".html":
                write_text(path, self.page(Path(path).stem))
            case ".json":
                write_json(path, self.to_json())
            case ".gif":
                if not self.frames():
                    sentence = _("Nothing moves in this lab: save {path} as .png or .html.")
                    raise ConfigError(sentence.format(path=path))
                with replacing(path) as temporary:
                    temporary.write_bytes(self._animation())
            case _:
                save_figure(path, self.inches, self.plot)

    def page(self, title: str) -> str:
        """One HTML page that needs no network: sentences, figure, animation, tables."""
        moving = ""
        if self.frames():
            data = base64.b64encode(self._animation()).decode()
            moving = f'<figure><img alt="{escape(title)}" src="data:image/gif;base64,{data}"></figure>'
        return pages.page(title, f"<h1>{escape(title)}</h1>{self._repr_html_()}{moving}")

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        told = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        tables = "".join(shown._repr_html_() for shown in self.tables())
        return f"{told}<figure>{svg(self.inches, self.plot)}</figure>{tables}"

    def _animation(self) -> bytes:
        return gif(self.inches, self.frames(), self.plot_frame)


def cell_text(cell: Cell) -> str:
    """A number as a person writes it.

    Examples
    --------
    >>> cell_text(0.1 + 0.2), cell_text(35.0), cell_text(12345678), cell_text("conv1")
    ('0.3', '35', '12,345,678', 'conv1')
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int | np.integer):
        return f"{cell:,}"
    return f"{cell:.6g}"


def _plain(value: Any) -> Any:
    """``value`` in the kinds that JSON has; what is not a number is null there."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
