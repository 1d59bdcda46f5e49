"""Names as sources write them: normalized, in natural order, abbreviated, and read as the name of a split."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from discern.data.dataset import Split

T = TypeVar("T")


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text as a set, for the tables of names here.

    Examples
    --------
    >>> sorted(words_of("a b"))
    ['a', 'b']
    """
    return frozenset(text.split())


_NAMES = {
    Split.TRAIN: "train training trn trainval trainvalid 訓練 训练",
    Split.VALIDATION: "val valid validation validating dev devel development 驗證 验证",
    Split.TEST: "test testing tst holdout heldout eval evaluation evaluating 測試 测试",
}
_SPLITS = {name: split for split, names in _NAMES.items() for name in names.split()}
_LATER_TEST = frozenset(("eval", "evaluation", "evaluating"))  # the test split, unless another is called so
# What stands beside the word in training_set, train_images, "Training data", 訓練集.
FILLERS = words_of(
    "set sets data dataset image images img imgs photo photos picture pictures pics sample samples split folder "
    "folders file files of the for 集 資料 資料集 数据 数据集 影像 圖片 图片 相片 照片"
)
_DIGITS = re.compile("[0-9]+")
_WORDS = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])")
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")


def natural_key(name: str) -> str:
    """Return a sort key under which numbers inside names count as numbers, and letter case only breaks ties.

    Examples
    --------
    >>> sorted(["10.png", "b2", "9.png", "B10", "b1"], key=natural_key)
    ['9.png', '10.png', 'b1', 'b2', 'B10']
    """
    return _DIGITS.sub(_sortable_number, name.casefold()) + "\0" + name


def _sortable_number(digits: re.Match[str]) -> str:
    bare = digits[0].lstrip("0")
    return f"{len(bare):04d}{bare}"  # how many digits, then the digits: orders numbers of any length


def normalize_name(name: str) -> str:
    """Return a name from the file system as text that any file can hold: composed, without bytes that are not UTF-8.

    Examples
    --------
    >>> normalize_name("cafe\\u0301") == "caf\\u00e9"
    True
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as Windows and JSON allow
        raw = name.encode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", raw.decode("utf-8", "backslashreplace"))


def abbreviate(names: Sequence[T], max_names: int = 5) -> list[T | str]:
    """Return the first names, and an ellipsis where there are more.

    Examples
    --------
    >>> abbreviate(["a", "b", "c"], max_names=2)
    ['a', 'b', '…']
    """
    return [*names[:max_names], "…"] if len(names) > max_names else list(names)


def split_from_name(name: str) -> Split:
    """Return the split that a folder, a file or a cell of this name stands for; `Split.NONE` for any other name.

    Examples
    --------
    >>> [split_from_name(name).name for name in ("Valid", "training_set", "Test images 2", "apple", "test_tube")]
    ['VALIDATION', 'TRAIN', 'TEST', 'NONE', 'NONE']
    """
    words = [word for word in name_words(name) if word not in FILLERS]
    if words in (["train", "val"], ["train", "valid"], ["training", "validation"]):
        return Split.TRAIN  # both in one folder
    return _SPLITS.get(words[0], Split.NONE) if len(words) == 1 else Split.NONE


def split_in_name(name: str) -> Split:
    """Return the split that the first or the last word of a name stands for: less certain than `split_from_name`.

    Examples
    --------
    >>> [split_in_name(name).name for name in ("TEST_SIMPLE", "seg_train", "latest")]
    ['TEST', 'TRAIN', 'NONE']
    """
    words = [word for word in name_words(name) if word not in FILLERS] or [""]
    found = [split for word in (words[0], words[-1]) if (split := _SPLITS.get(word, Split.NONE)) != Split.NONE]
    return found[0] if len(set(found)) == 1 else Split.NONE


def is_plain_split(name: str) -> bool:
    """Return whether a name is the word for a split and nothing else: Train, but not train_images.

    Examples
    --------
    >>> is_plain_split("Valid"), is_plain_split("training_set")
    (True, False)
    """
    return name.strip().casefold() in _SPLITS and name.strip().casefold() not in _LATER_TEST


def name_words(name: str) -> list[str]:
    """Return the words of a name, in lower case: without digits and signs, capitals and "set" cut off.

    Examples
    --------
    >>> name_words("TrainSet-2017"), name_words("testdata"), name_words("訓練集")
    (['train', 'set'], ['test', 'data'], ['訓練', '集'])
    """
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    text = text.casefold().replace("hold-out", "holdout").replace("hold_out", "holdout").replace("hold out", "holdout")
    words: list[str] = []
    for word in _WORDS.findall(text):
        start = next((start for start in _SPLITS if word.startswith(start) and word[len(start) :] in FILLERS), "")
        words += [start, word[len(start) :]] if start else [word]
    return words


def splits_from_names(names: Iterable[str]) -> dict[str, Split]:
    """Return the splits that names found side by side stand for; nothing where they are not names of splits.

    Beside ``train`` alone any other name is the test split; beside several splits it is `Split.NONE`. ``eval`` is the
    test split, or beside one the validation split, where there is none.

    Examples
    --------
    >>> [split.name for split in splits_from_names(["train", "holdout"]).values()]
    ['TRAIN', 'TEST']
    >>> [split.name for split in splits_from_names(["Train", "val", "test", "extra"]).values()]
    ['TRAIN', 'VALIDATION', 'TEST', 'NONE']
    >>> [split.name for split in splits_from_names(["train", "eval", "test"]).values()]
    ['TRAIN', 'VALIDATION', 'TEST']
    """
    splits = {name: split_from_name(name) for name in names}
    if Split.TRAIN not in splits.values() and Split.NONE in splits.values():
        return {}
    others = [name for name, split in splits.items() if split != Split.TRAIN]
    if len(others) == 1 < len(splits) and splits[others[0]] == Split.NONE:
        splits[others[0]] = Split.TEST
    tests = [name for name, split in splits.items() if split == Split.TEST]
    later = [name for name in tests if not _LATER_TEST.isdisjoint(name_words(name))]
    if len(later) < len(tests) and Split.VALIDATION not in splits.values():
        splits |= dict.fromkeys(later, Split.VALIDATION)
    return splits


def comparable_name(name: str) -> str:
    """Return a name without letter case, width, and the spaces, underscores and hyphens between letters.

    Examples
    --------
    >>> comparable_name("Ice cream") == comparable_name("ｉｃｅ_cream"), comparable_name("-1")
    (True, '-1')
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
    return _BETWEEN.sub("", text)


def find_similar_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that are one to `comparable_name`.

    Examples
    --------
    >>> find_similar_names(["ant", "bee", "Bee"])
    [('bee', 'Bee')]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(comparable_name(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def dataset_name(table: Path) -> str:
    """Return the name of a table's data set: that of its folder where the file is called train, test or the like.

    Examples
    --------
    >>> dataset_name(Path("fruit.csv")), dataset_name(Path("fruit/train.csv"))
    ('fruit', 'fruit')
    """
    return normalize_name(table.resolve().parent.name if split_from_name(table.stem) != Split.NONE else table.stem)
