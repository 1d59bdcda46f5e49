"""Several models trained on one split, and the table of how good each turned out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from discern.errors import ConfigError, DiscernError
from discern.evaluation.intervals import interval_text
from discern.i18n import _
from discern.notices import Notice
from discern.progress import Reporter
from discern.result import Cell, Result, Table
from discern.runs.request import TrainRequest, prepare_request
from discern.runs.run import Run
from discern.runs.train import run_training


@dataclass(frozen=True)
class Leaderboard(Result):
    """The finished runs, the best first, and the models that failed."""

    figsize = None

    runs: tuple[Run, ...]  # by the score of their task on the held-out split, then by time
    failed: Mapping[str, str]  # model -> reason

    def rows(self) -> list[dict[str, Any]]:
        """Return model, split, scores with the interval of the first, n, seconds and run of each."""
        rows = []
        for run in self.runs:
            result, metrics = run.result, run.evaluate()
            facts = {"model": result["model"], "split": metrics.split, **metrics.summarize()}
            rows.append({**facts, "seconds": result["seconds"], "run": result["run"]})
        return rows

    def sentences(self) -> list[str]:
        message = _("The same {examples} for all.")
        failed = _("{model} failed: {reason}")
        failures = [failed.format(model=model, reason=reason) for model, reason in self.failed.items()]
        return [message.format(examples=self.runs[0].evaluate().examples), *failures]

    def tables(self) -> list[Table]:
        titles = self.runs[0].task.score_titles()
        first, *others = self.runs[0].evaluate().scores
        columns = [_("model"), _("run"), titles[first], _("95 % CI"), *(titles[name] for name in others), _("seconds")]
        rows: list[list[Cell]] = []
        for run in self.runs:
            result, metrics = run.result, run.evaluate()
            scores = [f"{metrics.scores[first]:.4f}", interval_text(metrics.interval)]
            scores += [f"{metrics.scores[name]:.4g}" for name in others]
            rows.append([result["model"], result["run"], *scores, f"{result['seconds']:,.2f}"])
        return [Table("", columns, rows, text_columns=2)]

    def to_json(self) -> dict[str, Any]:
        return {"runs": self.rows(), "failed": dict(self.failed)}


class Deduplicated(Reporter):
    """Hands on what happens, but each notice once: all the models have the same split."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.reported: set[str] = set()

    def event(self, event: dict[str, Any]) -> None:
        key = repr(event) if event["event"] == "notice" else ""
        if key not in self.reported:
            self.reporter.event(event)
        self.reported |= {key} - {""}

    def progress(self, what: str, done: int, total: int) -> None:
        self.reporter.progress(what, done, total)

    def close(self) -> None:
        self.reporter.close()


def train_models(requests: Mapping[str, TrainRequest], out: Path | None, reporter: Reporter) -> Leaderboard:
    """Train each model of ``requests``, all on the split of the first; a model that fails does not stop the others."""
    reporter = Deduplicated(reporter)
    data = prepare_request(next(iter(requests.values())), reporter).data
    runs: list[Run] = []
    failed: dict[str, str] = {}
    for i, (model, request) in enumerate(requests.items(), 1):
        reporter.notice(Notice("runs.model_of_many", {"model": model, "i": i, "n": len(requests)}))
        place = None if out is None else out / re.sub(r"[^\w.-]+", "-", model)
        try:
            runs.append(run_training(replace(request, data=data, out=place), reporter))
        except DiscernError as error:
            failed[model] = str(error)
            reporter.notice(Notice("runs.model_failed", {"model": model, "reason": str(error)}))
    if not runs:
        raise ConfigError(_("Every model failed: {reasons}").format(reasons=" ".join(failed.values())))
    return Leaderboard(tuple(sorted(runs, key=_rank)), failed)


def _rank(run: Run) -> tuple[float, float]:
    return -run.evaluate().scores[run.task.ranking_key], run.result["seconds"]
