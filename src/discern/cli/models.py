"""How networks look in a terminal: the list of them, one in detail, several side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from discern.cli.show import console, line
from discern.errors import ModelError
from discern.i18n import _

if TYPE_CHECKING:  # they load torch, which the list needs not
    from discern.api.compare_models import Comparison
    from discern.api.models import Description
    from discern.models.summary import Summary

NARROW = 100  # columns below which a comparison leaves one blank between its columns


def models(names: Sequence[str], size: int | None, layers: bool, compare: bool, time: bool, as_json: bool) -> None:
    """What `discern models` was asked for: the list, each name in turn, or a comparison."""
    if compare or time:
        from discern.api.compare_models import compare_models

        found = compare_models(names, size, time)
        emit(found.to_json()) if as_json else show_comparison(found)
    elif names:
        from discern.api.models import describe, list_classical
        from discern.classical.table import CLASSICAL

        for i, name in enumerate(names):
            if name in CLASSICAL:
                rows = [row for row in list_classical() if row["name"] == name]
                emit(rows[0]) if as_json else show_classical(rows)
                continue
            description = describe(name, size)
            if as_json:
                emit(description.to_json())
                continue
            line("") if i else None
            show_description(description)
            show_layers(description.summary) if layers else None
    elif size is not None or layers:
        raise ModelError(
            _("--size and --layers go with the name of a network, as in: discern models resnet18 --layers.")
        )
    else:
        from discern.api.models import list_classical, list_models

        for row in [*list_models(), *list_classical()] if as_json else ():
            emit(row)
        if not as_json:
            show_list(list_models())
            show_classical(list_classical())
            line(_("More of one: discern models NAME. Side by side: discern models --compare NAME NAME."))


def emit(value: dict[str, Any]) -> None:
    """One line of JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def show_list(rows: Sequence[dict[str, Any]]) -> None:
    """Year and idea once for the networks that share them, then a line a network."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right")
    grid.add_column()
    said = None
    for row in rows:
        if row["idea"] != said:
            said = row["idea"]
            grid.add_row(str(row["year"]), said)
        name, parameters, size = f"{row['name']:<16}", f"{row['parameters']:>12,}", f"{row['size']:>5}"
        sentence = _("{name}{parameters} parameters {size} pixels a side")
        grid.add_row("", sentence.format(name=name, parameters=parameters, size=size))
    console.print(grid, markup=False)


def show_classical(rows: Sequence[dict[str, Any]]) -> None:
    """Year, name, idea and settings of classical models."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right")
    grid.add_column()
    for row in rows:
        settings = "  ".join(f"{name}={value}" for name, value in row["settings"].items())
        grid.add_row(str(row["year"]), f"{row['name']}: {row['idea']}")
        grid.add_row("", settings)
        if len(rows) == 1:
            for name, values in row["ranges"].items():
                grid.add_row("", _("--search grid tries {name}={values}").format(name=name, values=_listed(values)))
    line(_("Classical models, on pixels, color, hog, hand or an embedding (--features):"))
    console.print(grid, markup=False)


def _listed(values: Sequence[Any]) -> str:
    return ",".join(map(str, values))


def show_description(found: Description) -> None:
    """One network: where it comes from, what it costs, and what each stage makes of a picture."""
    title = found.name if found.year is None else f"{found.name} · {found.year}"
    console.print(title, style="bold", markup=False)
    for text in (found.paper, found.idea):
        line(text) if text else None
    line("")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column()
    for label, fact in _facts(found):
        grid.add_row(label, fact)
    console.print(grid, markup=False)
    if found.summary.stages:
        line("")
        show_stages(found)


def _facts(found: Description) -> list[tuple[str, str]]:
    summary = found.summary
    pictures = _("{native} x {native} pixels, channels: {channels}, classes: {classes}").format(
        native=found.native_size, channels=found.channels, classes=f"{found.classes:,}"
    )
    facts = [(_("made for"), pictures)]
    if found.size != found.native_size:
        facts.append((_("shown for"), _("{size} x {size} pixels").format(size=found.size)))
    if summary.total == summary.trainable:
        facts.append((_("parameters"), _("{trainable}, all trainable").format(trainable=f"{summary.trainable:,}")))
    else:
        sentence = _("{trainable} trainable, {total} with the running statistics of batch normalisation")
        numbers = sentence.format(trainable=f"{summary.trainable:,}", total=f"{summary.total:,}")
        facts.append((_("parameters"), numbers))
    if summary.aside:
        aside = _("{aside} of them in auxiliary heads, which only training uses").format(aside=f"{summary.aside:,}")
        facts.append(("", aside))
    cost = _("{multiply_adds} for one picture").format(multiply_adds=f"{summary.multiply_adds:,}")
    facts.append((_("multiply-adds"), cost))
    large = summary.bytes >= 1e6
    facts.append((_("weights file"), f"{summary.bytes / 1e6:,.1f} MB" if large else f"{summary.bytes / 1e3:,.1f} kB"))
    depth = _("{depth}: convolutions and fully connected layers on the longest path").format(depth=summary.depth)
    return [*facts, (_("depth"), depth)]


def show_stages(found: Description) -> None:
    """A line a stage: its map, and how much of the picture one unit of it sees."""
    grid = Table(box=None, pad_edge=False)
    grid.add_column(_("stage"))
    for name in (_("map"), _("channels"), _("stride"), _("receptive field")):
        grid.add_column(name, justify="right")
    stages = found.summary.stages
    for stage in stages:
        sides = "-" if stage.height is None else f"{stage.height} x {stage.width}"
        grid.add_row(stage.name, sides, f"{stage.channels:,}", _known(stage.stride), _known(stage.receptive_field))
    console.print(grid, markup=False)
    if any((stage.receptive_field or 0) > found.size for stage in stages):
        sentence = _("Receptive fields are in pixels a side; one above {size} reaches beyond the picture.")
        line(sentence.format(size=found.size))
    else:
        line(_("Receptive fields are in pixels a side."))
    if found.summary.gated:
        line(_("Gates count for neither depth nor receptive field: they scale a map by what is pooled from all of it."))


def show_layers(summary: Summary) -> None:
    """The lecture's table: whole where it goes into a file, else as much of it as fits."""
    line("")
    line(summary.table(console.width if console.is_terminal else None))


def show_comparison(found: Comparison) -> None:
    """A line a network, and what the speed was measured on."""
    rows = found.rows()
    sizes = len({row["size"] for row in rows}) > 1
    titles = [_("parameters"), _("million mult-adds"), _("MB"), _("depth"), _("receptive field")]
    titles = [*([_("pixels")] if sizes else []), *titles]
    titles += [_("ms a picture"), _("training pictures/s")] if found.timings else []
    grid = Table(box=None, pad_edge=False, padding=(0, 1 if console.width < NARROW else 2, 0, 0))
    grid.add_column(_("name"), no_wrap=True)
    for title in titles:
        grid.add_column(title, justify="right")
    for row in rows:
        cells = [
            f"{row['parameters']:,}",
            f"{row['multiply_adds'] / 1e6:,.1f}",
            f"{row['bytes'] / 1e6:,.1f}",
            str(row["depth"]),
            _known(row["receptive_field"]),
        ]
        cells = [*([str(row["size"])] if sizes else []), *cells]
        cells += [f"{row['latency_ms']:,.2f}", f"{row['pictures_per_second']:,.0f}"] if found.timings else []
        grid.add_row(row["name"], *cells)
    console.print(grid, markup=False)
    if not sizes:
        line(_("Pictures of {size} x {size} pixels; channels and classes as published.").format(size=rows[0]["size"]))
    else:
        line(_("Each with pictures of its own size; channels and classes as published."))
    if found.timings:
        line(_machine(found.machine))


def _machine(facts: dict[str, Any]) -> str:
    from discern.models.timing import BATCH

    where = facts.get("gpu") if facts["device"] != "cpu" else facts["processor"]
    sentence = _(
        "Measured on {where} (threads: {threads}), float32, torch {torch}: medians, each network in turn; training is "
        "forward, backward and step with {batch} pictures."
    )
    return sentence.format(where=where or facts["device"], threads=facts["threads"], torch=facts["torch"], batch=BATCH)


def _known(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
