"""A folder that is no data set: one too high, or one that holds images and masks; and the folder that was meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from discern.data.folder_names import folder_role
from discern.data.names import normalize_name, split_in_name
from discern.data.table_file import TABLE_SUFFIXES
from discern.data.walk import Folder
from discern.errors import DataError
from discern.i18n import _


def refuse_too_high(path: Path, root: Folder, tops: Sequence[Folder]) -> None:
    """Raise a `DataError` where the classes are further in, or what is here is called as no class is."""
    if not tops:
        if root.n_images:
            message = _("{path} has images outside class folders: put them in one sub-folder per class{table}.")
            raise DataError(message.format(path=path, table=describe_table(path, root)))
        return
    roles = [folder_role(top.name) for top in tops]
    if any(roles) and all(role or split_in_name(top.name) for role, top in zip(roles, tops, strict=True)):
        raise DataError(describe_roles(path, root, tops))
    inner = _holder(tops[0]) if len(tops) == 1 else None
    if inner:
        message = _("{path} has only one sub-folder: if the classes are inside it, use {inner} instead.")
        raise DataError(message.format(path=path, inner=path / inner.path))


def _holder(folder: Folder) -> Folder | None:
    """Return the folder, this one or one in it alone, that holds class folders or splits; None where none does."""
    filled = folder.filled()
    if len(filled) == 1 and not folder.n_images and not split_in_name(filled[0].name):
        return _holder(filled[0])
    return folder if len(filled) > 1 or any(split_in_name(inner.name) for inner in filled) else None


def describe_roles(path: Path, root: Folder, tops: Sequence[Folder]) -> str:
    """Say that ``images`` and ``masks`` are no classes, and which folder was probably meant."""
    names = ", ".join(normalize_name(top.name) for top in tops)
    meant = next((inner for top in tops if folder_role(top.name) == "images" and (inner := _holder(top))), None)
    if meant:
        message = _("The folders in {path} ({names}) are not named like classes: did you mean {inner}?")
        return message.format(path=path, names=names, inner=path / meant.path)
    message = _(
        "The folders in {path} ({names}) are not named like classes: put the images in one sub-folder per class"
        "{table}; if they are classes, --set class_depth=1 takes them as such."
    )
    return message.format(path=path, names=names, table=describe_table(path, root))


def describe_table(path: Path, root: Folder) -> str:
    """Return ", or use labels.csv" where a table lies beside the images."""
    tables = [name for name in root.others if name.lower().endswith(TABLE_SUFFIXES)]
    return _(", or use {table}, if it lists them with their labels").format(table=path / tables[0]) if tables else ""
