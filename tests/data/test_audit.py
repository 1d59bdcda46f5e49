from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from discern.data.audit import audit
from discern.data.dataset import Dataset, Part
from discern.data.near import find_near
from discern.data.open import open_data
from discern.data.scan import scan
from discern.errors import DataError


def judged(dataset: Dataset):
    facts = scan(dataset)
    return audit(dataset, facts, find_near(facts))


def kinds(found) -> set[str]:
    return {finding.kind for finding in found.findings}


@pytest.fixture
def photos(encode, photo):
    """24 files, enough for two classes of 12."""
    return [encode(photo(number), "JPEG", quality=92) for number in range(24)]


def enormous() -> bytes:
    """144 million white pixels in some kilobytes."""
    target = io.BytesIO()
    Image.new("1", (12_000, 12_000), 1).save(target, "PNG")
    return target.getvalue()


LABELS = [0] * 12 + [1] * 12


def test_good_pictures_have_no_findings(make_dataset, photos):
    found = judged(make_dataset(photos, LABELS))
    assert found.findings == ()
    assert found.excluded.shape == (0,)


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("truncated", lambda data: data[: len(data) // 2]),
        ("empty", lambda data: b""),
        ("not-a-picture", lambda data: b"<html>404</html>"),
        ("unreadable", lambda data: b"\x89PNG\r\n\x1a\n" + bytes(100) + b"IEND"),
        ("bomb", lambda data: enormous()),
    ],
)
def test_broken_pictures_are_named_and_left_out(make_dataset, photos, kind, spoil):
    photos[3] = spoil(photos[3])
    found = judged(make_dataset(photos, LABELS))
    (finding,) = found.of(kind)
    assert finding.severity == "error"
    assert finding.paths == ("3.png",)
    assert "3.png" in finding.sentence
    assert found.excluded.tolist() == [3]
    assert found.because == (kind,)


def test_a_broken_picture_is_left_out_of_a_given_test_part_too(make_dataset, photos):
    photos[3] = b""
    given = [Part.TEST] * 6 + [Part.TRAIN] * 18
    assert judged(make_dataset(photos, [0, 1] * 12, given)).excluded.tolist() == [3]


def test_an_emptied_class_is_refused(make_dataset, photos):
    photos[0] = b""
    with pytest.raises(DataError, match=r"Class class0 has nothing usable left \(0\.png: empty\)"):
        judged(make_dataset(photos, [0] + [1] * 23))


def test_a_class_emptied_in_training_is_refused(make_dataset, photos):
    photos[0] = b""
    given = [Part.TRAIN] * 20 + [Part.TEST] * 4
    with pytest.raises(DataError, match="Class class0"):
        judged(make_dataset(photos, [0] + [1] * 20 + [0] * 3, given))


def test_copies_are_named_and_kept(make_dataset, photos, encode, photo):
    photos[1] = photos[0]
    photos[2] = encode(photo(0), "JPEG", quality=60)
    found = judged(make_dataset(photos, LABELS))
    assert kinds(found) == {"duplicate", "near-duplicate"}
    assert found.of("duplicate")[0].paths == ("0.png", "1.png")
    assert found.of("duplicate")[0].count == 1
    assert found.of("near-duplicate")[0].paths == ("0.png", "1.png", "2.png")
    assert found.of("near-duplicate")[0].count == 1
    assert len(found.excluded) == 0


def test_one_picture_under_two_classes_does_not_train(make_dataset, photos):
    photos[12] = photos[0]
    found = judged(make_dataset(photos, LABELS))
    (finding,) = found.of("conflicting-labels")
    assert finding.severity == "error"
    assert finding.paths == ("0.png", "12.png")
    assert found.excluded.tolist() == [0, 12]
    assert found.findings[0].severity == "error"


def test_a_given_test_part_keeps_its_conflicts(make_dataset, photos):
    photos[12] = photos[0]
    given = [Part.TRAIN] * 12 + [Part.TEST] * 12
    found = judged(make_dataset(photos, LABELS, given))
    assert found.excluded.tolist() == [0]


def test_nearly_one_picture_under_two_classes_is_a_warning(make_dataset, photos, encode, photo):
    photos[12] = encode(photo(0), "JPEG", quality=60)
    found = judged(make_dataset(photos, LABELS))
    assert found.of("conflicting-labels")[0].severity == "warning"
    assert len(found.excluded) == 0


def test_leaks_between_given_parts(make_dataset, photos, encode, photo):
    given = [Part.TRAIN] * 16 + [Part.VALIDATION] * 4 + [Part.TEST] * 4
    photos[20] = photos[0]
    photos[21] = encode(photo(2), "JPEG", quality=60)
    found = judged(make_dataset(photos, [0, 1] * 12, given))
    (finding,) = found.of("leak")
    assert finding.count == 2
    assert set(finding.paths) == {"0.png", "20.png", "2.png", "21.png"}
    assert "test" in finding.sentence
    assert "train" in finding.sentence


def test_one_tone_is_kept_out_of_training(make_dataset, photos, encode):
    photos[5] = encode(Image.new("RGB", (120, 90), (90, 90, 91)), "JPEG")
    found = judged(make_dataset(photos, LABELS))
    assert found.of("constant")[0].paths == ("5.png",)
    assert found.because == ("constant",)


def test_a_placeholder_is_named(make_dataset, photos, encode):
    image = Image.new("RGB", (200, 200), (246, 246, 246))
    ImageDraw.Draw(image).text((60, 90), "no image", fill=(120, 120, 120))
    photos[7] = encode(image.quantize(8), "GIF")
    found = judged(make_dataset(photos, LABELS))
    assert found.of("placeholder")[0].paths == ("7.png",)
    assert found.excluded.tolist() == [7]


def test_odd_sizes_are_noted(make_dataset, photos, encode, photo):
    photos[4] = encode(photo(4, (600, 60)), "JPEG")
    photos[9] = encode(photo(9, (15, 12)), "JPEG")
    found = judged(make_dataset(photos, LABELS))
    assert found.of("odd-size")[0].paths == ("4.png", "9.png")
    assert len(found.excluded) == 0


def test_small_and_unbalanced_classes(make_dataset, photos):
    found = judged(make_dataset(photos, [0] * 20 + [1] * 4))
    assert "class1 (4)" in found.of("small-class")[0].sentence
    assert "class0 has 20" in found.of("unbalanced")[0].sentence


def test_it_is_plain_json(make_dataset, photos):
    photos[3] = b""
    value = json.loads(json.dumps(judged(make_dataset(photos, LABELS)).to_json()))
    assert value["excluded"] == 1
    assert value["findings"][0]["kind"] == "empty"


def test_nothing_to_audit(make_dataset):
    assert kinds(judged(make_dataset([], []))) == {"small-class"}


def test_the_real_placeholder_is_named_and_nothing_else(shared_data: Path):
    dataset = open_data(shared_data / "hymenoptera")
    found = judged(dataset)
    assert found.of("placeholder")[0].paths == ("train/ants/imageNotFound.gif",)
    assert [dataset.store.path(index) for index in found.excluded.tolist()] == ["train/ants/imageNotFound.gif"]


@pytest.mark.parametrize("name", ["digits", "fruit"])
def test_no_false_alarm(name, request: pytest.FixtureRequest):
    source = name if name == "digits" else request.getfixturevalue("shared_data") / name
    found = judged(open_data(source))
    assert kinds(found) <= {"near-duplicate"}
    assert len(found.excluded) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_no_false_alarm_in_large_sets(name, shared_data: Path):
    found = judged(open_data(shared_data / name))
    assert kinds(found) <= {"near-duplicate", "leak"}
    assert np.array_equal(found.excluded, [])
