"""The one walk over folders: which files of a tree are images, and how many others there are.

Training, evaluation and prediction take the same files, because all of them ask here. A million files are listed in
seconds: one `os.scandir` per folder, no question to the file system about a single file, one text per folder.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from discern.data.image import IMAGE_SUFFIXES
from discern.data.names import natural_key
from discern.errors import DataError
from discern.i18n import _

# What unzipping, network disks and operating systems leave behind; never worth a word.
_JUNK_FOLDERS = frozenset(("__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"))
_JUNK_FILES = frozenset(("thumbs.db", "desktop.ini", ".ds_store", ".gitkeep", ".gitignore", ".gitattributes", ".keep"))
_NOT_IMAGES = frozenset(  # endings that are never looked into
    [
        ".txt",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".xml",
        ".yaml",
        ".yml",
        ".md",
        ".rst",
        ".html",
        ".htm",
        ".pdf",
        ".doc",
        ".docx",
        ".xls",
        ".xlsx",
        ".py",
        ".ipynb",
        ".log",
        ".ini",
        ".cfg",
        ".db",
        ".sqlite",
        ".zip",
        ".gz",
        ".tar",
        ".tgz",
        ".7z",
        ".rar",
        ".npy",
        ".npz",
        ".mat",
        ".h5",
        ".hdf5",
        ".pkl",
        ".pt",
        ".pth",
        ".parquet",
        ".arrow",
        ".tfrecord",
        ".lst",
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".mp3",
        ".wav",
        ".url",
        ".lnk",
        ".exe",
        ".js",
        ".css",
        ".sh",
        ".bat",
        ".tmp",
        ".part",
        ".crdownload",
    ]
)
MAX_DEPTH = 200  # folders inside each other
_MAX_VISITS = 16  # of one folder, to which many links may lead: links between folders would multiply for ever
_SAMPLED = 8  # files of an unknown ending, of one folder, that are looked into
_MAX_SUFFIX = 12  # characters; what is longer is no ending
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP  ")
_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")


@dataclass
class WalkCount:
    """What a walk passed over, or took although its name does not say that it is an image."""

    hidden: int = 0  # files and folders whose name begins with a dot
    links: int = 0  # symbolic links, which are followed
    loops: int = 0  # links to a folder that they lie in, which are not
    by_content: Counter[str] = field(default_factory=Counter)  # by ending: images by their first bytes
    others: Counter[str] = field(default_factory=Counter)  # by ending: files that are no images
    visits: Counter[tuple[int, int]] = field(default_factory=Counter)  # of folders, by device and number there


@dataclass(eq=False)
class Folder:
    """A folder of a tree: its path below the root (``/`` between names), and what is in it, in natural order."""

    path: str
    name: str
    folders: list[Folder]
    image_names: str  # those of the images in it, "/" between them: one text costs less than a million
    n_images: int  # in it
    n_total: int  # in it and below
    others: tuple[str, ...]  # names of the first few files that are no images

    def images(self) -> list[str]:
        """Return the paths, below the root, of the images in this folder."""
        prefix = f"{self.path}/" if self.path else ""
        return [prefix + name for name in self.image_names.split("/")] if self.n_images else []

    def filled(self) -> list[Folder]:
        """Return the sub-folders that hold images, however deep."""
        return [folder for folder in self.folders if folder.n_total]

    def walk(self) -> Iterator[Folder]:
        """Yield this folder and those below that hold images, a folder before what is in it."""
        if self.n_images:
            yield self
        for folder in self.folders:
            yield from folder.walk()


def read_tree(root: str) -> tuple[Folder, WalkCount]:
    """List the images of ``root`` and of all folders below.

    Images are known by the endings of their names; files of an unknown ending, or none, are images where the first
    bytes of a few of them are. Hidden files and folders are passed over, links followed, pipes and the like left out.
    A `DataError` says which folder is not readable.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> root = pathlib.Path(tempfile.mkdtemp())
    >>> (root / "a").mkdir()
    >>> for name in ("a/10.jpg", "a/9.jpg", "a/notes.txt"):
    ...     (root / name).touch()
    >>> tree, count = read_tree(str(root))
    >>> [folder.images() for folder in tree.walk()], dict(count.others)
    ([['a/9.jpg', 'a/10.jpg']], {'.txt': 1})
    """
    count = WalkCount()
    return _read_folder(root, "", "", frozenset(), count), count


def _read_folder(root: str, path: str, name: str, above: frozenset[tuple[int, int]], count: WalkCount) -> Folder:
    full = os.path.join(root, path)  # noqa: PTH118 - no Path objects for so many
    with _readable(full):
        status = os.stat(full)  # noqa: PTH116
    here = (status.st_dev, status.st_ino)
    count.visits[here] += 1
    if len(above) > MAX_DEPTH:
        message = _("{path} is more than {limit} folders deep: move it up.")
        raise DataError(message.format(path=full, limit=MAX_DEPTH))
    if here in above or count.visits[here] > _MAX_VISITS:  # a link back to a folder that we are in, or links all around
        count.loops += 1
        return Folder(path, name, [], "", 0, 0, ())
    names, images, others = _list_folder(full, count)
    above = above | {here}
    folders = [_read_folder(root, f"{path}/{inner}" if path else inner, inner, above, count) for inner in names]
    n_total = len(images) + sum(folder.n_total for folder in folders)
    return Folder(path, name, folders, "/".join(images), len(images), n_total, others)


def _list_folder(path: str, count: WalkCount) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return the names of the sub-folders, of the images, and of a few other files in one folder."""
    folders: list[str] = []
    images: list[str] = []
    unknown: dict[str, list[str]] = {}  # by ending
    others: list[str] = []
    with _readable(path), os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                count.hidden += not (name.startswith("._") or name.lower() in _JUNK_FILES)
                continue
            if entry.is_symlink():
                count.links += 1
            if leads_to_folder(entry):
                if name.lower() not in _JUNK_FOLDERS:
                    folders.append(name)
                continue
            suffix = name[name.rfind(".") :].lower() if "." in name else ""
            if suffix in IMAGE_SUFFIXES:
                if _is_file(entry):
                    images.append(name)
                else:  # a pipe, a socket or a device
                    count.others[suffix] += 1
            elif suffix in _NOT_IMAGES:
                if name.lower() not in _JUNK_FILES:
                    count.others[suffix] += 1
                    others.append(name)
            elif entry.is_file() and name.lower() not in _JUNK_FILES:
                unknown.setdefault(_known_suffix(suffix), []).append(name)
    for suffix, names in unknown.items():
        if _hold_images(path, names):
            images += names
            count.by_content[suffix] += len(names)
        else:
            count.others[suffix] += len(names)
            others += names
    return sorted(folders, key=natural_key), sorted(images, key=natural_key), tuple(sorted(others)[:_SAMPLED])


def _known_suffix(suffix: str) -> str:
    """Return an ending by which files are counted together; "" for what is none: a number, or ``.jpg?w=100``."""
    is_ending = len(suffix) <= _MAX_SUFFIX and suffix[1:].isidentifier()
    return suffix if is_ending else ""


def _hold_images(path: str, names: list[str]) -> bool:
    """Return whether at least half of a few files, spread over all, begin as an image does."""
    sample = sorted(names)[:: max(1, len(names) // _SAMPLED)][:_SAMPLED]
    return 2 * sum(_is_image(os.path.join(path, name)) for name in sample) >= len(sample)  # noqa: PTH118


def _is_image(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(16)
    except OSError:
        return False
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    is_bmp = head[:2] == b"BM" and head[6:10] == b"\0\0\0\0"
    return head.startswith(_SIGNATURES) or is_webp or is_bmp or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn the operating system's refusal to read into a `DataError`."""
    try:
        yield
    except OSError as error:
        message = _("{path} is not readable ({reason}): choose another folder, or change its permissions.")
        raise DataError(message.format(path=path, reason=error.strerror or error)) from error


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a folder; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether to take it: files and broken links (the audit names them); not pipes, which would block."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    except OSError:  # a link to itself
        return True
