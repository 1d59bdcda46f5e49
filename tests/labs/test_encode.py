"""ID numbers by their arithmetic, labels against scikit-learn, and features of images that are found or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from discern.errors import ConfigError, DataError
from discern.labs.encode import separability
from discern.labs.encode.lab import run
from discern.labs.encode.labels import Labels
from discern.labs.encode.national_id import CODES, WEIGHTS, NationalId, add_check_digit, compute_remainder
from discern.labs.encode.separability import Separability
from tests.images import make_folder

STARTS = st.from_regex("[A-Z][1289][0-9]{7}", fullmatch=True)


def _id(number: str, generate: int = 0, seed: int = 0) -> NationalId:
    found = run("id", number=number, generate=generate, seed=seed)
    assert isinstance(found, NationalId)
    return found


def test_the_letters_count_as_10_to_35_in_the_rules_own_order() -> None:
    assert sorted(CODES.values()) == list(range(10, 36)) and len(CODES) == 26
    assert {letter: CODES[letter] for letter in "AHIJNOPVWXYZ"} == {
        **{"A": 10, "H": 17, "I": 34, "J": 18, "N": 22, "O": 35},
        **{"P": 23, "V": 29, "W": 32, "X": 30, "Y": 31, "Z": 33},
    }


@settings(max_examples=60, deadline=None)
@given(start=STARTS)
def test_exactly_one_of_ten_check_digits_is_valid(start: str) -> None:
    valid = [last for last in "0123456789" if compute_remainder(start + last) == 0]
    assert [start + last for last in valid] == [add_check_digit(start)]
    found = _id(start + "0")
    assert found.corrected == add_check_digit(start) and found.is_valid == (valid == ["0"])
    assert found.total == sum(digit * weight for digit, weight in zip(found.digits.tolist(), WEIGHTS, strict=True))


@settings(max_examples=40, deadline=None)
@given(start=STARTS, place=st.integers(1, 9), digit=st.sampled_from("0123456789"))
def test_a_changed_digit_is_detected_or_listed(start: str, place: int, digit: str) -> None:
    number = add_check_digit(start)
    changed = number[:place] + digit + number[place + 1 :]
    if changed != number:
        assert (compute_remainder(changed) == 0) == (digit in _id(number).undetected[place])
    if np.gcd(WEIGHTS[place + 1], 10) == 1:
        assert not _id(number).undetected[place]


@settings(max_examples=40, deadline=None)
@given(start=STARTS, place=st.integers(1, 8))
def test_swaps_are_detected_except_of_the_last_two(start: str, place: int) -> None:
    number = add_check_digit(start)
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert (compute_remainder(swapped) == 0) == (place == 8 or number[place] == number[place + 1])


def test_generated_numbers_are_valid_seeded_and_of_counties_of_today() -> None:
    generated = _id("A123456789", generate=300, seed=4).generated
    assert (
        generated
        == _id("A123456789", generate=300, seed=4).generated
        != _id("A123456789", generate=300, seed=5).generated
    )
    assert all(_id(number).is_valid for number in generated)
    assert not {number[0] for number in generated} & set("LRSY")
    assert {number[1] for number in generated} == {"1", "2"}


def test_what_the_letter_and_the_second_digit_say() -> None:
    assert _id("a123456789").sentences()[1] == "A is Taipei City, 1 a man."
    assert "Kaohsiung City, 2 a woman." in _id("E223456789").sentences()[1]
    assert "9 a woman who is a foreign resident" in _id("A923456789").sentences()[1]


@pytest.mark.parametrize(
    "number", ["", "A12345678", "A1234567890", "1123456789", "A323456789", "A12345678x", "Å123456789"]
)
def test_a_number_of_wrong_form(number: str) -> None:
    with pytest.raises(ConfigError, match="Expected an ID number"):
        run("id", number=number)


@settings(max_examples=30, deadline=None)
@given(words=st.lists(st.sampled_from(["ant", "bee", "cat", "dog"]), min_size=1, max_size=12))
def test_labels_agree_with_scikit_learn(words: list[str]) -> None:
    found = run("labels", words=", ".join(words))
    assert isinstance(found, Labels)
    assert found.codes.tolist() == LabelEncoder().fit_transform(words).tolist()
    column = np.array(words)[:, None]
    assert found.one_hot.tolist() == OneHotEncoder(sparse_output=False).fit_transform(column).tolist()


def test_words_with_spaces_or_chinese_commas_between() -> None:
    for text in ("貓 狗 貓", "貓，狗，貓", "貓、狗、貓"):
        assert run("labels", words=text).words == ("貓", "狗", "貓")  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="got 0 words of 0 classes"):
        run("labels", words=" , ")


def test_features_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISCERN_DATA", "DISCERN_WEIGHTS"):
        monkeypatch.delenv(variable, raising=False)  # no weights are beside them
    found = run("features", images=str(make_folder(tmp_path / "colours", n=5)))
    assert isinstance(found, Separability)
    assert [kind.size for kind in found.kinds] == [10, 256, 4356, 256]
    assert len(found.labels) == 15 and found.kinds[0].correct == 15 and 0.7 < found.kinds[0].one_shot < 1
    assert any(notice.code == "labs.no_trained_weights" for notice in found.notices)
    found.save(tmp_path / "features.png")


def test_an_image_is_not_its_own_neighbor() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(40) % 4
    features = random.normal(size=(40, 3)) + labels[:, None]
    features[1] = features[0]  # the same image twice, in two classes
    standard = StandardScaler().fit_transform(features)
    predicted = cross_val_predict(KNeighborsClassifier(1), standard, labels, cv=LeaveOneOut())
    assert separability._measure("features", features, labels).correct == (predicted == labels).sum() < 40


def test_without_the_fruit_the_digits_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separability, "MAX_IMAGES", 40)
    monkeypatch.delenv("DISCERN_DATA", raising=False)
    found = run("features")
    assert isinstance(found, Separability)
    assert found.name == "digits" and len(found.labels) == 40
    assert any("fruit images were not found" in message for message in found.sentences())


def test_the_fruit_and_a_trained_network(
    shared_data: Path, shared_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    monkeypatch.setenv("DISCERN_WEIGHTS", str(shared_weights))
    found = run("features")
    assert isinstance(found, Separability)
    if found.name != "fruit":
        pytest.skip("no fruit")
    untrained, trained = found.kinds[-2:]
    assert (len(found.labels), found.notices) == (139, ())
    assert trained.one_shot > untrained.one_shot


def test_too_few_images(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too few images to compare"):
        run("features", images=str(make_folder(tmp_path / "colours", n=1)))


def test_images_that_are_not_there() -> None:
    with pytest.raises(DataError, match="Unknown data set"):
        run("features", images="fruits")
