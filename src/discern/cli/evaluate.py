"""How the quality of a classifier looks in a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from discern.cli.show import line, show_scores, table
from discern.errors import ConfigError
from discern.i18n import _

if TYPE_CHECKING:  # they load torch, and `discern --help` needs none
    from discern.evaluation.metrics import Metrics
    from discern.evaluation.thresholds import Outcome, Threshold


def evaluate(
    run: Path,
    data: str | None,
    positive: str | None,
    miss_cost: float | None,
    least_recall: float | None,
    code: str | None,
    as_json: bool,
) -> None:
    """What `discern evaluate` was asked for: the metrics, and a threshold."""
    import discern
    from discern.evaluation.metrics import Metrics

    if positive is None and (miss_cost is not None or least_recall is not None):
        raise ConfigError(_("--miss-cost and --least-recall choose a threshold: say with --positive for which class."))
    if positive is not None and data is not None:
        raise ConfigError(_("A threshold is chosen and reported on a run's own parts: leave out --data or --positive."))
    metrics = discern.evaluate(run, data, code=code)
    found = positive and discern.choose_threshold(run, positive, miss_cost, least_recall)
    if as_json:
        value = metrics.to_json() | ({"threshold": found.to_json()} if found else {})
        print(json.dumps(value, ensure_ascii=False), flush=True)
        return
    show_metrics(metrics) if isinstance(metrics, Metrics) else show_scores(metrics)
    if found:
        line("")
        show_threshold(found)


def show_metrics(metrics: Metrics) -> None:
    """Accuracy with its interval, the other numbers with theirs, and a line a class."""
    from discern.evaluation.report.tables import class_cells, interval, number

    sentence = _("top-1 {top1:.4f}  top-5 {top5:.4f}  loss {loss:.4f}  n {n}  {low:.4f} to {high:.4f} at 95 %")
    low, high = metrics.interval
    line(sentence.format(top1=metrics.top1, top5=metrics.top5, loss=metrics.loss, n=metrics.n, low=low, high=high))
    titles = {
        "balanced_accuracy": _("balanced accuracy"),
        "macro_f1": _("macro F1"),
        "weighted_f1": _("weighted F1"),
        "roc_auc": _("ROC-AUC"),
        "average_precision": _("average precision"),
        "brier": _("Brier score"),
        "calibration_error": _("calibration error"),
    }
    rows = [(title, number(metrics.summary[name]), interval(metrics.intervals[name])) for name, title in titles.items()]
    table(("", _("n {n}").format(n=metrics.n), _("95 %")), rows)
    line("")
    table(*class_cells(metrics))


def show_threshold(found: Threshold) -> None:
    """From which probability on to call it, and what that comes to on pictures that did not choose it."""
    if found.recall is not None:
        sentence = _(
            "Call it {positive} from {value:.4f} on: the highest that finds {recall:.1%} of validation (n {n})."
        )
    else:
        sentence = _(
            "Call it {positive} from {value:.4f} on: the least cost on validation (n {n}), where a miss costs {cost:g} "
            "false alarms."
        )
    line(
        sentence.format(
            positive=found.positive,
            value=found.value,
            recall=found.recall,
            cost=found.miss_cost,
            n=found.validation.n,
        )
    )
    titles = [_("on test"), _("recall"), _("95 %"), _("precision"), _("95 %"), _("misses"), _("false alarms"), _("n")]
    rows = [_outcome(found, each) for each in (found.test, found.usual)]
    table([*titles, _("cost")] if found.miss_cost is not None else titles, rows, whole=True)


def _outcome(found: Threshold, each: Outcome) -> list[str]:
    from discern.evaluation.report.tables import interval, number

    cells = [
        _("from {value:.4f}").format(value=each.threshold),
        number(each.recall),
        interval(each.recall_interval),
        number(each.precision),
        interval(each.precision_interval),
        str(each.misses),
        str(each.false_alarms),
        str(each.n),
    ]
    return [*cells, f"{each.cost(found.miss_cost):.4f}"] if found.miss_cost is not None else cells
