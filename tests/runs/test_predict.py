"""Which files a prediction takes."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from discern.data.folder import open_folder
from discern.runs.predict import list_images


def fill(root: Path, content: bytes, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def test_prediction_walks_as_training_does(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "JPEG")
    fill(
        tmp_path,
        file.getvalue(),
        "a/2.jpg",
        "a/10.jpg",
        "a/3",
        ".x/1.jpg",
        "__MACOSX/1.jpg",
        "b/.1.jpg",
        "b/deep/1.jpeg",
    )
    fill(tmp_path, b"text", "a/notes.txt", "b/1.dcm")
    trained = open_folder(tmp_path).store
    predicted = [str(path.relative_to(tmp_path)) for path in list_images([tmp_path])]
    assert (
        predicted
        == [trained.path(index) for index in range(len(trained))]
        == [
            "a/2.jpg",
            "a/3",
            "a/10.jpg",
            "b/deep/1.jpeg",
        ]
    )
