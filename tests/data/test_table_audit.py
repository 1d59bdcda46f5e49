from __future__ import annotations

from pathlib import Path

import pytest

from discern.data.columns import ColumnSpec
from discern.data.dataset import TableDataset
from discern.data.open import open_data
from discern.data.table_audit import audit_table
from discern.errors import DataError


def audit(path: Path, words: str, target: str = "") -> dict[str, str]:
    """The findings about a table, by their code, in words."""
    path.write_text(words, encoding="utf-8")
    data = open_data(path, column_spec=ColumnSpec(target))
    assert isinstance(data, TableDataset)
    return {finding.code: finding.text() for finding in audit_table(data)[2].findings}


ROWS = "x,z,flat,class\n1,2,7,a\n1,2,7,a\n?,5,7,b\n3,4,7,a\n3,4,7,b\n5,1,7,b\n"


def test_what_is_wrong_with_a_table(tmp_path: Path) -> None:
    findings = audit(tmp_path / "t.csv", ROWS)
    assert "left out (1): row 3: x" in findings["missing_values"]
    assert "Constant columns (1): flat" in findings["constant_columns"]
    assert "the same values as others (2): t.csv#1, t.csv#2, t.csv#4, …" in findings["duplicate_rows"]
    assert "different classes (2): t.csv#4, t.csv#5" in findings["conflicting_rows"]
    assert list(findings)[-1] == "constant_columns"  # a note comes after the warnings


def test_a_regression_has_no_classes_to_judge(tmp_path: Path) -> None:
    findings = audit(tmp_path / "t.csv", "x,z,y\n1,2,1.5\n1,2,2.5\n3,5,3.5\n", "y")
    assert set(findings) == {"duplicate_rows"}


def test_leaks(tmp_path: Path) -> None:
    rows = "x,split,class\n1.5,train,a\n2,train,b\n1.5,test,a\n4,test,b\n"
    assert (
        "test examples that are duplicates or near duplicates of training examples (1)"
        in audit(tmp_path / "t.csv", rows)["leak"]
    )


def test_nothing_complete(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Every row of .* has missing values"):
        audit(tmp_path / "t.csv", "x,z,class\n1,,a\n,2,b\n")
    assert "b (t.csv#2: missing values)" in audit(tmp_path / "t.csv", "x,class\n1,a\n,b\n4,a\n")["unusable_class"]
