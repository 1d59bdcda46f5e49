"""Which folders of a tree are classes and which are splits: decided by their names, and said where it is a guess.

Two arrangements are certain: class folders, and class folders inside folders called train, test and the like. All
others are taken where names leave no doubt, and refused with the folder that was probably meant where they do not: a
model must not learn to tell ``images`` from ``masks``, nor one split from another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from discern.data.dataset import Split
from discern.data.folder_names import folder_role, is_fold
from discern.data.names import (
    abbreviate,
    comparable_name,
    is_plain_split,
    normalize_name,
    split_from_name,
    split_in_name,
    splits_from_names,
)
from discern.data.walk import Folder
from discern.data.wrong_folder import describe_roles, describe_table, refuse_too_high
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

_REPEATED = 0.8  # of all pairs of a top folder and a name inside: how many must exist
MIN_FOLDS = 3  # that training, validation and test may each have one


class Images(NamedTuple):
    """Images of one folder, itself without those below: their class ("" for none), their split, their group."""

    folder: Folder
    label: str
    split: Split
    group: str = ""


@dataclass
class Layout:
    """What the folders of a tree are."""

    images: list[Images]
    splits: Mapping[str, Split] = field(default_factory=dict)  # of folders
    notices: list[Notice] = field(default_factory=list)


def find_layout(path: Path, root: Folder, class_depth: int = 0) -> Layout:
    """Decide what the folders of ``root`` are; a `DataError` names what was probably meant where they are no classes.

    ``class_depth`` is how deep the class folders lie, where the person says so: 1 in the root, 2 one further in.
    """
    if class_depth:
        return _at_depth(path, root, class_depth)
    splits = _find_splits(path, root)
    if splits:
        return _split_first(path, root, splits)
    tops = root.filled()
    if len(tops) > 1 and (layout := _class_first(path, tops)):
        return _with_loose(root, layout)
    refuse_too_high(path, root, tops)
    if layout := _repeated(tops):
        return _with_loose(root, layout)
    images = [inner for folder in root.folders for inner in _class_images(folder, Split.NONE)]
    return _with_loose(root, Layout(images, notices=_describe_classes(root.folders)))


def _class_images(folder: Folder, split: Split, label: str = "", group: str = "") -> Iterator[Images]:
    """Yield the images of a class folder; of one without images an entry of none, so that it is said."""
    label = label or normalize_name(folder.name)
    if not folder.n_total:
        yield Images(folder, label, split)
    for inner in folder.walk():
        yield Images(inner, label, split, group)


def _with_loose(root: Folder, layout: Layout) -> Layout:
    if root.n_images:
        layout.notices.insert(0, Notice("data.loose_images_left_out", {"n": root.n_images}))
    return layout


def _describe_classes(folders: Sequence[Folder]) -> list[Notice]:
    """Say which class folders hold folders of images, and which are called as no class is."""
    notices = []
    deep = [inner.path for folder in folders for inner in folder.filled() if not folder_role(inner.name)]
    if deep:
        names = abbreviate(list(map(normalize_name, deep)))
        fields = {"n": len(deep), "names": names, "depth": deep[0].count("/") + 1}
        notices.append(Notice("data.folders_in_classes", fields))
    filled = [folder for folder in folders if folder.n_total]
    doubtful = [normalize_name(f.name) for f in filled if f.name.lower().endswith("s") and folder_role(f.name)]
    if doubtful:
        notices.append(Notice("data.doubtful_classes", {"names": abbreviate(doubtful)}))
    return notices


# --- splits around classes -------------------------------------------------------------------------------------------


def _find_splits(path: Path, root: Folder) -> dict[str, Split]:
    """Return the folders that are splits, or nothing: "train" among cars and buses is a class, without sub-folders."""
    names = [folder.name for folder in root.folders]
    candidates = [name for name in names if not _is_beside(name)]
    splits = splits_from_names(candidates)
    has_uncertain = Split.TRAIN not in splits.values()
    if has_uncertain:
        by_word = {name: split_in_name(name) for name in candidates}
        if not {Split.TRAIN} < set(by_word.values()) - {Split.NONE}:
            return splits if _all_official(splits) else {}
        splits = by_word
    splits = {name: splits.get(name, Split.NONE) for name in names}
    train = [folder for folder in root.folders if splits[folder.name] == Split.TRAIN]
    has_classes = any(folder.filled() for folder in train)
    if has_classes:
        splits = _add_uncertain(root, splits, _comparable(inner for folder in train for inner in folder.filled()))
    has_others = any(splits[name] == Split.NONE for name in candidates)
    has_held_out = any(split not in (Split.NONE, Split.TRAIN) for split in splits.values())
    if has_classes and (has_held_out or not has_others):
        return splits
    is_alone = len(root.filled()) == 1 and root.filled() == train  # TRAIN beside a table
    if is_alone or (len(candidates) > 1 and (_all_official(splits) or (has_uncertain and not has_others))):
        message = _(
            "The train split of {path} has no class folders: put its images in one sub-folder per class{table}; if it "
            "is a class, --set class_depth=1 takes it as such."
        )
        raise DataError(message.format(path=path, table=describe_table(path, root)))
    return {}


def _is_beside(name: str) -> bool:
    """Return whether a folder is none of the splits that it lies beside: masks, train_masks, data."""
    role = folder_role(name)
    return role == "companion" or (role != "" and split_from_name(name) == Split.NONE)


def _comparable(folders: Iterable[Folder]) -> set[str]:
    return {comparable_name(folder.name) for folder in folders}


def _all_official(splits: Mapping[str, Split]) -> bool:
    return len(splits) > 1 and all(split_from_name(name) != Split.NONE for name in splits)


def _add_uncertain(root: Folder, splits: dict[str, Split], trained: set[str]) -> dict[str, Split]:
    """Take TEST_SIMPLE beside train for a test split, where it holds the same classes, or none and no other is test."""
    added = dict(splits)
    for folder in root.folders:
        split = split_in_name(folder.name)
        if splits[folder.name] != Split.NONE or split == Split.NONE or _is_beside(folder.name):
            continue
        has_same = not trained.isdisjoint(_comparable(folder.filled()))
        if has_same or (folder.n_total and not folder.filled() and split not in splits.values()):
            added[folder.name] = split
    return added


def _split_first(path: Path, root: Folder, splits: dict[str, Split]) -> Layout:
    """Lay out splits; where folders of a split are none of the training classes, its images have no label."""
    layout = Layout([], {normalize_name(name): split for name, split in splits.items()})
    used = {folder: splits[folder.name] for folder in root.folders if splits[folder.name] != Split.NONE}
    inside = _unwrap(used, layout)
    trained = _comparable(label for folder in used if used[folder] == Split.TRAIN for label in inside[folder].folders)
    _refuse_roles(path, root, used, inside)
    for folder, split in used.items():
        holder = inside[folder]
        has_classes = split == Split.TRAIN or not trained or not trained.isdisjoint(_comparable(holder.folders))
        loose: list[Folder] = []
        if has_classes:
            layout.images += [inner for label in holder.folders for inner in _class_images(label, split)]
            loose += [holder] if holder.n_images else []
        else:
            loose += folder.walk()
        count = sum(inner.n_images for inner in loose)
        if count:
            fields = {"n": count, "folder": normalize_name(folder.name)}
            layout.notices.append(Notice("data.loose_images_unlabeled", fields))
        layout.images += [Images(inner, "", Split.UNLABELED) for inner in loose]
        if has_classes:
            layout.notices += _describe_classes(holder.folders)
    _describe_splits(root, layout)
    return layout


def _describe_splits(root: Folder, layout: Layout) -> None:
    left_out = [name for name, split in layout.splits.items() if split == Split.NONE]
    read = [name for name, split in layout.splits.items() if split != Split.NONE and not is_plain_split(name)]
    if read and len(layout.splits) > len(left_out):
        names = [
            Notice("word.split_folder", {"name": normalize_name(name), "split": _split_word(layout.splits[name])})
            for name in read
        ]
        layout.notices.insert(0, Notice("data.splits_by_name", {"names": abbreviate(names)}))
    if left_out:
        layout.notices.append(Notice("data.folders_left_out", {"names": abbreviate(left_out)}))
    if root.n_images:
        layout.notices.append(Notice("data.loose_images_left_out", {"n": root.n_images}))


def _split_word(split: Split) -> Notice:
    return Notice(f"word.{split.name.lower()}")


def _unwrap(used: Mapping[Folder, Split], layout: Layout) -> dict[Folder, Folder]:
    """Return the folder that holds the classes of each split: itself, or the only folder in it, which is said."""
    names = {folder: {inner.name for inner in folder.filled()} for folder in used}
    wrapped = {folder: folder.filled()[0] for folder in used if _is_wrapper(folder)}
    with_folders = [folder for folder in used if names[folder]]
    if set(wrapped) != set(with_folders):  # train/good/front, test/good, test/broken: good is a class
        others = {folder: {n for f, inner in names.items() if f is not folder for n in inner} for folder in wrapped}
        wrapped = {folder: inner for folder, inner in wrapped.items() if inner.name not in others[folder]}
    if wrapped:
        paths = [normalize_name(inner.path) for inner in wrapped.values()]
        layout.notices.append(Notice("data.classes_inside", {"names": abbreviate(paths)}))
    return {folder: wrapped.get(folder, folder) for folder in used}


def _is_wrapper(folder: Folder) -> bool:
    """Return whether all images of a folder are in sub-folders, two or more, of its only sub-folder."""
    filled = folder.filled()
    return len(filled) == 1 and not folder.n_images and len(filled[0].filled()) > 1 and not filled[0].n_images


def _refuse_roles(path: Path, root: Folder, used: Mapping[Folder, Split], inside: Mapping[Folder, Folder]) -> None:
    """Raise a `DataError` where splits hold ``images`` and ``labels``, as sets for detection do, and no classes."""
    names = {inner.name: inner for folder in used for inner in inside[folder].filled()}
    if names and all(map(folder_role, names)):
        raise DataError(describe_roles(path, root, list(names.values())))


# --- classes around splits -------------------------------------------------------------------------------------------


def _class_first(path: Path, tops: Sequence[Folder]) -> Layout | None:
    """Lay out ``ant/train``, ``ant/test`` and ``ant/fold_1``; None where the folders inside are something else."""
    holders = [top for top in tops if top.filled()]
    inner = {folder.name for top in holders for folder in top.filled()}
    if len(holders) < 2 or len(holders) < len(tops) / 2:
        return None
    splits = {name: split_from_name(name) or split_in_name(name) for name in inner}
    if {Split.TRAIN} < set(splits.values()) and Split.NONE not in splits.values():
        splits = splits_from_names(inner) or splits
        for top in holders:  # each is a data set of its own: fruit/train/apple, flowers/train/rose
            if all(len(folder.filled()) > 1 for folder in top.filled()):
                message = _(
                    "{path} has no class folders, but folders that are divided into splits: use {inner} instead."
                )
                raise DataError(message.format(path=path, inner=path / top.path))
        layout = Layout([], dict(splits))
        for top in tops:
            layout.images += [Images(top, normalize_name(top.name), Split.NONE)] if top.n_images else []
            for folder in top.filled():
                layout.images += _class_images(folder, splits[folder.name], normalize_name(top.name))
        fields = {"names": abbreviate([normalize_name(folder.path) for folder in holders[0].filled()])}
        layout.notices.append(Notice("data.splits_in_classes", fields))
        return layout
    if len(inner) >= MIN_FOLDS and all(map(is_fold, inner)):
        layout = Layout([])
        for top in tops:
            layout.images += [Images(top, normalize_name(top.name), Split.NONE)] if top.n_images else []
            for folder in top.filled():
                layout.images += _class_images(folder, Split.NONE, normalize_name(top.name), folder.name)
        layout.notices.append(Notice("data.folds", {"names": abbreviate(sorted(map(normalize_name, inner)))}))
        return layout
    return None


# --- classes that repeat ---------------------------------------------------------------------------------------------


def _repeated(tops: Sequence[Folder]) -> Layout | None:
    """Lay out folders that all hold class folders of the same names; None where they do not."""
    inner = {comparable_name(folder.name) for top in tops for folder in top.filled()}
    if len(tops) < 2 or len(inner) < 2 or any(top.n_images for top in tops):
        return None
    pairs = sum(len(top.filled()) for top in tops)
    if pairs < _REPEATED * len(tops) * len(inner):
        return None
    are_folds = len(tops) >= MIN_FOLDS and all(is_fold(top.name) for top in tops)
    layout = Layout([])
    for top in tops:
        for folder in top.filled():
            layout.images += _class_images(folder, Split.NONE, group=top.name if are_folds else "")
    folders = abbreviate([normalize_name(top.name) for top in tops])
    classes = abbreviate(list(dict.fromkeys(normalize_name(f.name) for top in tops for f in top.filled())))
    code = "data.folds" if are_folds else "data.repeated_classes"
    layout.notices.append(Notice(code, {"names": folders, "classes": classes}))
    return layout


def _at_depth(path: Path, root: Folder, class_depth: int) -> Layout:
    """Lay out a tree whose class folders lie at a stated depth; folders above them that are called so are splits."""
    layout = Layout([])
    level: list[tuple[Folder, Split]] = [(root, Split.NONE)]
    n_loose = 0
    for depth in range(class_depth):
        n_loose += sum(folder.n_images for folder, _split in level)
        below = [(inner, split) for folder, split in level for inner in folder.folders]
        if depth + 1 < class_depth:
            below = [
                (inner, split_from_name(inner.name) or split_in_name(inner.name) or split) for inner, split in below
            ]
        level = below
    if not any(folder.n_total for folder, _split in level):
        message = _("{path} has no images in folders at depth {depth}: choose another class_depth.")
        raise DataError(message.format(path=path, depth=class_depth))
    for folder, split in level:
        layout.images += _class_images(folder, split)
    if n_loose:
        layout.notices.append(Notice("data.loose_images_left_out", {"n": n_loose}))
    return layout
