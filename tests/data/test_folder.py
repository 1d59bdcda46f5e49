from __future__ import annotations

import os
import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data.dataset import Dataset, Split
from discern.data.file_store import FileStore
from discern.data.folder import open_folder
from discern.errors import DataError
from discern.notices import Notice


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def paths(data: Dataset) -> list[str]:
    return [data.store.path(index) for index in range(len(data))]


def given_to(data: Dataset, split: Split) -> list[str]:
    return [data.store.path(index) for index in np.flatnonzero(data.given_split == split)]


def refused(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_folder(root)
    return str(caught.value)


# --- classes ---------------------------------------------------------------------------------------------------------


def test_a_sub_folder_is_a_class(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path / "pets", "dog/1.jpg", "cat/2.PNG", "cat/10.png"))
    assert (data.name, data.classes, data.notices) == ("pets", ("cat", "dog"), ())
    assert paths(data) == ["cat/2.PNG", "cat/10.png", "dog/1.jpg"]
    assert data.labels.tolist() == [0, 0, 1]
    assert (data.given_split == Split.NONE).all()
    assert data.store.read(1) == b"cat/10.png"


def test_labels_sort_naturally(tmp_path: Path) -> None:
    assert open_folder(fill(tmp_path, "10/a.jpg", "9/a.jpg", "1/a.jpg")).classes == ("1", "9", "10")


def test_unicode_names(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path / "水果", "蘋果/紅 1.jpg", "香蕉/🍌.jpg"))
    assert (data.name, data.classes) == ("水果", ("蘋果", "香蕉"))
    assert paths(data) == ["蘋果/紅 1.jpg", "香蕉/🍌.jpg"]
    assert data.store.read(0) == "蘋果/紅 1.jpg".encode()


def test_composed_and_decomposed_names_are_one_class(tmp_path: Path) -> None:
    other = unicodedata.normalize("NFD", "café")
    data = open_folder(fill(tmp_path, "train/café/1.jpg", "train/tea/1.jpg", f"test/{other}/2.jpg", "test/tea/2.jpg"))
    assert data.classes == ("café", "tea")
    assert all(data.store.read(index) for index in range(4))


@pytest.mark.skipif(os.name == "nt", reason="file names are bytes on POSIX only")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    fill(tmp_path, "b/1.jpg")
    folder = os.fsencode(tmp_path) + b"/\xa4\xf4"
    try:
        os.mkdir(folder)  # noqa: PTH102
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with open(folder + b"/1.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"here")
    data = open_folder(tmp_path)
    assert data.store.read(data.labels.tolist().index(data.classes.index("\\xa4\\xf4"))) == b"here"
    assert all(name.encode() for name in (*data.classes, *paths(data)))


def test_deeper_folders_count_to_the_class(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path, "a/x/y/1.jpg", "a/2.jpg", "b/1.jpg"))
    assert data.counts() == {"a": 2, "b": 1}
    assert paths(data) == ["a/2.jpg", "a/x/y/1.jpg", "b/1.jpg"]


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    junk = (
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/notes.txt",
        "a/._1.jpg",
        ".git/x/1.jpg",
        "__MACOSX/a/1.jpg",
        "a/.hidden/1.jpg",
    )
    data = open_folder(fill(tmp_path, "a/1.jpg", "b/1.jpg", *junk))
    assert (data.classes, paths(data)) == (("a", "b"), ["a/1.jpg", "b/1.jpg"])


def test_a_folder_named_like_an_image_is_a_folder(tmp_path: Path) -> None:
    assert len(open_folder(fill(tmp_path, "a/1.jpg/2.jpg", "b/1.jpg"))) == 2


def test_empty_class_folders_and_loose_images_are_said(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg", "loose.jpg")
    (tmp_path / "c").mkdir()
    data = open_folder(tmp_path)
    assert (data.classes, len(data)) == (("a", "b"), 2)
    assert data.notices == (
        Notice("data.loose_images_left_out", {"n": 1}),
        Notice("data.empty_classes", {"n": 1, "names": ["c"]}),
    )


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    fill(tmp_path, "elsewhere/1.jpg", "data/a/1.jpg", "data/b/1.jpg")
    (tmp_path / "data/a/link.jpg").symlink_to(tmp_path / "elsewhere/1.jpg")
    (tmp_path / "data/a/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data/a")
    (tmp_path / "data/c").symlink_to(tmp_path / "elsewhere")
    data = open_folder(tmp_path / "data")
    assert paths(data) == ["a/1.jpg", "a/gone.jpg", "a/link.jpg", "b/1.jpg", "c/1.jpg"]
    assert data.store.read(2) == b"elsewhere/1.jpg"
    with pytest.raises(OSError):
        data.store.read(1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_are_not_opened(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    assert len(open_folder(tmp_path)) == 2


# --- splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "VALID", "Testing"), ("TRAIN", "Validation", "Test")]
)
def test_three_splits_are_respected(tmp_path: Path, names: tuple[str, str, str]) -> None:
    data = open_folder(fill(tmp_path, *(f"{name}/{label}/1.jpg" for name in names for label in "ab")))
    for name, split in zip(names, (Split.TRAIN, Split.VALIDATION, Split.TEST), strict=True):
        assert given_to(data, split) == [f"{name}/a/1.jpg", f"{name}/b/1.jpg"]
    assert (data.classes, data.notices) == (("a", "b"), ())


@pytest.mark.parametrize("second", ["val", "valid", "Validation", "test", "holdout"])
def test_the_second_of_two_splits_is_the_test_split(tmp_path: Path, second: str) -> None:
    data = open_folder(fill(tmp_path, "train/a/1.jpg", "train/b/1.jpg", f"{second}/a/1.jpg", f"{second}/b/1.jpg"))
    assert given_to(data, Split.TRAIN) == ["train/a/1.jpg", "train/b/1.jpg"]
    assert given_to(data, Split.TEST) == [f"{second}/a/1.jpg", f"{second}/b/1.jpg"]
    if second.lower().startswith("val"):
        assert data.notices == (Notice("data.validation_used_as_test", {"split": second, "train": "train"}),)


def test_a_test_split_without_class_folders_is_unlabeled(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path, "Train/a/1.jpg", "Train/b/1.jpg", "Test/x.jpg", "Test/deep/y.jpg"))
    assert given_to(data, Split.UNLABELED) == ["Test/x.jpg", "Test/deep/y.jpg"]
    assert (data.labels[data.given_split == Split.UNLABELED] == -1).all()
    assert given_to(data, Split.TRAIN) == ["Train/a/1.jpg", "Train/b/1.jpg"]
    assert data.notices == (Notice("data.loose_images_unlabeled", {"n": 2, "folder": "Test"}),)


def test_with_an_unlabeled_test_split_the_validation_split_is_scored(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{split}/{label}/1.jpg" for split in ("train", "val") for label in "ab"), "test/x.jpg")
    data = open_folder(tmp_path)
    assert given_to(data, Split.TEST) == ["val/a/1.jpg", "val/b/1.jpg"]
    assert len(data.notices) == 2


def test_a_split_alone_is_no_split(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path, "train/a/1.jpg", "train/b/1.jpg"))
    assert (data.classes, set(data.given_split.tolist())) == (("a", "b"), {Split.NONE})


def test_classes_of_one_split_only_are_classes(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/b/1.jpg", "test/c/1.jpg"))
    assert data.counts() == {"a": 1, "b": 2, "c": 1}


def test_other_folders_beside_the_splits_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, *(f"{split}/{label}/1.jpg" for split in ("train", "test") for label in "ab"), "extra/a/1.jpg")
    data = open_folder(tmp_path)
    assert (len(data), data.notices) == (4, (Notice("data.folders_left_out", {"names": ["extra"]}),))


def test_trains_among_cars_are_a_class(tmp_path: Path) -> None:
    assert open_folder(fill(tmp_path, "train/1.jpg", "bus/1.jpg", "car/1.jpg")).classes == ("bus", "car", "train")
    assert open_folder(fill(tmp_path / "two", "train/1.jpg", "bus/1.jpg")).classes == ("bus", "train")


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_missing_folder(tmp_path: Path) -> None:
    assert "There is no folder" in refused(tmp_path / "nowhere")


def test_empty_folder(tmp_path: Path) -> None:
    assert refused(tmp_path).endswith("has no images: put them in one sub-folder per class.")


def test_no_images(tmp_path: Path) -> None:
    assert "has no images" in refused(fill(tmp_path, "a/notes.txt", "b/notes.txt"))


def test_loose_images(tmp_path: Path) -> None:
    assert "has images outside class folders" in refused(fill(tmp_path, "1.jpg", "2.jpg"))


def test_one_class_is_opened_for_evaluation(tmp_path: Path) -> None:
    data = open_folder(fill(tmp_path, "a/1.jpg", "b/notes.txt"))
    assert data.classes == ("a",)
    assert [notice.text() for notice in data.notices] == [
        "Files that are not read as images are left out (1: .txt 1).",
        "Classes without images are left out (1): b.",
        "There is one class only, a: enough to evaluate a model, too few to train one.",
    ]


def test_classes_one_folder_further_in(tmp_path: Path) -> None:
    assert str(tmp_path / "inner") in refused(fill(tmp_path, "inner/a/1.jpg", "inner/b/1.jpg"))


def test_train_split_without_class_folders(tmp_path: Path) -> None:
    assert "The train split" in refused(fill(tmp_path, "train/1.jpg", "test/1.jpg"))


def test_splits_but_none_to_train_on(tmp_path: Path) -> None:
    root = fill(tmp_path, *(f"{split}/{label}/1.jpg" for split in ("val", "test") for label in "ab"))
    assert "name one of them train" in refused(root)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_is_not_readable(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "a").chmod(0)
    try:
        assert "is not readable" in refused(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)


# --- the store -------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1), max_size=20))
@settings(max_examples=50, deadline=None)
def test_names_come_back(names: list[str]) -> None:
    store = pickle.loads(pickle.dumps(FileStore("root", [names[:3], names[3:]])))
    assert [store.path(index) for index in range(len(store))] == names


def test_the_version_key_follows_the_files(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    keys = [open_folder(tmp_path).store.version_key(), open_folder(tmp_path).store.version_key()]
    assert keys[0] == keys[1]
    (tmp_path / "a/1.jpg").write_bytes(b"something else")
    keys.append(open_folder(tmp_path).store.version_key())
    os.utime(tmp_path / "a/1.jpg", (1, 1))
    keys.append(open_folder(tmp_path).store.version_key())
    (tmp_path / "a/1.jpg").rename(tmp_path / "a/2.jpg")
    keys.append(open_folder(tmp_path).store.version_key())
    assert len(set(keys)) == 4


def test_a_file_replaced_with_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    os.utime(tmp_path / "a/1.jpg", (1, 1))
    store = open_folder(tmp_path).store  # also where the data set stays open
    before, content = store.version_key(), (tmp_path / "a/1.jpg").read_bytes()
    (tmp_path / "a/1.jpg").write_bytes(content[::-1])
    os.utime(tmp_path / "a/1.jpg", (1, 1))
    assert store.version_key() != before


# --- real images ---------------------------------------------------------------------------------------------------


def test_fruit(shared_data: Path) -> None:
    data = open_folder(shared_data / "fruit")
    assert data.counts() == {"Apple": 49, "Banana": 39, "Watermelon": 51}
    assert len(given_to(data, Split.UNLABELED)) == 3
    assert len(given_to(data, Split.TRAIN)) == 139


def test_hymenoptera(shared_data: Path) -> None:
    data = open_folder(shared_data / "hymenoptera")
    assert data.classes == ("ants", "bees")
    assert "train/ants/imageNotFound.gif" in given_to(data, Split.TRAIN)
    assert all(path.startswith("val/") for path in given_to(data, Split.TEST))
    assert len(data.notices) == 1
