"""Columns are found by what they mean, or asked about; never the first that fits."""

from __future__ import annotations

import pytest

from discern.data.columns import AUTO, ColumnSpec, choose_image, choose_roles, find_named, is_flag
from discern.errors import ConfigError

KINDS = ["ant", "bee", "cat", "ant"]
NUMBERS = ["7", "8", "9", "10"]


@pytest.mark.parametrize(
    ("role", "name"),
    [
        *(("image", name) for name in ("path", "Image_Path", "file name", "IMG", "檔名")),
        *(("label", name) for name in ("Label", "CLASS NAME", "dx", "breed", "Finding Labels", "類別", "class_id")),
        *(("split", name) for name in ("Subset", "ml_use", "is_valid", "data-split", "資料集")),
        *(("group", name) for name in ("Patient ID", "group", "camera", "病患")),
    ],
)
def test_names_in_any_spelling(role: str, name: str) -> None:
    assert find_named(role, ["width", name, "note"]) == [name]


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"width": NUMBERS, "category": KINDS}, "category"),
        ({"id": NUMBERS, "dx": KINDS, "sex": ["m", "f", "m", "f"]}, "dx"),
        ({"class_name": KINDS, "class_id": ["0", "1", "2", "0"]}, "class_name"),
        ({"label": ["0", "1", "2", "0"], "category": KINDS}, "category"),  # the same, in words
        ({"species": ["x", "x", "y", "y"], "label": KINDS}, "label"),  # the plainer name
        ({"index": NUMBERS, "fruit": KINDS}, "fruit"),  # the only one left
        ({"plant": KINDS}, "plant"),
    ],
)
def test_the_column_of_labels(columns: dict[str, list[str]], label: str) -> None:
    assert choose_roles("t", columns, AUTO, ()).labels.column == label


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": ["0", "1", "0", "1"], "category": KINDS}, "labels: label, category could be it; .* --label COLUMN"),
        ({"width": NUMBERS, "city": KINDS}, "labels: width, city could be it"),
        ({"uid": NUMBERS}, "labels: uid could be it"),
        ({"label": KINDS, "split": ["train", "test"] * 2, "set": ["train", "train", "test", "test"]}, "--split COLUMN"),
        ({"label": KINDS, "patient": ["1", "1", "2", "2"], "camera": ["1", "2", "2", "1"]}, "--group COLUMN"),
        ({}, "has no column of labels"),
    ],
)
def test_what_is_not_clear_is_asked(columns: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        choose_roles("t", columns, AUTO, ())


def test_what_is_requested_is_taken() -> None:
    columns = {"label": KINDS, "width": NUMBERS, "set": ["a", "b", "a", "b"], "Site": ["1", "1", "2", "2"]}
    spec = ColumnSpec(label="WIDTH", split="set", group="Site")
    roles = choose_roles("t", columns, spec, ())
    assert (roles.labels.column, roles.split, roles.group) == ("width", "set", "Site")
    with pytest.raises(ConfigError, match=r'Unknown column "widht" in t \(did you mean width\?\)'):
        choose_roles("t", columns, ColumnSpec(label="widht"), ())
    with pytest.raises(ConfigError, match=r'Unknown column "sight"'):
        choose_roles("t", columns, ColumnSpec(group="sight"), ())
    assert choose_roles("t", columns, ColumnSpec(group="p_(.*?)_"), ()).group == ""  # a pattern over the path
    assert choose_roles("t", columns, ColumnSpec(group="none"), ()).group == ""


def test_splits_that_no_name_tells() -> None:
    assert choose_roles("t", {"column2": KINDS, "column3": ["train", "test"] * 2}, AUTO, ()).split == "column3"
    columns = {"label": KINDS, "set": ["a", "b", "a", "b"], "is_valid": ["True", "False"] * 2}
    assert choose_roles("t", columns, AUTO, ()).split == "is_valid"


def test_patients_hold_their_lesions() -> None:
    columns = {"label": KINDS, "lesion_id": ["1", "1", "2", "3"], "patient": ["a", "a", "a", "b"]}
    assert choose_roles("t", columns, AUTO, ()).group == "patient"


def test_columns_of_images() -> None:
    files = ["1.jpg", "2.jpg"]
    assert choose_image("t", {"mask": files, "image": files, "note": ["", ""]}, AUTO) == "image"
    assert choose_image("t", {"note": ["a", "b"]}, AUTO) == ""
    with pytest.raises(ConfigError, match="left, right could be it; choose with --image COLUMN"):
        choose_image("t", {"left": files, "right": files}, AUTO)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [(["0", "1"], True), (["-1", "1.0"], True), (["True", "false"], True), (["0", "0"], False), (["1", "2"], False)],
)
def test_flags(cells: list[str], expected: bool) -> None:
    assert is_flag(cells) == expected
