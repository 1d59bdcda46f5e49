from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.data.audit import audit_dataset
from discern.data.dataset import UNLABELED, Split
from discern.data.open import open_data
from discern.data.scan import scan_images
from discern.data.shards import MAX_LABEL_BYTES, ShardStore, open_shards
from discern.data.split import split_dataset
from discern.data.tar_file import list_members, read_at
from discern.errors import DataError


def write(shard: Path, files: Mapping[str, bytes]) -> Path:
    """A shard as webdataset's own writer makes it: plain tar, each member whole."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return shard


def labeled(classes: str, start: int = 0) -> dict[str, bytes]:
    """Of "ab" two samples, 0.jpg of class a and 1.jpg of class b."""
    found = {}
    for number, label in enumerate(classes, start):
        found |= {f"{number:04d}.jpg": f"image {number}".encode(), f"{number:04d}.cls": label.encode()}
    return found


def refused(source: object) -> str:
    with pytest.raises(DataError) as caught:
        open_data(f"wds:{source}")
    return str(caught.value)


def test_images_lie_where_the_headers_say(tmp_path: Path) -> None:
    for number, classes in enumerate(("ab", "ba", "a")):
        write(tmp_path / f"fruit-{number:02d}.tar", labeled(classes, 10 * number))
    data = open_data(f"wds:{tmp_path}/fruit-{{00..02}}.tar")
    assert (data.name, data.classes, data.labels.tolist()) == ("fruit", ("a", "b"), [0, 1, 1, 0, 0])
    assert (data.given_split == Split.NONE).all()
    assert [data.store.read(i) for i in range(5)] == [f"image {n}".encode() for n in (0, 1, 10, 11, 20)]
    assert data.store.path(3) == "fruit-01.tar/0011.jpg"
    assert isinstance(data.store, ShardStore)
    assert data.store.shard.tolist() == [0, 0, 1, 1, 2]
    again = pickle.loads(pickle.dumps(data.store))  # as a worker process gets it
    assert again.read(4) == b"image 20"


def test_a_folder_a_pattern_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (2, 10):
        write(tmp_path / "pets" / f"{number}.tar", labeled("ab", number))
    monkeypatch.chdir(tmp_path)
    for source in ("wds:pets", "wds:pets/*.tar", "wds:pets/{2,10}.tar"):
        data = open_data(source)
        assert (data.name, [data.store.path(i) for i in (0, 2)]) == ("pets", ["2.tar/0002.jpg", "10.tar/0010.jpg"])
    assert len(open_data("wds:pets/2.tar")) == 2
    monkeypatch.chdir(tmp_path / "pets")
    assert len(open_data(data.origin)) == 4  # what a run keeps holds from every folder


def test_parts_by_the_words_of_a_name(tmp_path: Path) -> None:
    for name in ("imagenet-train-000", "imagenet-val-000", "imagenet-test-000"):
        write(tmp_path / f"{name}.tar", labeled("ab"))
    data = open_data(f"wds:{tmp_path}/imagenet-{{train,val,test}}-000.tar")
    assert data.name == "imagenet"
    assert data.given_split.tolist() == [Split.TRAIN] * 2 + [Split.VALIDATION] * 2 + [Split.TEST] * 2
    write(tmp_path / "own" / "train" / "0.tar", labeled("ab"))
    write(tmp_path / "own" / "test" / "0.tar", labeled("ab"))
    data = open_data(f"wds:{tmp_path}/own/*/0.tar")
    assert [data.store.path(0), Split(data.given_split[0])] == ["test/0.tar/0000.jpg", Split.TEST]


def test_labels_as_others_write_them(tmp_path: Path) -> None:
    said = [{"label": 1}, {"class": "1"}, {"cls": 0, "caption": "x"}, {"caption": "no class"}, {"label": -1}]
    files = {"b/0.JPEG": b"p", "b/0.cls": b" 0\n"}
    for number, value in enumerate(said):
        files |= {f"a/{number}.json": json.dumps(value).encode(), f"a/{number}.png": b"p"}
    data = open_shards(f"wds:{write(tmp_path / '0.tar', files)}")
    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [0, 1, 1, 0, UNLABELED, UNLABELED]
    assert data.given_split.tolist()[-2:] == [Split.UNLABELED] * 2
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    assert open_shards(f"wds:{tmp_path}").classes == ("cat", "dog")
    (tmp_path / "classes.txt").write_text("cat\n")
    assert "labels without a class name (1)" in refused(tmp_path)


def test_what_others_would_run_is_passed_over(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    trap = pickle.dumps(Trap())
    files = labeled("ab") | {
        "0000.pyd": trap,
        "0000.pickle": trap,
        "0001.npy": b"x",
        "._0.jpg": b"x",
        "0001.left.jpg": b"second",
    }
    data = open_shards(f"wds:{write(tmp_path / '0.tar', files)}")
    assert len(data) == 2
    assert "5 other files are ignored: .pyd, .pickle, .npy, ._0.jpg, .left.jpg." in data.notices[0].text()
    assert not (tmp_path / "sprung").exists()


def test_links_and_folders_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    shard = tmp_path / "0.tar"
    with tarfile.open(shard, "w") as tar:
        for kind, name in ((tarfile.SYMTYPE, "9.jpg"), (tarfile.LNKTYPE, "8.jpg"), (tarfile.DIRTYPE, "7.jpg")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(tmp_path / "secret")
            tar.addfile(member)
        for name, data in labeled("ab").items():
            member = tarfile.TarInfo("../../" + name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    data = open_shards(f"wds:{shard}")
    assert [data.store.read(i) for i in range(len(data))] == [b"image 0", b"image 1"]


def test_names_of_any_length(tmp_path: Path) -> None:
    long = "x" * 300
    data = open_shards(f"wds:{write(tmp_path / '0.tar', {f'{long}é.jpg': b'p', f'{long}é.cls': b'a', **labeled('b')})}")
    assert data.store.path(0) == f"0.tar/{long}é.jpg"
    assert data.store.read(0) == b"p"


@pytest.mark.parametrize("pattern", ["pipe:cat 0.tar", "PIPE:curl x", "https://example.org/0.tar", "s3://b/0.tar"])
def test_commands_and_addresses_are_refused(pattern: str) -> None:
    assert ("never run" if pattern.lower().startswith("pipe") else "is an address") in refused(pattern)


def test_no_shard(tmp_path: Path) -> None:
    write(tmp_path / "train-0.tar", labeled("ab"))
    assert "train-1.tar (did you mean" in refused(f"{tmp_path}/train-{{0..1}}.tar")
    assert "No file matches" in refused(f"{tmp_path}/val-*.tar")
    (tmp_path / "empty").mkdir()
    assert "has no .tar files" in refused(tmp_path / "empty")
    assert "means more than" in refused(f"{tmp_path}/{{0..999999999}}.tar")
    with pytest.raises(DataError, match=r"use wds:"):
        open_data(tmp_path / "train-0.tar")


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_compressed_shard(tmp_path: Path, kind: str) -> None:
    with tarfile.open(tmp_path / "0.tar", f"w:{kind}") as tar:
        tar.addfile(tarfile.TarInfo("0.jpg"))
    assert "is compressed" in refused(tmp_path / "0.tar")


@pytest.mark.parametrize("keep", [0, 1, 700, 1100])
def test_a_shard_that_was_cut_off(tmp_path: Path, keep: int) -> None:
    shard = write(tmp_path / "0.tar", {"0.jpg": b"p" * 900, **labeled("ab")})
    shard.write_bytes(shard.read_bytes()[:keep])
    assert "is truncated or corrupt" in refused(shard)


def test_a_damaged_header_is_not_the_end(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", labeled("abab"))
    data = bytearray(shard.read_bytes())
    data[2048 + 150] ^= 0xFF  # a checksum in the middle
    shard.write_bytes(data)
    assert "is truncated or corrupt" in refused(shard)


def test_a_size_below_nothing(tmp_path: Path) -> None:
    member = tarfile.TarInfo("0.jpg")
    member.size = -1024
    (tmp_path / "0.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "is truncated or corrupt" in refused(tmp_path / "0.tar")


def test_a_shard_with_nothing_in_it(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", labeled("ab"))
    write(tmp_path / "1.tar", {})
    assert "1.tar has no images" in refused(tmp_path)


def test_keys_with_dots(tmp_path: Path) -> None:
    files = {"a.v2.jpg": b"image", "a.v2.cls": b"1", "b.v2.jpg": b"image", "b.v2.cls": b"0"}
    assert "has keys with dots (a.v2.cls)" in refused(write(tmp_path / "a.tar", files))
    files = {"a.left.jpg": b"image", "a.right.jpg": b"image", "a.cls": b"1", "b.jpg": b"image", "b.cls": b"0"}
    assert len(open_shards(f"wds:{write(tmp_path / 'b.tar', files)}")) == 2


def test_images_without_labels(tmp_path: Path) -> None:
    assert "has a label: a shard has, beside each key.jpg" in refused(write(tmp_path / "0.tar", {"0.jpg": b"p"}))


@pytest.mark.parametrize("said", [b"\xff", b"[1, 2]", b'{"label": [1]}', b'{"label": true}', b"[" * 100_000])
def test_a_label_that_is_none(tmp_path: Path, said: bytes) -> None:
    name = "0000.cls" if said == b"\xff" else "0000.json"
    files = {**labeled("ab"), name: said}
    if said == b"[1, 2]":  # a list says nothing of a class, as other things that are kept beside images
        assert len(open_shards(f"wds:{write(tmp_path / '0.tar', files)}")) == 2
    else:
        assert f"has no class in {name}" in refused(write(tmp_path / "0.tar", files))


def test_a_label_as_long_as_a_book(tmp_path: Path) -> None:
    assert "has no class in" in refused(
        write(tmp_path / "0.tar", {"0.jpg": b"p", "0.cls": b"1" * (MAX_LABEL_BYTES + 1)})
    )


def test_the_version_key_follows_the_files(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", labeled("ab"))
    store = open_shards(f"wds:{shard}").store
    before = store.version_key()
    write(shard, labeled("abab"))
    assert store.version_key() != before
    shard.write_bytes(b"")
    with pytest.raises(OSError, match="was truncated"):
        store.read(1)


def test_members_are_those_of_tarfile(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {f"{n}.bin": rng.bytes(int(rng.integers(0, 2000))) for n in range(50)}
    shard = write(tmp_path / "0.tar", files)
    assert {m.name: read_at(shard, m.offset, m.size) for m in list_members(shard)} == files


def test_as_good_as_a_folder(tmp_path: Path) -> None:
    """The same images in shards and in a folder: the same split and the same content."""
    files: list[dict[str, bytes]] = [{}, {}]
    for number in range(24):
        noise = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        image = io.BytesIO()
        Image.fromarray(noise).save(image, "PNG")
        label = "ab"[number >= 12]
        files[number >= 12] |= {f"{number:02d}.png": image.getvalue(), f"{number:02d}.cls": label.encode()}
        path = tmp_path / "folder" / label / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image.getvalue())
    for number, inside in enumerate(files):
        write(tmp_path / "shards" / f"{number}.tar", inside)
    in_folder, in_shards = (open_data(source) for source in (tmp_path / "folder", f"wds:{tmp_path / 'shards'}"))
    stats = [scan_images(data) for data in (in_folder, in_shards)]
    assert stats[0].fingerprint() == stats[1].fingerprint()
    splits = [split_dataset(data, *audit_dataset(data), validation=0.2, test=0.2) for data in (in_folder, in_shards)]
    np.testing.assert_array_equal(splits[0].to_array(), splits[1].to_array())
