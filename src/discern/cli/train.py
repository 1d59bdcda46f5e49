"""How `discern train` goes: one model, or several on one split."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from discern.cli.app import emit
from discern.cli.show import line, show_result, table
from discern.cli.watch import JsonLines
from discern.display import display
from discern.errors import ConfigError
from discern.i18n import _
from discern.progress import Watcher

if TYPE_CHECKING:  # it loads torch, and a table of words needs none
    from discern.api.board import Board


def train(data: str | None, model: str, asked: dict[str, Any], as_json: bool) -> None:
    """Train ``model``, or each of several that commas join; ``asked`` as `discern.train` takes it.

    Raises
    ------
    typer.Exit
        After Ctrl-C.
    """
    import discern
    from discern.training.interrupt import Interrupted

    watch: Watcher = JsonLines(display()) if as_json else display()
    try:
        if "," in model:
            board = _several(data, model, asked, watch)
            emit(board.to_json()) if as_json else show_board(board)
            return
        run = discern.train(data, model, **asked, watch=watch)
    except Interrupted as stopped:
        sentence = _("Stopped; everything is saved. Go on with: discern train --resume {run}")
        print(sentence.format(run=stopped), file=sys.stderr)
        raise typer.Exit(130) from None
    if os.environ.get("RANK", "0") != "0":  # torchrun's other processes
        return
    emit(run.result) if as_json else show_result(run)


def _several(data: str | None, names: str, asked: dict[str, Any], watch: Watcher) -> Board:
    import discern

    if asked["resume"] or asked["code"] or data is None:
        raise ConfigError(_("Several models at once need DATA, and go without --resume and --code."))
    if asked["pretrained"] and asked["weights"]:
        raise ConfigError(_("--pretrained and --weights both say what to start from: give one of them."))
    start = {"weights": "official" if asked["pretrained"] else asked["weights"], "tune": asked["tune"]}
    return discern.train_several(
        data,
        [name.strip() for name in names.split(",")],
        asked["epochs"],
        asked["seed"],
        asked["features"],
        asked["out"],
        {**asked["settings"], **start},
        watch,
    )


def show_board(board: Board) -> None:
    """A line a model, the best first."""
    rows = [
        (row["model"], f"{row['top1']:.4f}", _interval(*row["interval"]), f"{row['seconds']:.2f}", row["run"])
        for row in board.rows()
    ]
    parts = {"test": _("test accuracy"), "validation": _("validation accuracy")}
    first = board.rows()[0]
    line(_("The same {n} pictures for all:").format(n=first["n"]))
    titles = (_("model"), parts[first["part"]], _("interval at 95 %"), _("seconds"), _("run"))
    table(titles, rows, left=(0, 4), whole=True)
    for model, reason in board.failed.items():
        line(f"{model}: {reason}")


def _interval(low: float, high: float) -> str:
    return _("{low:.4f} to {high:.4f}").format(low=low, high=high)
