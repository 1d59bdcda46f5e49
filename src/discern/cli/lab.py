"""The command of a lab, with an option for each of the lab's own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import discern
from discern.cli.render import check_out, present, print_line
from discern.cli.words import Command
from discern.i18n import _


def run_lab(name: str, arguments: Sequence[str]) -> None:
    """Parse ``arguments`` of `discern lab NAME`, run the lab and print its result."""
    lab = discern.describe_lab(name)
    inner = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"]}
    inner.command(cls=Command, help=lab.topic, context_settings=settings)(_make_command(lab))
    code = inner(args=list(arguments), prog_name=f"discern lab {name}", standalone_mode=False)
    if code:
        raise typer.Exit(code)


def _make_command(lab: Any) -> Any:
    """Return a function with a parameter for each of the lab's options, for Typer to read."""
    parameters = []
    for option in lab.options:
        kind = bool | None if option.is_flag else str | None
        flag = "--" + option.name.replace("_", "-")
        text = f"{option.help} [{option.default_text}]" if option.default_text else option.help
        if option.is_flag:
            declaration: Any = typer.Option(f"{flag}/--no-{flag[2:]}", help=text, show_default=False)
        else:
            declaration = typer.Option(flag, metavar=option.metavar, help=text)
        parameters.append(_make_parameter(option.name, kind, declaration, None))
    out = typer.Option("--out", metavar="FILE", help=_("Save the result as .png, .svg, .gif, .html or .json."))
    as_json = typer.Option("--json", help=_("Print JSON lines on stdout."))
    parameters += [_make_parameter("out", Path | None, out, None), _make_parameter("as_json", bool, as_json, False)]

    def command(out: Path | None, as_json: bool, **options: Any) -> None:
        check_out(out)
        given = {name: value for name, value in options.items() if value is not None}
        present(discern.lab(lab.name, **given), as_json, out)
        if out is None and not as_json:
            print_line(_("To see the figure, add: --out FILE.png"))

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _make_parameter(name: str, kind: Any, declaration: Any, default: Any) -> inspect.Parameter:
    annotation: Any = Annotated[kind, declaration]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
