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
    from discern.api.run import Run
    from discern.training.interrupt import Interrupted

    watch: Watcher = JsonLines(display()) if as_json else display()
    try:
        outcome = (
            _several(data, model, asked, watch) if "," in model else discern.train(data, model, **asked, watch=watch)
        )
    except Interrupted as stopped:
        sentence = _("Stopped; everything is saved. Go on with: discern train --resume {run}")
        print(sentence.format(run=stopped), file=sys.stderr)
        raise typer.Exit(130) from None
    if os.environ.get("RANK", "0") != "0":  # torchrun's other processes
        return
    if isinstance(outcome, Run):
        emit(outcome.result) if as_json else show_result(outcome)
    else:
        emit(outcome.to_json()) if as_json else show_board(outcome)


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
        asked["search"],
        asked["cv"],
        asked["target"],
        asked["out"],
        {**asked["settings"], **start},
        watch,
    )


def show_board(board: Board) -> None:
    """A line a model, the best first."""
    found = board.rows()
    errors = ("mae", "rmse") if "r2" in found[0] else ()
    rows = [
        (
            row["model"],
            f"{row['r2' if errors else 'top1']:.4f}",
            _interval(*row["interval"]) if row["interval"] else "-",
            *(f"{row[name]:.4g}" for name in errors),
            f"{row['seconds']:.2f}",
            row["run"],
        )
        for row in found
    ]
    scores = {"test": _("test accuracy"), "validation": _("validation accuracy")}
    if errors:
        scores = {"test": _("test R2"), "validation": _("validation R2")}
    things = _("rows") if board.runs[0].of_table else _("pictures")
    line(_("The same {n} {things} for all:").format(n=found[0]["n"], things=things))
    titles = (_("model"), scores[found[0]["part"]], _("interval at 95 %"), *errors, _("seconds"), _("run"))
    table(titles, rows, left=(0, len(titles) - 1), whole=True)
    for model, reason in board.failed.items():
        line(f"{model}: {reason}")


def _interval(low: float, high: float) -> str:
    return _("{low:.4f} to {high:.4f}").format(low=low, high=high)
