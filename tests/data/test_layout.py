"""Arrangements of folders that people bring: recognized, or refused by name; never learnt as what they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from discern.data.dataset import ImageDataset, Split
from discern.data.folder import open_folder
from discern.errors import DataError


def nest(tops: str, inner: str, n: int = 2) -> list[str]:
    """Return ``n`` files for each pair of a folder of ``tops`` and one of ``inner``, separated by commas."""
    return [f"{top}/{name}/{k}.jpg" for top in tops.split(",") for name in inner.split(",") for k in range(n)]


def arrange(root: Path, names: list[str], class_depth: int = 0) -> ImageDataset:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return open_folder(root, class_depth)


def splits_of(data: ImageDataset) -> str:
    """Return the number of images of each split that has some: ``TRAIN 4, TEST 4``."""
    counts = np.bincount(data.given_split, minlength=5)
    return ", ".join(f"{split.name} {counts[split]}" for split in Split if counts[split])


def codes(data: ImageDataset) -> list[str]:
    return [notice.code.removeprefix("data.") for notice in data.notices]


@pytest.mark.parametrize(
    ("names", "splits", "noted"),
    [
        (nest("training_set,test_set", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name"]),
        (nest("train_images,test_images", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name"]),
        (nest("Training data,Testing data", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name"]),
        (nest("TrainSet,TestSet", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name"]),
        (nest("train2017,val2017,test2017", "a,b"), "TRAIN 4, VALIDATION 4, TEST 4", ["splits_by_name"]),
        (nest("train,dev,eval", "a,b"), "TRAIN 4, VALIDATION 4, TEST 4", ["splits_by_name"]),
        (nest("train,eval,test", "a,b"), "TRAIN 4, VALIDATION 4, TEST 4", ["splits_by_name"]),
        (nest("train,val,TEST_SIMPLE", "a,b"), "TRAIN 4, VALIDATION 4, TEST 4", ["splits_by_name"]),
        (nest("fruit_train,fruit_test", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name"]),
        (nest("訓練集,驗證集,測試集", "a,b"), "TRAIN 4, VALIDATION 4, TEST 4", ["splits_by_name"]),
        (nest("trainval,test", "a,b"), "TRAIN 4, TEST 4", []),
        (nest("train/images,test/images", "a,b"), "TRAIN 4, TEST 4", ["classes_inside"]),
        (nest("seg_train/seg_train,seg_test/seg_test", "a,b"), "TRAIN 4, TEST 4", ["splits_by_name", "classes_inside"]),
        (nest("train,test,masks", "a,b"), "TRAIN 4, TEST 4", ["folders_left_out"]),
        (nest("TRAIN,data", "a,b"), "NONE 4", ["folders_left_out"]),
        (nest("train_images,train_masks", "a,b"), "NONE 4", ["splits_by_name", "folders_left_out"]),
        ([*nest("train,test", "a,b"), "1.jpg"], "TRAIN 4, TEST 4", ["loose_images_left_out"]),
        ([*nest("train,val", "a,b"), "TEST_SIMPLE/1.jpg"], "TRAIN 4, TEST 4, UNLABELED 1", None),
    ],
)
def test_folders_of_splits(tmp_path: Path, names: list[str], splits: str, noted: list[str] | None) -> None:
    data = arrange(tmp_path, names)
    assert (data.classes, splits_of(data)) == (("a", "b"), splits)
    assert noted is None or codes(data) == noted


@pytest.mark.parametrize(
    ("names", "classes", "splits", "noted"),
    [
        (nest("ant,bee", "train,test"), "ant bee", "TRAIN 4, TEST 4", ["splits_in_classes"]),
        (nest("ant,bee", "ant_train,ant_test"), "ant bee", "TRAIN 4, TEST 4", ["splits_in_classes"]),
        ([*nest("ant,bee", "train,val,test"), "cat/1.jpg"], "ant bee cat", "TRAIN 5, VALIDATION 4, TEST 4", None),
        (nest("fold_1,fold_2", "a,b"), "a b", "NONE 8", ["repeated_classes"]),
        (nest("art,photo,sketch", "dog,cat"), "cat dog", "NONE 12", ["repeated_classes"]),
        (nest("p1,p2,p3,p4,p5,p6", "benign,malignant")[:-2], "benign malignant", "NONE 22", ["repeated_classes"]),
        (["ant/day/1.jpg", "ant/night/2.jpg", "bee/3.jpg"], "ant bee", "NONE 3", ["folders_in_classes"]),
        (["ant/1.jpg", "masks/1.png"], "ant masks", "NONE 2", ["doubtful_classes"]),
        (["mask/1.jpg", "no_mask/1.jpg"], "mask no_mask", "NONE 2", []),
        (["train_station/1.jpg", "bus_stop/1.jpg"], "bus_stop train_station", "NONE 2", []),
        (["train/good/1.jpg", "test/good/1.jpg", "test/bad/1.jpg"], "bad good", "TRAIN 1, TEST 2", []),
        (nest("train/good,test/good,test/bad", "x,y", 1), "bad good", "TRAIN 2, TEST 4", None),
        (nest("train", "ant,Bee") + nest("test", "ant,bee"), "ant Bee bee", "TRAIN 4, TEST 4", ["similar_classes"]),
        (nest("train", "ice cream") + nest("test", "ｉce_Cream"), "ice cream ｉce_Cream", "TRAIN 2, TEST 2", None),
    ],
)
def test_folders_of_classes(tmp_path: Path, names: list[str], classes: str, splits: str, noted: list[str]) -> None:
    data = arrange(tmp_path, names)
    assert (" ".join(data.classes), splits_of(data)) == (classes, splits)
    assert noted is None or codes(data) == noted


@pytest.mark.parametrize(
    ("names", "group_of"),
    [
        (nest("fold_1,fold_2,fold_3", "a,b"), lambda path: path.split("/")[0]),
        (nest("a,b", "fold1,fold2,fold3"), lambda path: path.split("/")[1]),
    ],
)
def test_folds_are_groups(tmp_path: Path, names: list[str], group_of) -> None:
    data = arrange(tmp_path, names)
    assert (data.classes, codes(data), splits_of(data)) == (("a", "b"), ["folds"], "NONE 12")
    folds = [group_of(data.store.path(index)) for index in range(len(data))]
    assert data.groups is not None
    assert len(set(zip(folds, data.groups.tolist(), strict=True))) == len(set(folds)) == 3


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["images/1.jpg", "masks/1.png"], "({images, masks}) are not named like classes"),
        (nest("images,masks", "a,b"), "did you mean {root}/images?"),
        (nest("data/images", "a,b"), "did you mean {root}/data/images?"),
        (nest("images", "train,test"), "did you mean {root}/images?"),
        ([*nest("data", "a,b"), "labels.csv"], "did you mean {root}/data?"),
        (["data/1.jpg", "data/2.jpg", "labels.csv"], "or use {root}/labels.csv"),
        (["images/1.jpg", "labels/1.txt"], "are not named like classes"),
        (["train_images/1.jpg", "train_masks/1.png"], "are not named like classes"),
        (["train/images/1.jpg", "train/labels/1.txt", "valid/images/1.jpg"], "are not named like classes"),
        (["TRAIN/1.jpg", "TRAIN/2.jpg", "labels.csv"], "no class folders"),
        (["seg_train/1.jpg", "seg_test/1.jpg"], "no class folders"),
        (["1.jpg", "2.jpg", "labels.csv"], "use {root}/labels.csv"),
        (nest("top/inner", "a,b"), "use {root}/top/inner instead"),
        (nest("top/train,top/test", "a,b"), "use {root}/top instead"),
        (nest("top/train", "a,b"), "use {root}/top instead"),
        (nest("fruit/train,fruit/test", "x,y") + nest("tree/train,tree/test", "z,w"), "use {root}/fruit instead"),
        (["a/1.dcm", "b/2.dcm", "b/3.txt"], "(3: .dcm 2, .txt 1)"),
    ],
)
def test_what_is_no_class_is_refused_by_name(tmp_path: Path, names: list[str], said: str) -> None:
    said = said.replace("{images, masks}", "images, masks").replace("{root}", str(tmp_path))
    with pytest.raises(DataError) as caught:
        arrange(tmp_path, names)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("names", "depth", "classes", "splits"),
    [
        (["images/1.jpg", "masks/1.png"], 1, "images masks", "NONE 2"),
        (nest("ant,bee", "day,night"), 1, "ant bee", "NONE 8"),
        (nest("ant,bee", "day,night"), 2, "day night", "NONE 8"),
        (nest("x/train,x/test", "a,b"), 3, "a b", "TRAIN 4, TEST 4"),
    ],
)
def test_the_depth_of_classes_can_be_said(
    tmp_path: Path, names: list[str], depth: int, classes: str, splits: str
) -> None:
    data = arrange(tmp_path, names, depth)
    assert (" ".join(data.classes), splits_of(data)) == (classes, splits)


def test_a_depth_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images in folders at depth 3"):
        arrange(tmp_path, nest("a,b", "c,d"), 3)
