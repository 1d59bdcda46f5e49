"""The walk that training, evaluation and prediction share: what it takes, what it passes over, what it counts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from discern.data.folder import open_folder
from discern.data.walk import read_tree
from discern.errors import DataError


def encoded(kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(file, kind)
    return file.getvalue()


def fill(root: Path, content: bytes, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "JPEG2000"])
def test_files_without_a_known_ending_are_taken_by_content(tmp_path: Path, kind: str) -> None:
    fill(tmp_path, encoded(kind), "a/1", "a/2.mpo", "a/3.jpg_large", "a/4.jpg:orig", "b/1.jpg", "b/2.jpg?w=100")
    data = open_folder(tmp_path)
    assert data.counts() == {"a": 4, "b": 2}
    assert [notice.text() for notice in data.notices] == [
        "Files without the ending of an image are taken, because their first bytes are an image's "
        "(5: no ending 3, .jpg_large 1, .mpo 1)."
    ]


def test_other_files_are_counted_by_ending(tmp_path: Path) -> None:
    fill(tmp_path, encoded(), "a/1.jpg", "b/1.jpg", "b/.hidden.jpg", ".cache/2.jpg")
    fill(tmp_path, b"text", "a/1.dcm", "a/2.dcm", "a/1.txt", "a/README", "a/Thumbs.db", "b/.DS_Store", "b/._1.jpg")
    data = open_folder(tmp_path)
    assert len(data) == 2
    assert [notice.text() for notice in data.notices] == [
        "Files that are not read as images are left out (4: .dcm 2, no ending 1, .txt 1).",
        "Hidden files and folders are left out (2).",
    ]


def test_a_readme_among_nameless_images_goes_with_them(tmp_path: Path) -> None:
    fill(tmp_path, encoded(), *(f"a/{number}" for number in range(6)), "b/1.jpg")
    fill(tmp_path, b"text", "a/README")
    assert open_folder(tmp_path).counts() == {"a": 7, "b": 1}  # the audit names it: it is no image


def test_links_and_loops_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, encoded(), "data/a/1.jpg", "data/b/1.jpg", "else/2.jpg")
    (tmp_path / "data/a/2.jpg").symlink_to(tmp_path / "else/2.jpg")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data/a")
    data = open_folder(tmp_path / "data")
    assert data.counts() == {"a": 2, "b": 1}
    assert [notice.text() for notice in data.notices] == [
        "Symbolic links are followed (2).",
        "Links to a folder that they lie in are left out (1).",
    ]


def test_a_tree_is_columns(tmp_path: Path) -> None:
    fill(tmp_path, b"", "1.jpg", "a/1.jpg", "a/b/2.jpg", "a/c/notes.txt")
    tree, count = read_tree(str(tmp_path))
    assert (tree.n_images, tree.n_total, [folder.name for folder in tree.filled()]) == (1, 3, ["a"])
    assert [folder.path for folder in tree.walk()] == ["", "a", "a/b"]
    assert count.others == {".txt": 1}


def test_links_between_folders_do_not_multiply(tmp_path: Path) -> None:
    for number in range(12):
        fill(tmp_path, b"", f"{number}/1.jpg")
    for number in range(12):
        for other in range(12):
            (tmp_path / str(number) / f"to{other}").symlink_to(tmp_path / str(other))
    tree, count = read_tree(str(tmp_path))  # 12 factorial ways lead through them
    assert tree.n_total <= 12 * 16 and count.loops


def test_folders_may_not_be_endlessly_deep(tmp_path: Path) -> None:
    (tmp_path / "/".join("a" * 300)).mkdir(parents=True)
    with pytest.raises(DataError, match="more than 200 folders deep"):
        read_tree(str(tmp_path))
