"""The one table of exports that are recognized, and how a file or a folder becomes a data set by it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from discern.data.build import number_groups
from discern.data.columns import AUTO, ColumnSpec
from discern.data.dataset import Dataset, ImageDataset, Split
from discern.data.exports import azure, coco, cvat, fiftyone, hugging_face, label_studio, roboflow, vertex
from discern.data.exports.listing import Listing, build_listing
from discern.data.exports.sniff import read_head
from discern.data.names import abbreviate, split_from_name, split_in_name
from discern.data.walk import leads_to_folder
from discern.errors import ConfigError, DataError
from discern.i18n import _
from discern.notices import Notice


class Format(NamedTuple):
    """A kind of file: the tool that writes it, what recognizes it by its beginning, and what reads it."""

    tool: str
    recognizes: Callable[[Path, str], bool]
    read: Callable[[Path, ColumnSpec], Listing | None]  # None where, seen whole, it is something else
    has_columns: bool = False  # whether the person named its fields, so that --image, --label and --split choose


FORMATS = (
    Format(roboflow.TOOL, roboflow.is_classes, roboflow.read_classes),
    Format(hugging_face.TOOL, hugging_face.is_metadata, hugging_face.read_metadata, has_columns=True),
    Format(label_studio.TOOL, label_studio.is_json, label_studio.read_json, has_columns=True),
    Format(label_studio.TOOL, label_studio.is_table, label_studio.read_table, has_columns=True),
    Format(f"{cvat.TOOL} ImageNet", cvat.is_imagenet_list, cvat.read_imagenet_list),
    Format(cvat.TOOL, cvat.is_xml, cvat.read_xml),
    Format(f"{cvat.TOOL} Open Images", cvat.is_open_images, cvat.read_open_images),
    Format(vertex.TOOL, vertex.is_csv, vertex.read_csv),
    Format(vertex.TOOL, vertex.is_json_lines, vertex.read_json),
    Format(azure.CUSTOM_VISION, azure.is_custom_vision, azure.read_custom_vision),
    Format(azure.AUTOML, azure.is_automl, azure.read_automl),
    Format(fiftyone.TOOL, fiftyone.is_labels, fiftyone.read_labels),
    Format(coco.TOOL, coco.is_coco, coco.read_coco),
)
_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml", ".parquet")
_IN_A_SPLIT = (roboflow.CLASSES, "_annotations.coco.json", *hugging_face.FILES)
_FOLDERS_OF_LABELS = ("annotations", "labels")
_UNLIKE = (AttributeError, IndexError, KeyError, StopIteration, SyntaxError, TypeError, ValueError)
_N_SAMPLED = 100  # names that tell whether there are copies
MAX_FILES = 100  # files of one folder that are looked into


def open_export_file(path: Path, spec: ColumnSpec = AUTO) -> ImageDataset | None:
    """Open a file that a labeling tool or a hosted service exported; None where it is none.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "import.csv"
    >>> count = table.write_text("training,gs://b/a/1.jpg,cat\\ntest,gs://b/b/2.jpg,dog\\n")
    >>> for name in ("1.jpg", "2.jpg"):
    ...     table.with_name(name).touch()
    >>> open_export_file(table).classes
    ('cat', 'dog')
    """
    found = _read(path, spec)
    if found is None:
        return None
    tool, listing = found
    root = path.parent
    if root.name.casefold() in _FOLDERS_OF_LABELS and root.parent != root:
        root = root.parent
    return build_listing(path, root, [path.name], tool, listing)


def open_export_folder(folder: Path, spec: ColumnSpec = AUTO) -> tuple[ImageDataset | None, list[Notice]]:
    """Open a folder with the files of an export: in it, in ``annotations``, or in its split folders.

    Returns
    -------
    ImageDataset or None
        None where there are no such files, or class folders are used in their stead: that they are is said by
    list of Notice
        which name the files and why they are not used.

    Raises
    ------
    DataError
        When there are several exports, or one is damaged or of another kind and there are no class folders.
    """
    entries = _list_entries(folder)
    found, notices = [], []
    has_classes = _has_class_folders(folder, entries)
    for path, split, prefix in _candidates(folder, entries):
        name = str(path.relative_to(folder))
        try:
            read = _read(path, spec)
        except DataError:
            if not has_classes:
                raise
            notices.append(Notice("data.labels_file_damaged", {"name": name}))
            continue
        if read is None:
            continue
        tool, listing = read
        if has_classes and (listing.regions or listing.several):
            notices.append(Notice("data.labels_file_unused", {"name": name, "tool": tool}))
            continue
        listing.images = [f"{prefix}{image}" for image in listing.images]
        listing.splits = [word or split for word in listing.splits]
        found.append((name, tool, listing))
    if not found:
        return None, notices
    names = [name for name, *_rest in found]
    tools = {tool for _name, tool, _listing in found}
    images = [image for _name, _tool, listing in found for image in set(listing.images)]
    if len(tools) > 1 or len(set(images)) < len(images):
        message = _("{path} has several exports ({names}): open one of them.")
        raise DataError(message.format(path=folder, names=", ".join(abbreviate(names))))
    _name, tool, listing = found[0]
    for *_rest, other in found[1:]:
        listing.extend(other)
    return build_listing(folder, folder, names, tool, listing), notices


def _read(path: Path, spec: ColumnSpec) -> tuple[str, Listing] | None:
    """Return the tool that wrote a file, and what it lists."""
    if not path.name.lower().endswith(_SUFFIXES):
        return None
    head = read_head(path) if path.suffix.lower() != ".parquet" else ""
    for kind in FORMATS:
        if not kind.recognizes(path, head):
            continue
        try:
            listing = kind.read(path, spec)
        except _UNLIKE as error:  # a part is missing, or of another type
            message = _(
                "{path} begins like an export of {tool}, but its contents are not valid ({reason}): export it again."
            )
            raise DataError(message.format(path=path, tool=kind.tool, reason=repr(error))) from error
        if listing is None:
            continue
        given = next((name for name in ("image", "label", "split", "group") if getattr(spec, name)), "")
        if given and not kind.has_columns:
            message = _("{path} is an export of {tool}, whose fields are fixed: leave out --{option}.")
            raise ConfigError(message.format(path=path, tool=kind.tool, option=given))
        return kind.tool, listing
    return None


def _list_entries(folder: Path) -> list[tuple[str, bool]]:
    """List folders, and files that may hold labels: names, and whether each is a folder.

    Nothing where ``folder`` is not readable, which others say better.
    """
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
            pairs = [(entry.name, leads_to_folder(entry)) for entry in visible]  # a million images must not be sorted
        return sorted(pair for pair in pairs if pair[1] or pair[0].lower().endswith(_SUFFIXES))
    except OSError:
        return []


def _candidates(folder: Path, entries: Sequence[tuple[str, bool]]) -> list[tuple[Path, str, str]]:
    """Return files that may be exports: each with its split, and what its images' names are relative to."""
    files = [folder / name for name, is_folder in entries if not is_folder]
    for name, is_folder in entries:
        if is_folder and name.casefold() in _FOLDERS_OF_LABELS:
            inner = _list_entries(folder / name)
            files += [folder / name / file for file, is_below in inner if not is_below]
    found = [(path, _split_of_stem(path.stem), "") for path in files[:MAX_FILES]]
    folders = [name for name, is_folder in entries if is_folder]
    if "data" in folders:
        folders += [f"data/{name}" for name, is_folder in _list_entries(folder / "data") if is_folder]
    for name in folders:
        split = name.removeprefix("data/")
        if split_from_name(split) != Split.NONE:
            inside = (folder / name / file for file in _IN_A_SPLIT)
            found += [(path, split, f"{name}/") for path in inside if path.is_file()]
    return found


def _split_of_stem(stem: str) -> str:
    """Return the split that the name of a file says: ``instances_train2017``; else ""."""
    split = split_in_name(stem)
    return split.name.lower() if split != Split.NONE else ""


def _has_class_folders(folder: Path, entries: Sequence[tuple[str, bool]]) -> bool:
    """Return whether there are at least two folders that may be classes, in ``folder`` or in its split folders."""
    others = (*_FOLDERS_OF_LABELS, "images", "data", "masks")
    folders = [name for name, is_folder in entries if is_folder and name.casefold() not in others]
    for split in [name for name in folders if split_from_name(name) != Split.NONE]:
        folders.remove(split)
        folders += [name for name, is_folder in _list_entries(folder / split) if is_folder]
    return len(folders) > 1


def group_copies(dataset: Dataset) -> Dataset:
    """Give the augmented copies of one original (`roboflow.original_name`) a group, so that no split divides them.

    Images of different classes are never copies; a data set without copies, or with groups, is returned as it is.
    """
    n = len(dataset)
    sample = range(0, n, max(1, n // _N_SAMPLED))
    if dataset.groups is not None or not any(roboflow.original_name(dataset.store.path(i)) for i in sample):
        return dataset
    names = (roboflow.original_name(dataset.store.path(i)).rpartition("/")[2] for i in range(n))
    keys = [f"{label}/{name}" if name else "" for label, name in zip(dataset.labels.tolist(), names, strict=True)]
    groups = number_groups(keys)
    n_originals = len(set(keys) - {""}) + keys.count("")
    if n_originals == n:
        return dataset
    notice = Notice("data.copies_grouped", {"n": n, "originals": n_originals})
    return replace(dataset, groups=groups, notices=(*dataset.notices, notice))
