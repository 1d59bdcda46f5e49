"""Label Studio: JSON (tasks with their annotations), JSON_MIN, CSV and TSV (one flat record an annotation).

Format: https://labelstud.io/guide/export. An uploaded image is named ``/data/upload/PROJECT/8hex-name.jpg``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.roles import choose_column, find_column
from discern.data.exports.sniff import read_csv_rows, read_json_text
from discern.data.image import is_image_name
from discern.data.locate import plain_path
from discern.notices import Notice

TOOL = "Label Studio"
_OWN = frozenset(
    (
        "id",
        "annotator",
        "annotation_id",
        "created_at",
        "updated_at",
        "lead_time",
        "agreement",
        "history",
        "was_cancelled",
        "completed_by",
    )
)  # fields of a flat record that are not the person's
_REGIONS = ("rectanglelabels", "polygonlabels", "brushlabels", "keypointlabels", "ellipselabels", "labels", "rectangle")


class _Answer(NamedTuple):
    """One annotation: the data of its task, the labels by the control that asked for them, and what ranks it."""

    task: object
    data: Mapping[str, Any]
    labels: Mapping[str, list[str]]
    has_regions: bool
    rank: tuple[bool, str]  # whether it is the ground truth, and when it was saved


def is_json(path: Path, head: str) -> bool:
    """Return whether the file holds tasks, or flat records."""
    return path.suffix.lower() == ".json" and (
        ('"data"' in head and ('"annotations"' in head or '"completions"' in head))
        or ('"annotation_id"' in head and '"annotator"' in head)
    )


def is_table(path: Path, head: str) -> bool:
    """Return whether the header of a CSV or TSV has the columns that every such export has."""
    header = head.partition("\n")[0]
    return path.suffix.lower() in (".csv", ".tsv") and all(
        f'"{name}"' in header for name in ("annotation_id", "lead_time")
    )


def read_json(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read tasks or flat records; None where the JSON is something else."""
    content = read_json_text(path)
    tasks = content if isinstance(content, list) else [content]
    if not tasks or not all(isinstance(task, dict) for task in tasks):
        return None
    if all("data" in task and isinstance(task["data"], dict) for task in tasks):
        n_skipped = sum(_is_skipped(task) for task in tasks)
        listing = _list_answers(path, _iter_answers(tasks), spec)
        if n_skipped:
            listing.notices.append(Notice("data.skipped_tasks_left_out", {"n": n_skipped}))
        return listing
    if any("annotation_id" in task for task in tasks):
        return _list_answers(path, map(_flat_answer, tasks), spec)
    return None


def read_table(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read the records of a CSV or TSV, whose columns are in alphabetical order and quoted."""
    rows = read_csv_rows(path, "\t" if path.suffix.lower() == ".tsv" or "\t" in _header(path) else ",")
    header = next(rows)
    return _list_answers(path, (_flat_answer(dict(zip(header, row, strict=False))) for row in rows), spec)


def _header(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as file:
        return file.readline()


def _annotations(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [inner for inner in task.get("annotations") or task.get("completions") or () if isinstance(inner, dict)]


def _is_skipped(task: Mapping[str, Any]) -> bool:
    """Return whether everyone who saw the task skipped it: the other formats leave such a task out, too."""
    annotations = _annotations(task)
    return bool(annotations) and all(inner.get("was_cancelled") or inner.get("skipped") for inner in annotations)


def _iter_answers(tasks: Iterable[Mapping[str, Any]]) -> Iterator[_Answer]:
    for number, task in enumerate(tasks):
        if _is_skipped(task):
            continue
        data = task["data"]
        if not any(_is_image(value) for value in data.values()) and task.get("file_upload"):
            data = {**data, "image": task["file_upload"]}
        annotations = [inner for inner in _annotations(task) if not inner.get("was_cancelled")]
        for annotation in annotations or [{}]:
            labels: dict[str, list[str]] = {}
            has_regions = False
            for result in annotation.get("result") or ():
                value = result.get("value") or {}
                has_regions = has_regions or any(kind in value for kind in _REGIONS)
                if "choices" in value:
                    labels.setdefault(str(result.get("from_name", "choice")), []).extend(map(str, value["choices"]))
            saved = str(annotation.get("updated_at") or annotation.get("created_at") or "")
            rank = bool(annotation.get("ground_truth")), saved
            yield _Answer(task.get("id", number), data, labels, has_regions, rank)


def _flat_answer(record: Mapping[str, Any]) -> _Answer:
    data, labels = {}, {}
    has_regions = False
    for name, value in record.items():
        if name in _OWN:
            continue
        decoded = _decode(value)
        if isinstance(decoded, dict) and "choices" in decoded:
            labels[name] = list(map(str, decoded["choices"]))
        elif isinstance(decoded, list) and any(isinstance(inner, dict) for inner in decoded):
            kinds = {kind for inner in decoded if isinstance(inner, dict) for kind in inner}
            has_regions = has_regions or bool(kinds.intersection(_REGIONS))
        elif isinstance(decoded, list):
            labels[name] = list(map(str, decoded))
        elif _is_image(decoded):
            data[name] = decoded
        elif decoded not in (None, ""):
            data[name] = decoded
            labels[name] = [str(decoded)]
    task = record.get("id", record.get("annotation_id"))
    return _Answer(task, data, labels, has_regions, (False, str(record.get("updated_at") or record.get("created_at"))))


def _decode(value: Any) -> Any:
    """Return the JSON value in a cell, where there is one: several choices are written so."""
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}" and value:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_image(value: object) -> bool:
    return isinstance(value, str) and is_image_name(plain_path(value))


def _list_answers(path: Path, answers: Iterable[_Answer], spec: ColumnSpec) -> Listing:
    newest: dict[object, _Answer] = {}
    disagreeing = set()
    for answer in answers:
        other = newest.get(answer.task)
        if other is not None and other.labels != answer.labels:
            disagreeing.add(answer.task)
        if other is None or answer.rank >= other.rank:
            newest[answer.task] = answer
    chosen = newest.values()
    fields = dict.fromkeys(name for answer in chosen for name in answer.data)
    images = [name for name in fields if any(_is_image(answer.data.get(name)) for answer in chosen)]
    image = choose_column(path, "image", images, spec.image)
    split, group = (find_column(role, list(fields), getattr(spec, role)) for role in ("split", "group"))
    controls = dict.fromkeys(name for answer in chosen for name in answer.labels if name not in (image, split, group))
    regions = [str(answer.data.get(image, "")) for answer in chosen if answer.has_regions]
    label = "" if regions and not controls else choose_column(path, "label", list(controls), spec.label)
    listing = Listing(regions=regions if not label else [])
    for answer in chosen:
        words = [str(answer.data.get(name) or "") if name else "" for name in (image, split, group)]
        listing.add(words[0], answer.labels.get(label, ()), words[1], words[2])
    if disagreeing:
        listing.notices.append(Notice("data.annotations_disagree", {"n": len(disagreeing)}))
    return listing
