from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from discern.data.locate import locate_images
from discern.errors import DataError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/1.jpg", "a/1.jpg"),
        (".\\a\\1.jpg", "a/1.jpg"),
        ("./a/1.jpg", "a/1.jpg"),
        ("/home/somebody/a/1.jpg", "a/1.jpg"),
        ("C:\\photos\\b\\1.jpg", "b/1.jpg"),
        ("gs://bucket/x/b/1.jpg", "b/1.jpg"),
        ("https://host/x/%E6%B0%B4%20%E6%9E%9C.jpg?sig=a/1.jpg", "水 果.jpg"),
        ("/data/upload/3/0123abcd-%E6%B0%B4_%E6%9E%9C.jpg", "水 果.jpg"),
        (unicodedata.normalize("NFD", "x/café.jpg"), unicodedata.normalize("NFC", "café.jpg")),
        ("a/9.jpg", "a/9.jpg"),
        ("/z/9.jpg", "z/9.jpg"),
    ],
)
def test_names_and_addresses(tmp_path: Path, name: str, found: str) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg", "水 果.jpg", unicodedata.normalize("NFC", "café.jpg"))
    assert locate_images(tmp_path, [name])[0] == [found]


def test_what_could_be_two_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg", "2.jpg")
    with pytest.raises(DataError, match=r"1.jpg could be a/1.jpg or b/1.jpg"):
        locate_images(tmp_path, ["gs://bucket/1.jpg"])
    with pytest.raises(DataError, match=r"2.jpg could be c/2.jpg as well as d/2.jpg"):
        locate_images(tmp_path, ["gs://bucket/c/2.jpg", "gs://bucket/d/2.jpg"])
    assert locate_images(tmp_path, ["gs://bucket/c/2.jpg"] * 2)[0] == ["2.jpg", "2.jpg"]


def test_without_endings(tmp_path: Path) -> None:
    fill(tmp_path, "data/x.1.jpg", "data/2.png", "other/2.png", "data/sub/3.jpg")
    names = ["x.1", "2", "sub/3", "2.png"]
    paths, n_elsewhere = locate_images(tmp_path, names[:3], "data", has_endings=False)
    assert (paths, n_elsewhere) == (["data/x.1.jpg", "data/2.png", "data/sub/3.jpg"], 0)
    assert locate_images(tmp_path, names[3:], "data", has_endings=False)[0] == ["data/2.png"]
