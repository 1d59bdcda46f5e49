from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from discern.data.dataset import Dataset, Split
from discern.data.duplicates import find_duplicates
from discern.data.findings import Audit
from discern.data.image_audit import audit_images
from discern.data.open import open_data
from discern.data.scan import scan_images


def judge(dataset: Dataset) -> Audit:
    stats = scan_images(dataset)
    return audit_images(dataset, stats, find_duplicates(stats))


def codes(audit: Audit) -> set[str]:
    return {finding.code for finding in audit.findings}


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


def test_good_images_have_no_findings(make_dataset, photos):
    audit = judge(make_dataset(photos, LABELS))
    assert audit.findings == ()
    assert audit.excluded.shape == (0,)


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("truncated", lambda data: data[: len(data) // 2]),
        ("empty", lambda data: b""),
        ("not_an_image", lambda data: b"<html>404</html>"),
        ("unreadable", lambda data: b"\x89PNG\r\n\x1a\n" + bytes(100) + b"IEND"),
        ("decompression_bomb", lambda data: enormous()),
    ],
)
def test_broken_images_are_named_and_left_out(make_dataset, photos, code, spoil):
    photos[3] = spoil(photos[3])
    audit = judge(make_dataset(photos, LABELS))
    (finding,) = audit.select(code)
    assert finding.severity == "error"
    assert finding.paths == ("3.png",)
    assert "3.png" in finding.text()
    assert audit.excluded.tolist() == [3]
    assert audit.exclusion_reasons == (code,)


def test_a_broken_image_is_left_out_of_a_given_test_split_too(make_dataset, photos):
    photos[3] = b""
    given_split = [Split.TEST] * 6 + [Split.TRAIN] * 18
    assert judge(make_dataset(photos, [0, 1] * 12, given_split)).excluded.tolist() == [3]


def test_an_emptied_class_is_a_finding(make_dataset, photos):
    photos[0] = b""
    (finding,) = judge(make_dataset(photos, [0] + [1] * 23)).select("unusable_class")
    assert (finding.severity, finding.count) == ("error", 1) and "class0 (0.png: empty file)" in finding.text()


def test_a_class_emptied_in_training_is_a_finding(make_dataset, photos):
    photos[0] = b""
    given_split = [Split.TRAIN] * 20 + [Split.TEST] * 4
    audit = judge(make_dataset(photos, [0] + [1] * 20 + [0] * 3, given_split))
    assert "class0" in audit.select("unusable_class")[0].text()


def test_a_set_without_one_good_image_is_judged(make_dataset):
    audit = judge(make_dataset([b""] * 4, [0, 1, 0, 1]))
    assert audit.select("unusable_class")[0].count == 2


def test_duplicates_are_named_and_stay(make_dataset, photos, encode, photo):
    photos[1] = photos[0]
    photos[2] = encode(photo(0), "JPEG", quality=60)
    audit = judge(make_dataset(photos, LABELS))
    assert codes(audit) == {"duplicate", "near_duplicate"}
    assert audit.select("duplicate")[0].paths == ("0.png", "1.png")
    assert audit.select("duplicate")[0].count == 1
    assert audit.select("near_duplicate")[0].paths == ("0.png", "1.png", "2.png")
    assert audit.select("near_duplicate")[0].count == 1
    assert len(audit.excluded) == 0


def test_one_image_under_two_classes_does_not_train(make_dataset, photos):
    photos[12] = photos[0]
    audit = judge(make_dataset(photos, LABELS))
    (finding,) = audit.select("conflicting_labels")
    assert finding.severity == "error"
    assert finding.paths == ("0.png", "12.png")
    assert audit.excluded.tolist() == [0, 12]
    assert audit.findings[0].severity == "error"


def test_a_given_test_split_keeps_its_conflicts(make_dataset, photos):
    photos[12] = photos[0]
    given_split = [Split.TRAIN] * 12 + [Split.TEST] * 12
    audit = judge(make_dataset(photos, LABELS, given_split))
    assert audit.excluded.tolist() == [0]


def test_nearly_one_image_under_two_classes_is_a_warning(make_dataset, photos, encode, photo):
    photos[12] = encode(photo(0), "JPEG", quality=60)
    audit = judge(make_dataset(photos, LABELS))
    assert audit.select("near_conflicting_labels")[0].severity == "warning"
    assert len(audit.excluded) == 0


def test_leaks_between_given_splits(make_dataset, photos, encode, photo):
    given_split = [Split.TRAIN] * 16 + [Split.VALIDATION] * 4 + [Split.TEST] * 4
    photos[20] = photos[0]
    photos[21] = encode(photo(2), "JPEG", quality=60)
    audit = judge(make_dataset(photos, [0, 1] * 12, given_split))
    (finding,) = audit.select("leak")
    assert finding.count == 2
    assert set(finding.paths) == {"0.png", "20.png", "2.png", "21.png"}
    assert finding.text().startswith(
        "Data leak: test examples that are duplicates or near duplicates of training examples (2): "
    )


def test_nearly_uniform_is_left_out_of_training(make_dataset, photos, encode):
    photos[5] = encode(Image.new("RGB", (120, 90), (90, 90, 91)), "JPEG")
    audit = judge(make_dataset(photos, LABELS))
    assert audit.select("constant")[0].paths == ("5.png",)
    assert audit.exclusion_reasons == ("constant",)


def test_a_placeholder_is_named(make_dataset, photos, encode):
    image = Image.new("RGB", (200, 200), (246, 246, 246))
    ImageDraw.Draw(image).text((60, 90), "no image", fill=(120, 120, 120))
    photos[7] = encode(image.quantize(8), "GIF")
    audit = judge(make_dataset(photos, LABELS))
    assert audit.select("placeholder")[0].paths == ("7.png",)
    assert audit.excluded.tolist() == [7]


def test_odd_sizes_are_noted(make_dataset, photos, encode, photo):
    photos[4] = encode(photo(4, (600, 60)), "JPEG")
    photos[9] = encode(photo(9, (15, 12)), "JPEG")
    audit = judge(make_dataset(photos, LABELS))
    assert audit.select("odd_size")[0].paths == ("4.png", "9.png")
    assert len(audit.excluded) == 0


def test_nothing_to_audit(make_dataset):
    assert codes(judge(make_dataset([], []))) == set()


def test_the_real_placeholder_is_named_and_nothing_else(shared_data: Path):
    dataset = open_data(shared_data / "hymenoptera")
    audit = judge(dataset)
    assert audit.select("placeholder")[0].paths == ("train/ants/imageNotFound.gif",)
    assert [dataset.store.path(index) for index in audit.excluded.tolist()] == ["train/ants/imageNotFound.gif"]


@pytest.mark.parametrize("name", ["digits", "fruit"])
def test_no_false_alarm(name, request: pytest.FixtureRequest):
    source = name if name == "digits" else request.getfixturevalue("shared_data") / name
    audit = judge(open_data(source))
    assert codes(audit) <= {"near_duplicate"}
    assert len(audit.excluded) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_no_false_alarm_in_large_sets(name, shared_data: Path):
    audit = judge(open_data(shared_data / name))
    assert codes(audit) <= {"near_duplicate", "leak"}
    assert np.array_equal(audit.excluded, [])


def test_long_images_are_measured(make_dataset, encode, photo):
    strips = [encode(photo(number, (240, 30))) for number in range(12)]
    mixed = strips[:1] + [encode(photo(number + 20)) for number in range(23)]
    padded, cropped = judge(make_dataset(strips)), judge(make_dataset(mixed, LABELS))
    assert padded.select("long_padded")[0].fields["hidden"] == pytest.approx(7 / 8)
    assert cropped.select("long")[0].paths == ("0.png",)


def test_a_class_of_long_images_counts(make_dataset, encode, photo):
    files = [encode(photo(number, (240, 30) if number < 2 else (90, 90))) for number in range(24)]
    dataset = make_dataset(files, [0] * 3 + [1] * 21)
    assert judge(dataset).select("long_padded")


def test_rotated_images_are_noticed_and_round_fields_are_not(make_dataset, encode, photo):
    centers = [(0, 0), (119, 0), (0, 119), (119, 119)]
    turned = [photo(number, (120, 120)).rotate(15, center=centers[number % 4]) for number in range(12)]
    mask = Image.new("L", (120, 120), 0)
    ImageDraw.Draw(mask).ellipse([0, 0, 119, 119], fill=255)
    black = Image.new("RGB", (120, 120))
    rounded = [Image.composite(photo(number, (120, 120)), black, mask) for number in range(12)]
    assert judge(make_dataset([encode(image) for image in turned])).select("rotated")
    assert not judge(make_dataset([encode(image) for image in rounded])).select("rotated")


def test_a_group_in_two_given_splits_is_said(make_dataset, photos):
    dataset = make_dataset(photos, LABELS, [Split.TRAIN, Split.TEST] * 12)
    groups = np.arange(24) // 2
    groups[2:] += np.arange(22) % 2 * 50
    audit = judge(dataclasses.replace(dataset, groups=groups))
    assert audit.select("group_leak")[0].count == 1
