"""How an explanation looks in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from discern.cli.show import line, table
from discern.errors import ConfigError
from discern.i18n import _

if TYPE_CHECKING:  # they load torch
    from discern.explain.arithmetic import Arithmetic
    from discern.explain.channels import Channels
    from discern.explain.nearest import Nearest
    from discern.explain.result import Explanation, HeatMap


def parse_cell(text: str | None) -> tuple[int, int, int] | None:
    """``3,10,12`` -> (3, 10, 12).

    Raises
    ------
    ConfigError
        When it is not three whole numbers.
    """
    if text is None:
        return None
    try:
        channel, row, column = (int(part) for part in text.split(","))
    except ValueError as error:
        sentence = _("The cell {text} is not three whole numbers: write CHANNEL,ROW,COLUMN, such as 3,10,12.")
        raise ConfigError(sentence.format(text=text)) from error
    return channel, row, column


def show_explanation(found: Explanation, saved: Path | None) -> None:
    """Its numbers, and where its drawing is."""
    from discern.explain.arithmetic import Arithmetic
    from discern.explain.channels import Channels
    from discern.explain.embedding import Embedding
    from discern.explain.nearest import Nearest
    from discern.explain.result import HeatMap, Sheet

    if isinstance(found, HeatMap):
        _show_maps((found,))
    elif isinstance(found, Sheet):
        _show_maps(found.maps)
        for method, sentence in found.left_out:
            line(f"· {method}: {sentence}")
    elif isinstance(found, Channels):
        _show_channels(found)
    elif isinstance(found, Embedding):
        line(found.sentence())
    elif isinstance(found, Nearest):
        _show_nearest(found)
    elif isinstance(found, Arithmetic):
        _show_arithmetic(found)
    if saved is not None:
        line(_("Drawing: {path}").format(path=saved))
    else:
        line(_("To see it, add: --save F.png"))


def _show_maps(maps: tuple[HeatMap, ...]) -> None:
    first = maps[0]
    line(_("{label}, probability {probability:.3f}").format(label=first.label, probability=first.probability))
    rows = [
        (m.method, m.layer or "-", f"{m.faithfulness.deletion:.3f}", f"{m.faithfulness.insertion:.3f}") for m in maps
    ]
    table((_("method"), _("layer"), _("deletion"), _("insertion")), rows, left=(0, 1))
    sentence = _("Areas under the curves in {steps} steps (RISE): deletion better low, insertion better high.")
    line(sentence.format(steps=first.faithfulness.steps))


def _show_channels(found: Channels) -> None:
    line(found.sentence())
    rows = [(str(number), f"{value:.4f}") for number, value in zip(found.channels, found.strength, strict=True)]
    table((_("channel"), _("strength")), rows)


def _show_nearest(found: Nearest) -> None:
    line(_("{label}, probability {probability:.3f}").format(label=found.label, probability=found.probability))
    rows = zip(found.paths, found.labels, (f"{value:.4f}" for value in found.likeness), strict=True)
    table((_("training picture"), _("class"), _("cosine")), list(rows), left=(0, 1))


def _show_arithmetic(found: Arithmetic) -> None:
    channel, row, column = found.cell
    sentence = _("{layer}: channel {channel}, row {row}, column {column}, out of {n} products")
    line(sentence.format(layer=found.layer, channel=channel, row=row, column=column, n=found.products.size))
    rows = [
        (str(i), *(f"{part[i].flat[j]:.5f}" for part in (found.patch, found.kernel, found.products)))
        for i in range(min(len(found.patch), 3))
        for j in range(found.patch[i].size)
    ]
    table((_("input channel"), _("input"), _("weight"), _("product")), rows)
    if len(found.patch) > 3:
        line(_("... and {n} more input channels; all are in --json.").format(n=len(found.patch) - 3))
    line(_("sum + bias = value  →  what comes after: {line}").format(line=found.sentence()))
    line(_("The network's own number: {value:.5f}").format(value=found.network))
