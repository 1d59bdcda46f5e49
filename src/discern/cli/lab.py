"""Labs in a terminal: options made from the lab's own, tables and sentences of what came out."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from discern.cli.show import line, table
from discern.figures import check_ending
from discern.i18n import _

MOST_ROWS = 40  # of a table in a terminal; the rest is in --json and --save


def show_labs() -> None:
    """What labs there are."""
    import discern

    table((_("lab"), _("what it shows")), list(discern.list_labs().items()), left=(0, 1))
    line(_("discern lab NAME --help lists the options of one, discern lab NAME works a lecture's example."))


def run_lab(name: str, arguments: Sequence[str]) -> None:
    """What `discern lab NAME` was asked for."""
    from discern.lab.table import summary

    inner = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    inner.command(help=summary(name), context_settings={"help_option_names": ["-h", "--help"]})(_command(name))
    inner(args=list(arguments), prog_name=f"discern lab {name}")


def _command(name: str) -> Any:
    """A function with a parameter for each of the lab's options, for typer to read."""
    from discern.lab.options import written
    from discern.lab.table import options

    parameters = []
    for option in options(name):
        flag = "--" + option.name.replace("_", "-")
        told = option.help if option.default is None else f"{option.help} [{written(option.default)}]"
        if option.flag:
            declared: Any = typer.Option(f"{flag}/--no-{flag[2:]}", help=told, show_default=False)
        else:
            declared = typer.Option(flag, metavar=option.metavar, help=told)
        kind: Any = Annotated[bool | None, declared] if option.flag else Annotated[str | None, declared]
        parameters.append(inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind))
    save = Annotated[Path | None, typer.Option("--save", metavar="F", help=_("A .png, .svg, .gif, .html or .json."))]
    as_json = Annotated[bool, typer.Option("--json", help=_("Print lines for programs on stdout."))]
    parameters.append(inspect.Parameter("save", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=save))
    parameters.append(inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=as_json))

    def command(save: Path | None, as_json: bool, **given: Any) -> None:
        _show(name, {option: value for option, value in given.items() if value is not None}, save, as_json)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _show(name: str, given: dict[str, Any], save: Path | None, as_json: bool) -> None:
    import discern
    from discern.lab.result import ENDINGS

    if save is not None:
        check_ending(save, ENDINGS)
    found = discern.lab(name, **given)
    if save is not None:
        found.save(save)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False), flush=True)
        return
    for shown in found.tables():
        line(shown.title)
        texts = shown.texts()
        words = [i for i in range(len(shown.columns)) if any(isinstance(row[i], str) for row in shown.rows)]
        table(shown.columns, texts[:MOST_ROWS], left=words, whole=True)
        if len(texts) > MOST_ROWS:
            line(_("... and {n} more rows; all are in --json.").format(n=len(texts) - MOST_ROWS))
        line("")
    for sentence in found.sentences():
        line(sentence)
    line(_("Saved:  {path}").format(path=save) if save is not None else _("To see it, add: --save F.png"))
