"""The report's tables: the numbers, the classes, the network, the split, the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from discern.evaluation.metrics import Interval, Metrics
from discern.i18n import _
from discern.models.summary import Summary
from discern.pages import table

MANY = 20  # classes, from which on the table of classes begins with the worst
LISTED = 50  # names of pictures below a finding


def number(value: float | None) -> str:
    """Four digits, or a dash where there is none, for a page or a terminal."""
    return "–" if value is None else f"{value:.4f}"


def interval(bounds: Interval) -> str:
    """From where to where, or a dash."""
    return "–" if bounds is None else f"{bounds[0]:.3f} – {bounds[1]:.3f}"


def numbers(metrics: Metrics) -> str:
    """Every number of the whole part with its interval."""
    titles = {
        "top1": _("accuracy (top-1)"),
        "top5": _("top-5 accuracy"),
        "balanced_accuracy": _("balanced accuracy"),
        "macro_precision": _("macro precision"),
        "macro_recall": _("macro recall"),
        "macro_f1": _("macro F1"),
        "weighted_f1": _("weighted F1"),
        "roc_auc": _("ROC-AUC"),
        "average_precision": _("average precision"),
        "log_loss": _("log loss"),
        "brier": _("Brier score"),
        "calibration_error": _("calibration error"),
    }
    found = {"top1": metrics.top1, "top5": metrics.top5, **metrics.summary}
    if len(metrics.classes) <= 5:  # then it is 1
        del titles["top5"]
    rows = [(title, number(found[name]), interval(metrics.intervals[name])) for name, title in titles.items()]
    return table((_("n {n}").format(n=metrics.n), "", _("95 %")), rows)


def per_class(metrics: Metrics) -> str:
    """A row a class; of many classes those found least often first."""
    titles, rows = class_cells(metrics)
    if len(rows) > MANY:
        recalls = [row["recall"] for row in metrics.per_class().values()]
        rows = [rows[place] for place in sorted(range(len(rows)), key=recalls.__getitem__)]
    return tall(titles, rows)


def class_cells(metrics: Metrics) -> tuple[list[str], list[list[str]]]:
    """Titles, and a row of texts for each class, for a page or a terminal."""
    titles = [_("class"), _("precision"), _("recall"), _("95 %"), _("F1"), _("ROC-AUC"), _("average precision"), _("n")]
    rows = [
        [
            name,
            f"{row['precision']:.3f}",
            f"{row['recall']:.3f}",
            interval(row["recall_interval"]),
            f"{row['f1']:.3f}",
            number(row["roc_auc"]),
            number(row["average_precision"]),
            f"{row['support']:.0f}",
        ]
        for name, row in metrics.per_class().items()
    ]
    return titles, rows


def tall(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls by itself in height, too."""
    return f'<div class="tall">{table(titles, rows)}</div>'


def search(found: Mapping[str, Any]) -> str:
    """The settings that were tried, the best first, each with its score over the folds."""
    sentence = _("Settings chosen by {cv}-fold cross-validation on the training part (n {n}).")
    rows = []
    for tried in found["tried"]:
        chosen = ", ".join(f"{name}={value}" for name, value in tried["settings"].items())
        rows.append((chosen, number(tried["mean"]), number(tried["std"])))
    titles = (_("settings"), _("mean {score}").format(score=found["score"]), _("standard deviation"))
    return _lines([sentence.format(cv=found["cv"], n=f"{found['n']:,}")]) + tall(titles, rows)


def layers(summary: Summary) -> str:
    """The network, layer by layer, folded away."""
    titles, *rows = summary.rows()
    return _folded(_("Every layer"), tall(titles, rows)) + _lines(summary.totals())


def split(found: Mapping[str, Any]) -> str:
    """How many pictures of each class are in each part, and why."""
    parts = {"train": _("training"), "validation": _("validation"), "test": _("test")}
    by_class = found.get("classes", {})
    counts = found.get("counts", {})
    rows = [(name, *(str(row.get(part, 0)) for part in parts)) for name, row in by_class.items()]
    rows.append((_("together"), *(str(counts.get(part, 0)) for part in parts)))
    seed = _("The seed of the split is {seed}.").format(seed=found["seed"])
    return _lines([*found.get("notes", []), seed]) + tall((_("class"), *parts.values()), rows) + _why(found)


def _why(found: Mapping[str, Any]) -> str:
    """How many pictures are where they are for which reason."""
    places: dict[tuple[str, int], int] = {}
    for part, reason in found.get("pictures", {}).values():
        places[part, reason] = places.get((part, reason), 0) + 1
    names = {
        "train": _("training"),
        "validation": _("validation"),
        "test": _("test"),
        "aside": _("kept aside"),
        "out": _("left out"),
    }
    told = [
        (f"{names[part]}: {found['reasons'][reason]['meaning']}", str(n))
        for (part, reason), n in sorted(places.items(), key=lambda place: list(names).index(place[0][0]))
    ]
    return table((_("why they are there"), _("n")), told)


def settings(facts: Mapping[str, Any]) -> str:
    """Everything resolved, folded away."""
    rows = tall((_("setting"), ""), [(name, str(value)) for name, value in facts.items()])
    return _folded(_("All settings"), f'<div class="facts">{rows}</div>')


def findings(found: Sequence[Mapping[str, Any]]) -> str:
    """What the audit found, the worst first; the pictures meant are folded away."""
    words = {"error": _("error"), "warning": _("warning"), "note": _("note")}
    rows = []
    for each in found:
        names = "".join(f"<li>{escape(path)}</li>" for path in each["paths"][:LISTED])
        more = _("and {n} more in audit.json").format(n=len(each["paths"]) - LISTED)
        names += f"<li>{escape(more)}</li>" if len(each["paths"]) > LISTED else ""
        which = _folded(_("Which"), f"<ul>{names}</ul>") if names else ""
        rows.append(f"<li><b>{escape(words[each['severity']])}</b> {escape(each['sentence'])}{which}</li>")
    return f"<ul>{''.join(rows)}</ul>" if rows else _lines([_("Nothing.")])


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _lines(sentences: Sequence[str]) -> str:
    return "".join(f'<p class="soft">{escape(sentence)}</p>' for sentence in sentences)
