"""The words that Typer says by itself, in the reader's language."""

from __future__ import annotations

import gettext
import os
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from discern.i18n import DOMAIN, LOCALE_FOLDER, N_, _, language

UsageError: Any = typer.BadParameter.__base__  # its home differs between versions of Typer
WORDS = (  # what Typer asks gettext for; listed here to be in the catalogue
    N_("Arguments"),
    N_("Options"),
    N_("Commands"),
    N_("required"),
    N_("default: {default}"),
    N_("No such command {name!r}."),
)
MESSAGES = (  # what Typer says in English alone
    N_("[OPTIONS]"),
    N_("COMMAND [ARGS]..."),
    N_("No such option: {name} (Possible options: {names})"),
    N_("No such option: {name}"),
    N_("Missing argument {name}."),
    N_("Missing option {name}."),
    N_("Option {name} requires an argument."),
    N_("Option {name} does not take a value."),
    N_("Got unexpected extra argument(s) ({arguments})"),
    N_("Invalid value for {name}: {reason}"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Input should be a valid number, unable to parse string as a number"),
    N_("Input should be greater than or equal to {bound}"),
)


def translate(message: str) -> str:
    """Translate what Typer says, whatever names and values stand in it.

    Examples
    --------
    >>> translate("Missing argument 'DATA'.")
    "Missing argument 'DATA'."
    """
    for known in MESSAGES:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(known))
        if match := re.fullmatch(pattern, message):
            fields = {name: translate(text) if name == "reason" else text for name, text in match.groupdict().items()}
            return _(known).format(**fields)
    return message


def speak_language() -> None:
    """Have gettext, which Typer asks in the process's own language, answer from discern's catalogue."""
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain(DOMAIN, str(LOCALE_FOLDER))
    gettext.textdomain(DOMAIN)


def describe_misuse(error: Any) -> str:
    """Return what Typer's ``error`` says of a command line, with the usage and how to get help."""
    message = _("Error: {message}").format(message=translate(error.format_message()))
    if error.ctx is None:
        return message
    hint = _("Try '{command} --help' for help.").format(command=error.ctx.command_path)
    return f"{error.ctx.get_usage()}\n{hint}\n\n{message}"


class _Translated:
    """The parts of a command's help that are English in Typer."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = [translate(piece) for piece in self.collect_usage_pieces(ctx)]  # type: ignore[attr-defined]
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_("Usage: "))

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _("Show this message and exit.")
        return option


class Command(_Translated, TyperCommand):
    """A command whose help is all in one language."""


class Group(_Translated, TyperGroup):
    """A group of commands whose help is all in one language."""
