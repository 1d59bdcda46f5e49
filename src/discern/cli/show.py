"""How results look in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from discern.i18n import _

if TYPE_CHECKING:  # they load torch, and a table of words needs none
    from discern.api.run import Run
    from discern.classifier.classifier import Prediction

console = Console(highlight=False)
WIDE = 200  # columns of a table that is shown whole


def show_data(found: dict[str, Any]) -> None:
    """Classes by part, sizes, and what the audit found."""
    sentence = _("{name}: {n} pictures in {classes} classes, {width:.0f} x {height:.0f} pixels in the middle.")
    width, height = found["sizes"]["median"]
    line(sentence.format(name=found["name"], n=found["n"], classes=len(found["classes"]), width=width, height=height))
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
    table((_("class"), _("pictures"), _("training"), _("validation"), _("test")), [*rows, totals])
    if found["split"]["aside"]:
        line(_("{n} pictures have no label and are kept aside.").format(n=found["split"]["aside"]))
    for note in found["notes"]:
        line("· " + note)
    findings = found["audit"]["findings"]
    line(_("The audit found nothing.") if not findings else _("The audit found:"))
    for finding in findings:
        line("· " + finding["sentence"])


def show_result(run: Run) -> None:
    """What came out of training, and what to type next."""
    result = run.result
    metrics = run.evaluate()
    name = _("test") if result["test"] else _("validation")
    sentence = _("{name} accuracy {top1:.4f} on {n} pictures ({low:.4f} to {high:.4f} at 95 %).")
    low, high = metrics.interval
    line(sentence.format(name=name, top1=metrics.top1, n=metrics.n, low=low, high=high))
    seconds = _("Trained {epochs} epochs in {seconds:.1f} s, {rate:,.0f} pictures/s.")
    if "epochs" not in result:  # a classical model
        seconds = _("Trained in {seconds:.1f} s, {rate:,.0f} pictures/s.")
    rate, epochs = result["images_per_second"], result.get("epochs")
    line(seconds.format(epochs=epochs, seconds=result["seconds"], rate=rate))
    line(_("Run:    {path}").format(path=run.path))
    line(_("Report: {path}").format(path=run.directory.report))
    line(_("Next:   discern predict {path} PICTURE").format(path=run.path))


def show_prediction(found: Prediction) -> None:
    """One picture: its classes, most probable first."""
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
