"""Folders called as no class is: a whole set of images, what comes beside it in other kinds of sets, and folds."""

from __future__ import annotations

import re
import unicodedata

from discern.data.dataset import Split
from discern.data.names import FILLERS, name_words, split_from_name, words_of

_IMAGES = words_of(
    "images imgs jpegimages pngimages jpgs jpegs pngs photos pictures data dataset datasets frames 影像 圖片 照片"
)
_COMPANIONS = words_of(  # of sets for detection and segmentation
    "mask masks label labels annotation annotations annots segmentation segmentations segmentationclass "
    "segmentationobject groundtruth ground truth gt bbox bboxes boxes imagesets xml xmls json jsons 標籤 標註 遮罩"
)
_FOLDS = words_of("fold folds kfold cv part parts split splits 折")
_UNLABELED = words_of("unlabeled unlabelled nolabel nolabels notlabeled untagged 未標記 未標註 無標籤 未分類")
_DIGITS = re.compile("[0-9]+")


def folder_role(name: str) -> str:
    """Return ``images`` or ``companion`` for a folder called as no class is: images, data; masks, labels, train_masks.

    Examples
    --------
    >>> [folder_role(name) for name in ("Images", "train_masks", "SegmentationClass", "no_mask", "bee")]
    ['images', 'companion', 'companion', '', '']
    """
    joined = _DIGITS.sub("", unicodedata.normalize("NFKC", name).casefold())
    words = [word for word in name_words(name) if split_from_name(word) == Split.NONE]
    for role, known in (("companion", _COMPANIONS), ("images", _IMAGES)):
        if joined in known or (
            words and any(word in known for word in words) and FILLERS.union(known).issuperset(words)
        ):
            return role
    return ""


def is_unlabeled(name: str) -> bool:
    """Return whether a folder is called so by tools that export images without a label: FiftyOne, CVAT.

    Examples
    --------
    >>> [is_unlabeled(name) for name in ("_unlabeled", "no_label", "label")]
    [True, True, False]
    """
    return "".join(name_words(name)) in _UNLABELED


def is_fold(name: str) -> bool:
    """Return whether a name is that of one of several numbered parts: fold_1, part2.

    Examples
    --------
    >>> is_fold("fold_1"), is_fold("Part 2"), is_fold("train_1")
    (True, True, False)
    """
    words = name_words(name)
    return bool(words) and bool(_DIGITS.search(name)) and _FOLDS.issuperset(words)
