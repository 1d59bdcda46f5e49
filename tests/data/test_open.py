from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from discern.data.dataset import Dataset
from discern.data.open import open_data
from discern.errors import DataError


def refused(source: object) -> str:
    with pytest.raises(DataError) as caught:
        open_data(source)  # type: ignore[arg-type]
    return str(caught.value)


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_a_data_set_passes_through() -> None:
    data = open_data("digits")
    assert isinstance(data, Dataset) and open_data(data) is data


def test_a_folder_a_table_and_parquet(shared_data: Path, tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg").joinpath("t.csv").write_text("path,label\na/1.jpg,x\nb/1.jpg,y\n")
    assert open_data(tmp_path).classes == ("a", "b")
    assert open_data(str(tmp_path / "t.csv")).classes == ("x", "y")
    assert len(open_data(shared_data / "mnist")) == 70000
    assert len(open_data(shared_data / "mnist" / "test.parquet")) == 10000
    assert len(open_data(shared_data / "fruit")) == 142


def test_what_exists_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fill(tmp_path, "digits/a/1.jpg", "digits/b/1.jpg"))
    data = open_data("digits")
    assert data.classes == ("a", "b")
    assert data.notes[0].startswith("'digits' is the ")
    assert open_data(Path("digits").resolve()).notes == ()


def test_missing_path_and_nearest_names(tmp_path: Path) -> None:
    assert refused("mnits").startswith("There is no data set mnits: did you mean mnist")
    fill(tmp_path, "pictures/a/1.jpg")
    assert f"did you mean {tmp_path / 'pictures'}?" in refused(str(tmp_path / "picturse"))
    assert "digits, iris, mnist, fashion-mnist, cifar10, cifar100" in refused(str(tmp_path / "deep" / "qqqq"))
    assert "There is no data set" in refused("")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("one.jpg", "is one picture"),
        ("all.zip", "unpack it"),
        ("all.tar.gz", "unpack it"),
        ("notes.txt", "is not a data set"),
    ],
)
def test_files_that_are_no_data_set(tmp_path: Path, name: str, said: str) -> None:
    assert said in refused(fill(tmp_path, name) / name)


def test_no_torch_is_loaded() -> None:
    code = "import sys; from discern.data.open import open_data; open_data('digits'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
