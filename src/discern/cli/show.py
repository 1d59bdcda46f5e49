"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from discern.i18n import _

if TYPE_CHECKING:  # they load torch, and a table of words needs none
    from discern.api.run import Run
    from discern.classifier.classifier import Estimate, Prediction
    from discern.evaluation.regression import RegressionMetrics

console = Console(highlight=False)
TRIED = 12  # settings of a search that are shown
WIDE = 200  # columns of a table that is shown whole


def show_data(found: dict[str, Any]) -> None:
    """Classes by part, sizes, and what the audit found."""
    if "columns" in found:
        _show_columns(found)
    else:
        sentence = _("{name}: {n} pictures in {classes} classes, {width:.0f} x {height:.0f} pixels in the middle.")
        width, height = found["sizes"]["median"]
        facts = {"name": found["name"], "n": found["n"], "classes": len(found["classes"])}
        line(sentence.format(**facts, width=width, height=height))
    parts = ("train", "validation", "test")
    rows = [
        (name, str(count), *(str(found["split"][part][name]) for part in parts))
        for name, count in found["classes"].items()
    ]
    totals = (
        _("all"),
        str(sum(found["classes"].values())),
        *(str(sum(found["split"][part].values())) for part in parts),
    )
    told = [*rows, totals] if len(rows) > 1 else [totals]
    title = "" if found.get("task") == "regression" else _("class")
    table((title, _("all"), _("training"), _("validation"), _("test")), told)
    if found["split"]["aside"]:
        line(_("{n} have no label and are kept aside.").format(n=found["split"]["aside"]))
    for note in found["notes"]:
        line("· " + note)
    findings = found["audit"]["findings"]
    line(_("The audit found nothing.") if not findings else _("The audit found:"))
    for finding in findings:
        line("· " + finding["sentence"])


def _show_columns(found: dict[str, Any]) -> None:
    """Of a table: what is learnt, and the range of each column."""
    if found["task"] == "regression":
        sentence = _("{name}: {n} rows of {columns} columns, from which to learn the number {target}.")
    else:
        sentence = _("{name}: {n} rows of {columns} columns, from which to learn {target} ({classes} classes).")
    facts = {"name": found["name"], "n": found["n"], "columns": len(found["columns"]), "target": found["target"]}
    line(sentence.format(**facts, classes=len(found["classes"])))
    rows = [
        (name, *(f"{row[each]:.4g}" for each in ("least", "median", "most"))) for name, row in found["columns"].items()
    ]
    table((_("column"), _("least"), _("median"), _("most")), rows)


def show_result(run: Run) -> None:
    """What came out of training, and what to type next."""
    from discern.evaluation.metrics import Metrics

    result = run.result
    metrics = run.evaluate()
    name = _("test") if result["test"] else _("validation")
    things = _("rows") if run.of_table else _("pictures")
    if isinstance(metrics, Metrics):
        sentence = _("{name} accuracy {top1:.4f} on {n} {things} ({low:.4f} to {high:.4f} at 95 %).")
        low, high = metrics.interval
        line(sentence.format(name=name, top1=metrics.top1, n=metrics.n, things=things, low=low, high=high))
    else:
        line(_("{name} part, n {n}, {target}:").format(name=name, n=metrics.n, target=metrics.target))
        show_scores(metrics)
    sentence = _("Trained {epochs} epochs in {seconds:.1f} s, {rate:,.0f} {things}/s.")
    if "epochs" not in result:  # a classical model
        sentence = _("Trained in {seconds:.1f} s, {rate:,.0f} {things}/s.")
    rate, epochs = result["images_per_second"], result.get("epochs")
    line(sentence.format(epochs=epochs, seconds=result["seconds"], rate=rate, things=things))
    if run.search:
        show_search(run.search)
    line(_("Run:    {path}").format(path=run.path))
    line(_("Report: {path}").format(path=run.directory.report))
    following = (
        _("Next:   discern predict {path} ROWS.csv") if run.of_table else _("Next:   discern predict {path} PICTURE")
    )
    line(following.format(path=run.path))


def show_scores(metrics: RegressionMetrics) -> None:
    """Each score of a regression with its interval."""
    table(("", _("n {n}").format(n=metrics.n), _("95 %")), metrics.rows())


def show_search(found: dict[str, Any]) -> None:
    """The settings that were tried, the best first, each with its score over the folds."""
    sentence = _("Tried by {cv}-fold cross-validation on the training part (n {n}), mean ± standard deviation:")
    line(sentence.format(cv=found["cv"], n=found["n"]))
    tried = found["tried"]
    rows = [(*map(str, row["settings"].values()), _score(row["mean"], row["std"])) for row in tried[:TRIED]]
    table((*tried[0]["settings"], found["score"]), rows, left=range(len(tried[0]["settings"])))
    if len(tried) > TRIED:
        line(_("and {n} more, in {path}").format(n=len(tried) - TRIED, path="metrics.json"))


def _score(mean: float | None, std: float | None) -> str:
    return _("could not be fitted") if mean is None or std is None else f"{mean:.4f} ± {std:.4f}"


def show_prediction(found: Prediction | Estimate) -> None:
    """One picture or row: its classes, most probable first, or its number."""
    from discern.classifier.classifier import Estimate

    if isinstance(found, Estimate):
        line(f"{found.path}  {found.target} {found.value:.6g}")
        return
    line(f"{found.path}  " + "  ".join(f"{label} {probability:.3f}" for label, probability in found.top))


def show_doctor(facts: dict[str, Any]) -> None:
    """A line a fact."""
    titles = {
        "machine": _("machine"),
        "device": _("device"),
        "packages": _("packages"),
        "probe": _("speed of resnet18 at 32x32"),
        "data": _("data is looked for in"),
        "weights": _("weights are looked for in"),
        "cache": _("cache"),
    }
    for key, value in facts.items():
        group = titles[key]
        if isinstance(value, dict):
            line(f"{group}:")
            for name, fact in value.items():
                line(f"  {name}: {', '.join(fact) or '-' if isinstance(fact, list) else fact}")
        else:
            line(f"{group}: {value}")


def line(text: str) -> None:
    """One line of text as it is: no markup, not cut."""
    console.print(text, markup=False, soft_wrap=True)


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int] = (0,), whole: bool = False
) -> None:
    """A table without frames; columns in ``left`` are words, the others numbers; ``whole`` if no cell may be folded."""
    grid = Table(box=None, pad_edge=False)
    for i, title in enumerate(titles):
        grid.add_column(title, justify="left" if i in left else "right", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    (Console(highlight=False, width=WIDE) if whole else console).print(grid, markup=False)
