"""Find the images that an export names: by path, else by file name, since tools write addresses of their own."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from discern.data.image import is_image_name
from discern.data.walk import read_tree
from discern.errors import DataError
from discern.i18n import _

_UPLOAD = re.compile("^[0-9a-f]{8}-(?=.)")  # Label Studio puts it before the name of an uploaded file
_SCHEME = re.compile("^[A-Za-z][A-Za-z0-9+.-]+://")


def locate_images(
    root: Path, names: Sequence[str], folder: str = "", has_endings: bool = True
) -> tuple[list[str], int]:
    """Return the paths of images, relative to ``root``, and how many were found elsewhere than their names say.

    Parameters
    ----------
    root : pathlib.Path
        The folder of the export.
    names : sequence of str
        As the tool wrote them: paths, addresses (``gs://bucket/cat/1.jpg``), names without an ending.
    folder : str
        A folder below ``root`` to search first, where it exists.
    has_endings : bool
        Whether the names have their endings.

    Raises
    ------
    DataError
        When a name could mean two files, or there is no name. What is not found keeps its name, for the audit.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "cats").mkdir()
    >>> (root / "cats" / "1.jpg").touch()
    >>> locate_images(root, ["gs://bucket/7/1.jpg", "cats/1.jpg", "2.jpg"])
    (['cats/1.jpg', 'cats/1.jpg', '2.jpg'], 1)
    """
    within = folder if folder and (root / folder).is_dir() else ""
    base = str(root)
    index: _NameIndex | None = None
    names_of: dict[str, str] = {}  # what a file was found by, by its path
    paths, n_elsewhere = [], 0
    for row, name in enumerate(names, start=1):
        if not name.strip() or "\0" in name:
            raise DataError(_("{path} names no image in row {row}: fill in its path.").format(path=root, row=row))
        plain = plain_path(name)
        exact = _find_exact(base, within, name, plain) if has_endings else None
        if exact is None and has_endings and _folder_exists(base, within, plain):
            exact = plain  # the file is missing there; one of its name in another class's folder is another image
        if exact is None:
            index = index or _NameIndex(root, within, has_endings)
            found = index.find(plain)
            if found is not None and names_of.setdefault(found, plain) != plain:
                message = _("{path} could be {first} as well as {second}: keep the folders of the images apart.")
                raise DataError(message.format(path=found, first=names_of[found], second=plain))
            n_elsewhere += found is not None and has_endings
            exact = found if found is not None else plain.lstrip("/") or name
        paths.append(exact)
    return paths, n_elsewhere


def plain_path(name: str) -> str:
    """Return the path inside an address, ``/`` between folders.

    Examples
    --------
    >>> plain_path("https://host/a/b%20c.jpg?sig=1"), plain_path("/data/local-files/?d=cats/1.jpg")
    ('/a/b c.jpg', 'cats/1.jpg')
    >>> plain_path("gs://bucket/a/b#1.jpg")
    'a/b#1.jpg'
    """
    if name.startswith(("http://", "https://")):
        return unquote(urlsplit(name).path) or name
    if _SCHEME.match(name):  # of a bucket: any character may be part of the name
        return name.partition("://")[2].partition("/")[2] or name
    if "/local-files/?" in name:
        return parse_qs(urlsplit(name).query).get("d", [name])[0]
    return name.replace("\\", "/").removeprefix("./")


def _find_exact(root: str, within: str, name: str, plain: str) -> str | None:
    bare = plain.lstrip("/")
    for path in (bare,) if name in (bare, f"./{bare}") else (name, bare):
        for candidate in (f"{within}/{path}", path) if within else (path,):
            if candidate and os.path.isfile(os.path.join(root, candidate)):  # noqa: PTH113, PTH118 - a million of them
                return candidate
    return None


def _folder_exists(root: str, within: str, plain: str) -> bool:
    folder = plain.rpartition("/")[0]
    return bool(folder) and os.path.isdir(os.path.join(root, within, folder))  # noqa: PTH112, PTH118


class _NameIndex:
    """The images below a folder by their file names, or by these without their endings."""

    def __init__(self, root: Path, within: str, has_endings: bool) -> None:
        self._has_endings = has_endings
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_upload: dict[str, list[str]] | None = None  # made when a name is found otherwise
        for path in walk_images(root, within):
            self._by_name[_composed(self._bare(path.rpartition("/")[2]))].append(path)

    def _bare(self, name: str) -> str:
        return name if self._has_endings else os.path.splitext(name)[0]  # noqa: PTH122 - a million of them

    def find(self, plain: str) -> str | None:
        """Return the file whose path agrees longest with ``plain``, from its end; a `DataError` where two do."""
        for wanted in (plain, unquote(plain)) if "%" in plain else (plain,):
            folder, _slash, name = wanted.rpartition("/")
            candidates = self._by_name.get(_composed(name))
            if not candidates and not self._has_endings and is_image_name(name):
                candidates = self._by_name.get(_composed(self._bare(name)))
            candidates = candidates or self._find_upload(name)
            if candidates:
                return self._choose(plain, folder, candidates)
        return None

    def _find_upload(self, name: str) -> list[str]:
        """Return the files whose names are what an upload of that name was saved as."""
        if self._by_upload is None:
            self._by_upload = defaultdict(list)
            for composed, paths in self._by_name.items():
                self._by_upload[_upload_name(composed)] += paths
        return self._by_upload.get(_upload_name(_UPLOAD.sub("", name)), [])

    def _choose(self, plain: str, folder: str, candidates: list[str]) -> str:
        if len(candidates) == 1:
            return candidates[0]
        agreement = [_count_equal_ends(folder, path.rpartition("/")[0]) for path in candidates]
        best = [path for path, equal in zip(candidates, agreement, strict=True) if equal == max(agreement)]
        if len(best) > 1:
            message = _("{name} could be {first} or {second}: rename one of them, or correct the path.")
            raise DataError(message.format(name=plain, first=best[0], second=best[1]))
        return best[0]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _upload_name(name: str) -> str:
    """Return a name as web frameworks save an upload (Django's ``get_valid_filename``)."""
    return re.sub(r"[^-\w.]", "", _composed(name).strip().replace(" ", "_"))


def _count_equal_ends(wanted: str, path: str) -> int:
    """Count the folders, from the innermost, that two paths have in common."""
    count = 0
    for a, b in zip(reversed(wanted.split("/")), reversed(path.split("/")), strict=False):
        if _composed(a) != _composed(b):
            break
        count += 1
    return count


def walk_images(root: Path, within: str = "") -> Iterator[str]:
    """Yield the paths of all images below ``root``, relative to it; only those in ``within`` where it is a folder."""
    prefix = f"{within}/" if within and (root / within).is_dir() else ""
    tree, _count = read_tree(os.path.join(root, prefix))  # noqa: PTH118
    for folder in tree.walk():
        for path in folder.images():
            yield prefix + path
