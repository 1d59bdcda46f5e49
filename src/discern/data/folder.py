"""A folder of images: class folders, perhaps inside folders of splits, become a data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.dataset import ImageDataset, Split
from discern.data.file_store import FileStore
from discern.data.folder_names import is_unlabeled
from discern.data.layout import Layout, find_layout
from discern.data.names import abbreviate, normalize_name
from discern.data.walk import WalkCount, read_tree
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice


def open_folder(path: str | os.PathLike[str], class_depth: int = 0) -> ImageDataset:
    """Open a folder of images.

    Every image below a class folder belongs to the class, however deep (`discern.data.walk` says what an image is).
    Splits are recognized by the names of folders around the classes, or inside them (`discern.data.layout`). Images of
    a split without class folders are unlabeled. A `DataError` says where the folder is missing or not readable, holds
    no images, or folders that cannot be classes.

    Parameters
    ----------
    path : path
        The folder.
    class_depth : int
        How deep the class folders lie: 1 in the folder, 2 one further in; 0 finds out.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("10", "9"):
    ...     (root / name).mkdir()
    ...     (root / name / "a.jpg").touch()
    >>> data = open_folder(root)
    >>> data.classes, data.labels.tolist(), data.store.path(0)
    (('9', '10'), [0, 1], '9/a.jpg')
    """
    root = Path(path)
    if not root.is_dir():
        raise DataError(_("There is no folder {path}: check its name.").format(path=root))
    tree, count = read_tree(str(root))
    if not tree.n_total:
        raise DataError(_describe_no_images(root, count))
    layout = find_layout(root, tree, class_depth)
    if not class_depth:
        _take_unlabeled(layout)
    sizes = np.array([images.folder.n_images for images in layout.images], np.int64)
    classes, numbers = number_classes(str(root), [images.label for images in layout.images])
    groups = [images.group for images in layout.images]
    return build_dataset(
        origin=str(root),
        name=normalize_name(root.resolve().name) or "data",
        classes=classes,
        labels=np.repeat(numbers, sizes),
        given_split=np.repeat(np.array([images.split for images in layout.images], np.uint8), sizes),
        store=FileStore(str(root), _iter_names(layout)),
        split_names=layout.splits,
        notices=[*layout.notices, *describe_count(count)],
        groups=np.repeat(np.array(groups, dtype=object), sizes).tolist() if any(groups) else (),
    )


def _take_unlabeled(layout: Layout) -> None:
    """Take the images of folders called no_label and the like, as exports have them, for images without a label."""
    marked = [images for images in layout.images if is_unlabeled(images.label) and images.folder.n_images]
    if marked:
        first = list(map(normalize_name, marked[0].folder.path.split("/")))
        depth = first.index(marked[0].label) + 1 if marked[0].label in first else 1
        names = abbreviate(list(dict.fromkeys(images.label for images in marked)))
        fields = {"n": sum(images.folder.n_images for images in marked), "names": names, "depth": depth}
        layout.notices.append(Notice("data.unlabeled_folders", fields))
        layout.images = [
            images._replace(label="", split=Split.UNLABELED) if is_unlabeled(images.label) else images
            for images in layout.images
        ]


def _iter_names(layout: Layout) -> Iterator[list[str]]:
    for images in layout.images:
        yield images.folder.images()


def describe_count(count: WalkCount) -> Iterator[Notice]:
    """Say what a walk passed over, or took although its name does not say that it is an image."""
    if count.by_content:
        fields = {"n": count.by_content.total(), "kinds": _describe_kinds(count.by_content)}
        yield Notice("data.images_by_content", fields)
    if count.others:
        yield Notice("data.other_files_left_out", {"n": count.others.total(), "kinds": _describe_kinds(count.others)})
    if count.hidden:
        yield Notice("data.hidden_left_out", {"n": count.hidden})
    if count.links:
        yield Notice("data.links_followed", {"n": count.links})
    if count.loops:
        yield Notice("data.loops_left_out", {"n": count.loops})


def _describe_kinds(kinds: Counter[str]) -> list[Notice | str]:
    named = [
        Notice("word.suffix_count", {"suffix": suffix or Notice("word.no_suffix"), "n": n})
        for suffix, n in sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
    ]
    return abbreviate(named)


def _describe_no_images(root: Path, count: WalkCount) -> str:
    if not count.others:
        return _("{path} has no images: put them in one sub-folder per class.").format(path=root)
    kinds = Notice("data.other_files_left_out", {"n": count.others.total(), "kinds": _describe_kinds(count.others)})
    message = _("{path} has no images, but other files: put JPEG or PNG images in one sub-folder per class. {kinds}")
    return message.format(path=root, kinds=kinds.text())
