"""Which columns of a table or a parquet file mean what: by their names in any spelling, then by their values.

Never the first that fits: where two columns could be meant, or none says what it is, a `ConfigError` lists them and the
flags that choose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from discern.data.dataset import Split
from discern.data.groups import is_pattern
from discern.data.image import is_image_name
from discern.data.names import split_from_name, splits_from_names
from discern.errors import ConfigError, suggest
from discern.i18n import _

Columns = Mapping[str, Sequence[str]]  # by name, a text a row, "" where there is nothing


@dataclass(frozen=True)
class ColumnSpec:
    """What the person says of the columns; what is empty is found by its name or its values."""

    target: str = ""  # of a table of numbers, the column to learn
    task: str = "auto"  # classification, where it names classes; regression, where it is a number
    columns: tuple[str, ...] = ()  # of a table of numbers, those to read, in this order; empty for all that are numbers
    image: str = ""  # of a table of images: path or file name
    label: str = ""
    split: str = ""
    group: str = ""  # whose rows must share a split: a patient, a camera
    class_depth: int = 0  # of a folder, how deep its class folders lie: 1 in it, 2 one further in


AUTO = ColumnSpec()
NO_GROUPS = "none"  # as the group of a `ColumnSpec`: what a column says of groups is not read
_OF_IMAGES = ("image", "label", "split", "group", "class_depth")


def column_spec_from(settings: Mapping[str, Any], spec: ColumnSpec = AUTO) -> ColumnSpec:
    """Return ``spec`` with what settings of the data, or those that a run stored, say of columns and folders.

    Examples
    --------
    >>> column_spec_from({"label": "species", "test": 0.2}).label
    'species'
    """
    return replace(spec, **{name: settings[name] for name in _OF_IMAGES if name in settings})


# Names by what they mean, without case, spaces and punctuation; those of an earlier rank go before the others.
_RANKS: dict[str, tuple[str, ...]] = {
    "image": (
        "path image images filename file files img imagepath imagefile imagefilename imagename imagesrc filepath fname "
        "imgpath imgfile imgname imgfilename picture photo 路徑 檔名 檔案 影像 圖片 照片 檔案名稱 影像檔名",
        "imageid imgid imageindex imageuri imageurl uri url id idcode code uid uuid guid isicid sampleid name key "
        "stem asset 編號",
    ),
    "label": (
        "label labels class classes classname classlabel category categories categoryname target labelname finelabel "
        "groundtruth 標籤 類別 分類",
        "dx diagnosis species speciesname breed tag tags choice choices variety cultivar disease findinglabels answer "
        "annotation annotations type kind grade 診斷 品種 物種 種類 名稱",
        "classid labelid categoryid classindex classidx labelindex labelidx",
    ),
    "split": (
        "split subset set partition mluse datasplit splitname splits fold traintest usage phase 分割 資料集 切分",
        "isvalid isvalidation isval istest istesting istrain istraining istrainingimage validation valid",
    ),
    "group": (
        "group groups groupid groupname 群組",
        "patient patientid subject subjectid plant plantid camera cameraid site siteid video videoid sourcevideo "
        "lesionid caseid burst burstid animalid individual individualid sequence sequenceid seqid session sessionid "
        "slideid specimenid 病人 病患 相機",
    ),
    "folder": ("folder dir directory subfolder subdir subdirectory foldername 資料夾",),
    "ending": ("ext extension ending suffix fileext fileextension filetype format 副檔名",),
    # never learnt and never learnt from: they count rows
    "row": ("index unnamed0 levelindex indexlevel0 rowid rowindex rownumber 序號",),
}
_PUNCTUATION = re.compile(r"[\W_]+")
_N_EXAMINED = 200  # cells of a column that tell whether it names images


def find_named(role: str, names: Sequence[str]) -> list[str]:
    """Return the columns whose names say ``role`` (image, label, split, group, folder, ending or row), best rank only.

    Examples
    --------
    >>> find_named("label", ["Class_Name", "dx", "width"]), find_named("image", ["File Name", "id"])
    (['Class_Name'], ['File Name'])
    """
    bare = {name: _PUNCTUATION.sub("", name).casefold() for name in names}
    for rank in _RANKS[role]:
        words = rank.split()
        found = [name for name in names if bare[name] in words]
        if found:
            return found
    return []


def require_column(origin: str, requested: str, names: Sequence[str]) -> str:
    """Return the requested column, in its own letter case; a `ConfigError` where there is none."""
    if requested in names:
        return requested
    alike = [name for name in names if name.casefold() == requested.casefold()]
    if len(alike) == 1:
        return alike[0]
    message = _('Unknown column "{name}" in {path}{hint}.')
    raise ConfigError(message.format(path=origin, name=requested, hint=suggest(requested, list(names))))


def choose_image(origin: str, columns: Columns, spec: ColumnSpec) -> str:
    """Return the column that names image files, "" where none does; a `ConfigError` where several do.

    Examples
    --------
    >>> choose_image("t.csv", {"id": ["1", "2"], "photo": ["1.jpg", "2.jpg"]}, AUTO)
    'photo'
    """
    if spec.image:
        return require_column(origin, spec.image, list(columns))
    listing = [name for name, column in columns.items() if names_images(column)]
    named = find_named("image", listing) if len(listing) > 1 else listing
    if len(named) == 1 or not listing:
        return "".join(named)
    raise _ambiguous(origin, "image", named or listing)


def names_images(column: Sequence[str]) -> bool:
    """Return whether most of the filled cells, of the first few, end like images."""
    filled = [cell for cell in column[:_N_EXAMINED] if cell]
    return 2 * sum(map(is_image_name, filled)) > len(filled)


@dataclass(frozen=True)
class Labels:
    """Where the classes stand: in one column, or in a column of 0 and 1 for each class."""

    column: str = ""
    one_hot: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roles:
    """Which columns hold labels, splits and groups; "" for none."""

    labels: Labels
    split: str
    group: str

    @property
    def used(self) -> list[str]:
        """The names of the columns that are read."""
        return [name for name in (self.labels.column, *self.labels.one_hot, self.split, self.group) if name]


def choose_roles(origin: str, columns: Columns, spec: ColumnSpec, taken: Sequence[str]) -> Roles:
    """Choose the columns of labels, splits and groups, beside those that are ``taken`` by the image.

    Where a pattern over the path is requested for the groups, or ``none``, no column is read as groups. A `ConfigError`
    lists the candidates where several could be meant, or none, or says that there is no such column.

    Examples
    --------
    >>> columns = {"path": ["a.jpg", "b.jpg"], "subset": ["train", "test"], "Class": ["a", "b"], "patient": ["1", "2"]}
    >>> roles = choose_roles("t.csv", columns, AUTO, ["path"])
    >>> roles.labels.column, roles.split, roles.group
    ('Class', 'subset', 'patient')
    """
    split = choose_split(origin, columns, spec, taken)
    labels = choose_labels(origin, columns, spec, [*taken, split])
    group = ""
    if spec.group != NO_GROUPS and not is_pattern(spec.group):
        used = [*taken, split, labels.column, *labels.one_hot]
        group = choose_optional(origin, "group", columns, spec.group, used)
    return Roles(labels, split, group)


def choose_labels(origin: str, columns: Columns, spec: ColumnSpec, taken: Sequence[str]) -> Labels:
    """Choose where the classes stand, among the columns that are not ``taken``.

    By name; else columns of 0 and 1; else the only one left whose values repeat. A `ConfigError` lists the candidates
    where several could be meant, or none.

    Examples
    --------
    >>> choose_labels("t.csv", {"width": ["3", "4"], "Breed": ["pug", "beagle"]}, AUTO, ())
    Labels(column='Breed', one_hot=())
    >>> choose_labels("t.csv", {"ant": ["1", "0"], "bee": ["0", "1"]}, AUTO, ()).one_hot
    ('ant', 'bee')
    """
    if spec.label:
        return Labels(require_column(origin, spec.label, list(columns)))
    free = [name for name in columns if name not in taken]
    named = _without_synonyms(columns, find_named("label", free))
    if len(named) == 1:
        return Labels(named[0])
    if named:
        raise _ambiguous(origin, "label", named)
    counters = [name for role in ("row", "group") for name in find_named(role, free)]
    candidates = [name for name in free if name not in counters] or free
    one_hot = tuple(name for name in candidates if is_flag(columns[name]))
    if len(one_hot) > 1:
        return Labels(one_hot=one_hot)
    if len(candidates) == 1 and _repeats(columns[candidates[0]]):
        return Labels(candidates[0])
    if candidates:
        raise _ambiguous(origin, "label", candidates)
    message = _("{path} has no column of labels beside {columns}: add one, with the class of each image.")
    raise ConfigError(message.format(path=origin, columns=", ".join(columns)))


def is_flag(column: Sequence[str]) -> bool:
    """Return whether the cells are 0 and 1 (or -1 and 1, or false and true), however written, and some is 1."""
    values = {cell.casefold() for cell in set(column)}
    return bool(values & _YES) and (values <= _YES | _NO or values <= _YES | _MINUS)


_YES, _NO, _MINUS = frozenset(("1", "1.0", "true")), frozenset(("0", "0.0", "false", "")), frozenset(("-1", "-1.0", ""))


def is_yes(cell: str) -> bool:
    """Return whether a cell of a flag says yes."""
    return cell.casefold() in _YES


def choose_split(origin: str, columns: Columns, spec: ColumnSpec, taken: Sequence[str]) -> str:
    """Return the column of splits, "" where there is none: by its name, else one whose every cell names a split."""
    if spec.split:
        return require_column(origin, spec.split, list(columns))
    free = [name for name in columns if name not in (*taken, spec.label)]
    named = [name for name in free if find_named("split", [name])]
    clear = [name for name in named if _may_split(columns[name])]
    if not named:
        labels = find_named("label", free)
        clear = [name for name in free if name not in labels and _names_splits(columns[name])]
    return choose_optional(
        origin, "split", {name: columns[name] for name in columns if name in (clear or named)}, "", ()
    )


def _may_split(column: Sequence[str]) -> bool:
    values = {value.removesuffix(".0") for value in set(column)} - {""}
    return is_flag(column) or values <= {"0", "1", "2"} or bool(splits_from_names(values))


def _names_splits(column: Sequence[str]) -> bool:
    splits = {split_from_name(value) for value in set(column)}
    return len(splits) > 1 and Split.TRAIN in splits and Split.NONE not in splits


def choose_optional(origin: str, role: str, columns: Columns, requested: str, taken: Sequence[str]) -> str:
    """Return the column of splits or groups, "" where there is none; a `ConfigError` where several could be meant."""
    if requested:
        return require_column(origin, requested, list(columns))
    named = [name for name in columns if name not in taken]
    named = named if role == "split" else find_named(role, named)
    named = _without_synonyms(columns, named)
    if len(named) > 1 and role == "group":  # frames in clips of patients: the patients hold the others
        named = [name for name in named if all(_holds(columns[name], columns[other]) for other in named)] or named
    if len(named) > 1:
        raise _ambiguous(origin, role, named)
    return "".join(named)


def _holds(outer: Sequence[str], inner: Sequence[str]) -> bool:
    """Return whether all rows with one value of ``inner`` have one value of ``outer``."""
    return len(set(zip(outer, inner, strict=True))) == len(set(inner))


def _repeats(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell]
    return 1 < len(set(filled)) < len(filled)


def _without_synonyms(columns: Columns, names: list[str]) -> list[str]:
    """Drop columns that say the same as another in other words, as class_id does beside class_name: words stay."""
    distinct: list[str] = []
    for name in sorted(names, key=lambda name: all(_is_number(cell) for cell in set(columns[name]))):
        if not any(_is_renaming(columns[name], columns[other]) for other in distinct):
            distinct.append(name)
    return sorted(distinct, key=names.index)


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(".", "", 1).lstrip("-").isdigit()


def _is_renaming(a: Sequence[str], b: Sequence[str]) -> bool:
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


def _ambiguous(origin: str, role: str, candidates: Sequence[str]) -> ConfigError:
    messages = {
        "image": _("{path} has no clear column of images: {names} could be it; choose with --image COLUMN."),
        "label": _("{path} has no clear column of labels: {names} could be it; choose with --label COLUMN."),
        "split": _("{path} has no clear column of splits: {names} could be it; choose with --split COLUMN."),
        "group": _("{path} has no clear column of groups: {names} could be it; choose with --group COLUMN."),
    }
    return ConfigError(messages[role].format(path=origin, names=", ".join(candidates)))
