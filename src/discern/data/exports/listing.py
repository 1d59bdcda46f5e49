"""What every reader of an export fills in: columns of images, labels, splits and groups; and the data set of these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.cell_values import read_groups
from discern.data.dataset import ImageDataset, Split
from discern.data.file_store import FileStore
from discern.data.image_paths import compare_with_folders, number_repeats
from discern.data.locate import locate_images, walk_images
from discern.data.names import abbreviate, dataset_name, normalize_name, splits_from_names
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

_USUAL_STEMS = ("classes", "annotations", "labels", "metadata", "result")


@dataclass
class Listing:
    """Columns with a text for each image, "" where there is nothing; names are those that the tool wrote."""

    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)  # images with more than one label
    regions: list[str] = field(default_factory=list)  # images whose labels belong to boxes or outlines inside them
    notices: list[Notice] = field(default_factory=list)
    group_field: str = ""  # what the person calls the groups
    folder: str = ""  # where the tool puts its images, below the folder of the export
    has_endings: bool = True  # whether the names of the images end in .jpg, .png, …

    def add(self, image: str, labels: Iterable[str], split: str = "", group: str = "") -> None:
        """Add an image with the labels that the tool gave it: none, one, or (to be refused) several."""
        names = list(
            dict.fromkeys(label for label in (normalize_name(str(label)).strip() for label in labels) if label)
        )
        if len(names) > 1:
            self.several.append(image)
        self.images.append(image)
        self.labels.append(names[0] if names else "")
        self.splits.append(split)
        self.groups.append(group)

    def note_objects(self, n: int) -> None:
        """Say that boxes and outlines in ``n`` images, which have a label of their own, are not read."""
        if n:
            self.notices.append(Notice("data.objects_not_read", {"n": n}))

    def select(self, rows: Sequence[int]) -> None:
        """Keep some rows of every column."""
        for name in ("images", "labels", "splits", "groups"):
            column = getattr(self, name)
            setattr(self, name, [column[row] for row in rows])

    def extend(self, other: Listing) -> None:
        """Add the images of another file of the same export."""
        for name in ("images", "labels", "splits", "groups", "several", "regions"):
            getattr(self, name).extend(getattr(other, name))
        self.notices += [notice for notice in other.notices if notice not in self.notices]


def build_listing(source: Path, root: Path, files: Sequence[str], tool: str, listing: Listing) -> ImageDataset:
    """Build the data set of an export.

    ``source`` is what the person gave, ``root`` the folder to find the images in, ``files`` what was read. A
    `DataError` says where the export is of another kind (objects, several labels an image), or none of its images is
    there.
    """
    _refuse_other_tasks(source, tool, listing)
    splits = splits_from_names(dict.fromkeys(word for word in listing.splits if word))
    notices = [Notice("data.export", {"names": abbreviate(files), "tool": tool}), *listing.notices]
    left_out = {name for name, split in splits.items() if split == Split.NONE}
    if left_out:
        notices.append(Notice("data.rows_left_out", {"names": abbreviate(sorted(left_out))}))
        listing.select([row for row, word in enumerate(listing.splits) if word not in left_out])
    notices += _locate(source, root, tool, listing)
    notices += compare_with_folders(tool, listing.images, listing.labels)
    classes, numbers = number_classes(str(source), listing.labels)
    groups: Sequence[str] = listing.groups if any(listing.groups) else ()
    if listing.group_field:
        groups, group_notices = read_groups(listing.group_field, listing.groups, listing.labels)
        notices += group_notices
    return build_dataset(
        origin=str(source),
        name=_name(source, root),
        classes=classes,
        labels=numbers,
        given_split=np.array([splits.get(word, Split.NONE) for word in listing.splits], np.uint8),
        store=FileStore(str(root), [listing.images], number_repeats(listing.images)),
        split_names=splits,
        notices=notices,
        groups=groups,
    )


def _name(source: Path, root: Path) -> str:
    """Return a short name: that of the folder, where the tool calls its file always the same."""
    named = source.is_file() and source.stem.strip("_").partition(".")[0] not in _USUAL_STEMS
    return dataset_name(source) if named else normalize_name(root.resolve().name) or "data"


def _locate(source: Path, root: Path, tool: str, listing: Listing) -> list[Notice]:
    """Make the images paths below ``root``; return what is to be said of it."""
    if not listing.images:
        raise DataError(_("{path} lists no images: export it again, with its images.").format(path=source))
    as_written = listing.images[0]
    listing.images, n_elsewhere = locate_images(root, listing.images, listing.folder, listing.has_endings)
    if not any(os.path.exists(os.path.join(root, name)) for name in listing.images):  # noqa: PTH110, PTH118
        message = _("None of the images that {path} lists exists ({name}, …): put them into {folder}.")
        raise DataError(message.format(path=source, name=as_written, folder=root))
    notices = []
    if n_elsewhere:
        notices.append(Notice("data.images_found_by_name", {"n": n_elsewhere, "folder": str(root)}))
    if source.is_dir():
        unlisted = sorted(set(walk_images(root, listing.folder)).difference(listing.images))
        fields = {"tool": tool, "n": len(unlisted), "names": abbreviate(unlisted, 3)}
        notices += [Notice("data.images_not_listed", fields)] if unlisted else []
    return notices


def _refuse_other_tasks(source: Path, tool: str, listing: Listing) -> None:
    n_regions, n_several = len(listing.regions), len(listing.several)
    if n_regions:
        message = _(
            "{path} ({tool}) labels objects inside {n} images ({name}, …), and discern labels whole images: export one "
            "label an image, or crop the objects out."
        )
        raise DataError(message.format(path=source, tool=tool, n=n_regions, name=listing.regions[0]))
    if n_several:
        message = _(
            "{path} gives {n} images several labels ({name}, …), which is not supported yet: keep one label an image."
        )
        raise DataError(message.format(path=source, n=n_several, name=listing.several[0]))
