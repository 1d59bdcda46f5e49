"""The report of runs as training leaves them, made again without their pictures."""

from __future__ import annotations

import html
import io
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import discern
from discern.api import finish
from discern.api.fit import _Phase
from discern.api.run import Run
from discern.api.train import train
from discern.cli.app import app
from discern.data.picture import decode_reduced
from discern.errors import DiskError, RunError
from discern.evaluation.report.kept import VERSIONS, load_kept
from discern.preprocess.spec import Preprocess
from discern.progress import Watcher
from discern.training.interrupt import Interrupted
from tests.pictures import make_folder
from tests.runs import QUICK, Heard


@pytest.fixture(scope="module")
def network(apart: None, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = {**QUICK, "size": 16, "mixup": 0.2}
    return train(
        small, "lenet", epochs=2, out=tmp_path_factory.mktemp("runs") / "n", settings=settings, watch=Watcher()
    )


def test_it_is_made_again_to_the_byte_and_asks_for_no_picture(network: Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(network.path, tmp_path / "n"))
    written = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").unlink()
    heard = Heard()
    assert discern.report(run, watch=heard) == run / "report.html"
    assert (run / "report.html").read_text(encoding="utf-8") == written
    assert heard.events == []


def test_pictures_that_moved_are_told_of_and_the_report_is_whole(apart: None, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    run = train(folder, "knn", out=tmp_path / "run", watch=Watcher())
    folder.rename(tmp_path / "elsewhere")
    heard = Heard()
    text = discern.report(run, watch=heard).read_text(encoding="utf-8")
    assert [event["text"].startswith(f"The data is not in {folder}") for event in heard.events] == [True]
    assert text.count("<img") > 0


def test_a_network_keeps_pictures_samples_and_its_layers(network: Run) -> None:
    kept = load_kept(network.directory.pictures)
    assert kept is not None and kept.part == "test"
    assert len(kept.pictures) == network.predictions()["test"].labels.size
    assert len(kept.samples.pictures) == 4 and len(kept.samples.pictures[0]) == 1 + VERSIONS
    text = network.directory.report.read_text(encoding="utf-8")
    assert "What training saw" in text and "Multiply-adds" in text
    assert json.loads(network.directory.split.read_text("utf-8"))["classes"]["red"]["train"] > 0


def test_a_table_of_layers_that_cannot_be_made_does_not_lose_the_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*arguments: object) -> None:
        raise IndexError("odd")

    monkeypatch.setattr(finish, "summary", lost)
    heard = Heard()
    run = train(small, "lenet", epochs=1, out=tmp_path / "run", settings={**QUICK, "size": 16}, watch=heard)
    assert run.evaluate().n > 0 and run.directory.report.exists()
    assert any("no table of the layers of lenet: IndexError odd." in str(event) for event in heard.events)


def test_a_classical_model_keeps_its_pictures_and_has_no_layers(small: Path, tmp_path: Path) -> None:
    run = train(small, "knn", out=tmp_path / "run", watch=Watcher())
    kept = load_kept(run.directory.pictures)
    assert kept is not None and kept.pictures and not kept.samples.pictures
    text = run.directory.report.read_text(encoding="utf-8")
    assert "What training saw" not in text and "The network" not in text and "Curves" not in text
    assert "--model knn" in text


@pytest.mark.parametrize("target", ["species", "petal width"])
def test_a_table_has_a_report_of_classes_or_of_a_number(tmp_path: Path, target: str) -> None:
    run = train("iris", "knn", out=tmp_path / "run", settings={"target": target}, watch=Watcher())
    written = run.directory.report.read_text(encoding="utf-8")
    assert ("Confusion matrix" in written) == (target == "species")
    assert ("The largest errors" in written) == (target == "petal width")
    assert "<img" not in written and f"--target {shlex.quote(target)}" in html.unescape(written)
    assert discern.report(run, watch=Watcher()).read_text(encoding="utf-8") == written


def test_an_interrupted_run_tells_what_there_is_and_how_to_go_on(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: object, kind: str, fields: dict[str, object]) -> None:
        heard(self, kind, fields)
        if kind == "epoch" and fields["epoch"] == 2:
            raise Interrupted(tmp_path / "run")

    heard = _Phase._listen
    monkeypatch.setattr(_Phase, "_listen", stop)
    settings = {**QUICK, "size": 16, "checkpoint_seconds": 0}
    with pytest.raises(Interrupted):
        train(small, "lenet", epochs=5, out=tmp_path / "run", settings=settings, watch=Watcher())
    assert not (tmp_path / "run" / "report.html").exists()
    app(args=["report", str(tmp_path / "run"), "--json"], standalone_mode=False)
    out, told = capsys.readouterr()
    assert f"go on with `discern train --resume {tmp_path / 'run'}`" in told
    text = Path(json.loads(out)["report"]).read_text(encoding="utf-8")
    assert "training stopped after 2 of 5 epochs" in text and "Curves so far" in text


def test_what_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run: it has no config"):
        discern.report(tmp_path)


def test_a_full_disk_leaves_the_old_report(network: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(shutil.copytree(network.path, tmp_path / "n"))
    written = (run / "report.html").read_bytes()

    def full(self: Path, *arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DiskError, match="full"):
        discern.report(run, watch=Watcher())
    assert (run / "report.html").read_bytes() == written
    assert not list(run.glob(".*.part"))


def test_thumbnails_are_what_the_network_saw(network: Run) -> None:
    kept, config = load_kept(network.directory.pictures), network.directory.read_config()
    assert kept is not None
    spec = Preprocess.model_validate(config["preprocess"])
    paths = network.predictions()["test"].paths
    for row, data in list(kept.pictures.items())[:5]:
        seen = spec.pixels(*decode_reduced((Path(config["data"]["origin"]) / paths[row]).read_bytes(), spec.at_least))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(seen.shape), seen)
