"""Label Studio: JSON (tasks with their annotations), JSON_MIN, CSV and TSV (one flat record an annotation).

Format: https://labelstud.io/guide/export. An uploaded image is named ``/data/upload/PROJECT/8hex-name.jpg``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from discern.data.columns import ColumnSpec, choose_image, find_named
from discern.data.exports.fields import list_columns, with_label
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_csv_rows, read_head, read_json_text
from discern.data.image import is_image_name
from discern.data.locate import plain_path
from discern.data.names import words_of
from discern.notices import Notice

TOOL = "Label Studio"
# Fields of a flat record that are not the person's.
_OWN = words_of(
    "id annotator annotation_id created_at updated_at lead_time agreement history was_cancelled completed_by"
)
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
    header = {cell.strip('" \r') for cell in re.split("[,;\t]", head.partition("\n")[0])}
    return path.suffix.lower() in (".csv", ".tsv") and header >= {"annotation_id", "annotator", "lead_time"}


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
    opening = read_head(path).partition("\n")[0]
    rows = read_csv_rows(path, max(",;\t", key=opening.count))
    header = next(rows)
    return _list_answers(path, (_flat_answer(dict(zip(header, row, strict=False))) for row in rows), spec)


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
    """Read a flat record; only of several choices, and of regions, is it written that they are an answer."""
    data: dict[str, Any] = {}
    labels: dict[str, list[str]] = {}
    has_regions = False
    for name, value in record.items():
        decoded = _decode(value)
        if name in _OWN:
            continue
        if isinstance(decoded, list) and any(isinstance(inner, dict) for inner in decoded):
            kinds = {kind for inner in decoded if isinstance(inner, dict) for kind in inner}
            has_regions = has_regions or bool(kinds.intersection(_REGIONS))
        elif decoded is not None:
            data[name] = decoded["choices"] if isinstance(decoded, dict) and "choices" in decoded else decoded
    task = record.get("id", record.get("annotation_id"))
    rank = False, str(record.get("updated_at") or record.get("created_at"))
    return _Answer(task, data, labels, has_regions, rank)


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
        if other is not None and (other.labels, other.data) != (answer.labels, answer.data):
            disagreeing.add(answer.task)
        if other is None or answer.rank >= other.rank:
            newest[answer.task] = answer
    listing = _list_fields(path, list(newest.values()), spec)
    if disagreeing:
        listing.notices.append(Notice("data.annotations_disagree", {"n": len(disagreeing)}))
    return listing


def _list_fields(path: Path, answers: list[_Answer], spec: ColumnSpec) -> Listing:
    """Choose among the fields of the tasks and the controls, which may be called alike: then the control counts."""
    fields = dict.fromkeys(name for answer in answers for name in answer.data)
    columns = {name: [_to_text(answer.data.get(name)) for answer in answers] for name in fields}
    image = choose_image(str(path), {name: list(map(plain_path, cells)) for name, cells in columns.items()}, spec)
    has_endings = bool(image)
    if not image:  # addresses without endings: known by the name of the field alone
        named = find_named("image", list(columns))
        image = named[0] if len(named) == 1 else ""
    controls = dict.fromkeys(name for answer in answers for name in answer.labels if name not in fields)
    regions = [_to_text(answer.data.get(image)) for answer in answers if answer.has_regions]
    if not image or (regions and not controls):
        return Listing(regions=regions)
    for name in controls:
        columns[name] = [_to_text(answer.labels.get(name)) for answer in answers]
    sure = with_label(spec, "".join(controls)) if len(controls) == 1 else spec
    listing = list_columns(path, columns, image, sure)
    listing.has_endings = has_endings
    listing.note_objects(len(regions))
    return listing


def _to_text(value: Any) -> str:
    """Return a value as the cell of a table: one label as it is, several as a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return "" if value in (None, []) else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
