from __future__ import annotations

import json

import numpy as np
import pytest

from discern.data.dataset import Split
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import (
    Audit,
    Finding,
    conclude_audit,
    find_class_trouble,
    find_examples,
    find_leaks,
    mark_conflicts,
    require_usable_classes,
)
from discern.errors import DataError
from discern.i18n import use_language
from discern.notices import Notice

PATHS = ("1.png", "2.png", "3.png", "4.png")
FINDING = Finding("leak", "warning", 4, PATHS, {"later": Notice("word.test"), "earlier": "train"})


def test_a_finding_is_said_in_the_language_of_the_reader():
    assert (
        "test examples that are duplicates or near duplicates of train examples (4): 1.png, 2.png, 3.png, …"
        in FINDING.text()
    )
    with use_language("zh_TW"):
        assert "測試" in FINDING.text()


def test_a_finding_comes_back_from_json():
    value = json.loads(json.dumps(FINDING.to_json()))
    assert value["paths"] == list(PATHS) and "sentence" not in value
    assert Finding.from_json(value) == FINDING
    with pytest.raises((KeyError, ValueError)):
        Finding.from_json({"severity": "note"})


def test_findings_are_sorted_by_severity_and_examples_numbered():
    findings = [Finding("odd_size", "note", 1), Finding("empty", "error", 1), Finding("duplicate", "warning", 1)]
    audit = Audit.from_findings(findings, np.array(["", "empty", ""]))
    assert [finding.code for finding in audit.findings] == ["empty", "duplicate", "odd_size"]
    assert (audit.excluded.tolist(), audit.exclusion_reasons) == ([1], ("empty",))
    assert audit.select("empty") == audit.findings[:1]
    assert audit.to_json()["excluded"] == 1


def test_no_examples_no_finding(make_dataset):
    dataset = make_dataset([b"a", b"b"])
    assert find_examples(dataset, "empty", "error", np.array([], dtype=np.int64)) == []
    assert find_examples(dataset, "duplicate", "warning", np.array([0, 1]), 0) == []
    (finding,) = find_examples(dataset, "duplicate", "warning", np.array([0, 1]), 1)
    assert (finding.count, finding.paths) == (1, ("0.png", "1.png"))


def test_conflicts_are_of_a_classification_only(make_dataset):
    group, usable = np.array([0, 0, 1, 1, 2]), np.array([True, True, True, True, False])
    dataset = make_dataset([b""] * 5, [0, 1, 1, 1, 0])
    assert mark_conflicts(dataset, group, usable).tolist() == [True, True, False, False, False]
    assert not mark_conflicts(make_dataset([b""] * 5, [0, 1, 1, 1, 0], task="regression"), group, usable).any()


def test_small_and_unbalanced_classes(make_dataset):
    dataset = make_dataset([b""] * 24, [0] * 20 + [1] * 4)
    small, unbalanced = find_class_trouble(dataset, np.full(24, ""))
    assert (small.code, small.count) == ("small_class", 1) and "class1 (4)" in small.text()
    assert unbalanced.code == "unbalanced" and "class0 has 20, class1 has 4" in unbalanced.text()
    assert find_class_trouble(make_dataset([b""] * 24, [0] * 20 + [1] * 4, task="regression"), np.full(24, "")) == []


def test_a_class_without_usable_examples_is_a_finding_and_no_training(make_dataset):
    dataset = make_dataset([b""] * 3, [0, 1, 1])
    require_usable_classes(conclude_audit(dataset, [], np.array(["", "empty", ""])))
    audit = conclude_audit(dataset, [], np.array(["constant", "", ""]))
    assert "(1): class0 (0.png: nearly uniform)" in audit.select("unusable_class")[0].text()
    with pytest.raises(DataError, match=r"Class class0 has no usable examples left \(0\.png: nearly uniform\)"):
        require_usable_classes(Audit.from_findings([Finding.from_json(audit.findings[0].to_json())], np.array([""])))


def test_leaks_name_both_sides(make_dataset):
    dataset = make_dataset([b""] * 4, [0] * 4, [Split.TRAIN, Split.TRAIN, Split.TEST, Split.VALIDATION])
    group = np.array([0, 1, 0, 1])
    leaks = find_leaks(dataset, np.ones(4, dtype=bool), DuplicateGroups(group, group))
    assert [(leak.paths, leak.count) for leak in leaks] == [(("0.png", "2.png"), 1), (("1.png", "3.png"), 1)]
    assert [leak.fields["later"].text() for leak in leaks] == ["test", "validation"]
