from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from discern.errors import DiskError, RunError
from discern.evaluation.predictions import Predictions, load_predictions, save_predictions

CLASSES = ("水果", "dog", "cat")


def made(n: int = 5, seed: int = 0) -> Predictions:
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.ones(3), n).astype(np.float32)
    return Predictions(CLASSES, tuple(f"test/水/{i}.jpg" for i in range(n)), random.integers(0, 3, n), probabilities)


def test_they_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    written = {"validation": made(4), "test": made(7, seed=1)}
    save_predictions(path, written)
    found = load_predictions(path, Predictions)
    assert list(found) == ["validation", "test"]
    for name, part in written.items():
        assert found[name].classes == CLASSES and found[name].paths == part.paths
        assert np.array_equal(found[name].labels, part.labels)
        assert found[name].probabilities.dtype == np.float32
        assert np.array_equal(found[name].probabilities, part.probabilities)
    assert [p.name for p in tmp_path.iterdir()] == ["predictions.npz"]


def test_nothing_in_them_is_pickled(tmp_path: Path) -> None:
    save_predictions(tmp_path / "p.npz", {"test": made()})
    with np.load(tmp_path / "p.npz", allow_pickle=False) as held:
        assert all(held[name].dtype != object for name in held.files)


def test_one_sentence_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no stored predictions.*train again"):
        load_predictions(tmp_path / "predictions.npz", Predictions)


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "shape", "label", "missing"])
def test_one_sentence_where_they_are_damaged(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    good = made()
    save_predictions(path, {"test": good})
    columns = {"format": np.array(2), "outputs": np.array(CLASSES), "splits": np.array(["test"])}
    columns |= {"test_paths": np.array(good.paths), "test_labels": good.labels}
    columns |= {"test_probabilities": good.probabilities}
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-200])
        case "text":
            path.write_text("words")
        case "pickle":
            np.savez(path, **columns | {"test_paths": np.array(good.paths, dtype=object)})
        case "shape":
            np.savez(path, **columns | {"test_labels": good.labels[:-1]})
        case "label":
            np.savez(path, **columns | {"test_labels": good.labels + 3})
        case "missing":
            np.savez(path, **{name: column for name, column in columns.items() if name != "outputs"})
    with pytest.raises(RunError, match="damaged"):
        load_predictions(path, Predictions)


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError):
        save_predictions(tmp_path / "file" / "p.npz", {"test": made()})
