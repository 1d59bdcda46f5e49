from __future__ import annotations

from discern.data.audit import audit_dataset
from discern.data.open import open_data


def test_images_and_tables_are_audited_by_their_kind(make_dataset, encode, photo):
    images = make_dataset([encode(photo(number)) for number in range(3)], [0, 1, 1])
    stats, duplicates, audit = audit_dataset(images)
    assert stats.width.tolist() == [120] * 3 and duplicates.group.tolist() == [0, 1, 2]
    assert [finding.code for finding in audit.findings] == ["small_class"]
    stats, duplicates, audit = audit_dataset(open_data("iris"))
    assert stats.width.tolist() == [4] * 150 and len(duplicates.group) == 150
    assert [finding.code for finding in audit.findings] == ["duplicate_rows"]
