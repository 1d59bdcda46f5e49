"""The report of runs as training leaves them, written again without their images, in another language."""

from __future__ import annotations

import html
import io
import json
import re
import shlex
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import discern
from discern.api.train import train
from discern.cli.app import app
from discern.data.image import decode_reduced
from discern.errors import DiskError, Interrupted, RunError
from discern.evaluation.report.stored_images import VERSIONS, load_images
from discern.i18n import use_language
from discern.preprocess.spec import Preprocess
from discern.progress import NullReporter
from discern.runs import evaluate
from discern.runs.run import Run
from tests.images import make_folder
from tests.run_facts import QUICK, RecordingReporter

# What stays as it is in every language: file names, settings, layers and what they are called in code.
CODE = re.compile(r"<pre>.*?</pre>|<details>.*?</details>|<ul>(<li>[^<]*</li>)*</ul></details>|`[^`]*`", re.S)
NAMES = re.compile(
    "red|green|blue|small|sepal|petal|length|width|species|setosa|versicolor|virginica|pixels|top|lenet|logistic|iris|knn|discern|Python|torch|scikit|learn|png|csv"
    "|train|test|validation|true|fp32|bf16|contiguous|channels_last|cu[0-9]+|ROC|AUC|Brier|AMD|Intel|EPYC|Xeon|Apple"
    "|[0-9a-f]{16,}"
)


class Words(HTMLParser):
    """Collects the visible text of a page, and the texts that are read aloud or shown on hovering."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.skipped = 0
        self.feed(CODE.sub("", page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.skipped += tag in ("script", "style")
        self.texts += [value or "" for name, value in attrs if name in ("alt", "title", "aria-label", "data-note")]

    def handle_endtag(self, tag: str) -> None:
        self.skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.texts.append(data)


def find_english(page: str) -> set[str]:
    words = {word for text in Words(page).texts for word in re.findall(r"[A-Za-z][A-Za-z0-9_]{2,}", text)}
    return {word for word in words if not NAMES.fullmatch(word)}


def find_chinese(page: str) -> list[str]:
    return [text for text in Words(page).texts if re.search(r"[\u3000-\u9fff\uff00-\uffef]", text)]


@pytest.fixture(scope="module")
def network(apart: None, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "n"
    return train(small, "lenet", epochs=2, out=out, **QUICK, size=16, mixup=0.2, reporter=NullReporter())


def test_it_is_written_again_to_the_byte_and_needs_no_image(network: Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(network.path, tmp_path / "n"))
    written = (run / "report.html").read_text(encoding="utf-8")
    (run / "report.html").unlink()
    recorder = RecordingReporter()
    assert discern.report(run, reporter=recorder) == run / "report.html"
    assert (run / "report.html").read_text(encoding="utf-8") == written
    assert recorder.events == []


@pytest.mark.parametrize(("data", "model"), [("small", "lenet"), ("small", "logistic"), ("iris", "knn")])
def test_a_run_is_reported_wholly_in_the_readers_language(small: Path, tmp_path: Path, data: str, model: str) -> None:
    settings = {"epochs": 1, "size": 16} if model == "lenet" else {}
    for language in ("en", "zh_TW"):
        with use_language(language):
            out = tmp_path / language
            train(small if data == "small" else data, model, out=out, **settings, reporter=NullReporter())
        with use_language("zh_TW"):
            chinese = discern.report(out, reporter=NullReporter()).read_text(encoding="utf-8")
        with use_language("en"):
            english = discern.report(out, reporter=NullReporter()).read_text(encoding="utf-8")
        assert find_chinese(english) == []
        assert find_english(chinese) == set()
        assert '<html lang="zh-TW">' in chinese and '<html lang="en">' in english


def test_images_that_moved_are_an_alert_and_the_report_is_complete(apart: None, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    run = train(folder, "knn", out=tmp_path / "run", reporter=NullReporter())
    folder.rename(tmp_path / "elsewhere")
    recorder = RecordingReporter()
    text = discern.report(run, reporter=recorder).read_text(encoding="utf-8")
    assert recorder.notices().startswith(f"The data is no longer at {folder}")
    assert html.escape(recorder.notices()) in text and "data:image" in text


def test_a_network_stores_images_examples_and_its_layers(network: Run) -> None:
    stored = load_images(network.directory.images)
    assert stored is not None and stored.split == "test"
    assert len(stored.images) == len(network.predictions()["test"])
    assert len(stored.examples.images) == 4 and len(stored.examples.images[0]) == 1 + VERSIONS
    text = network.directory.report.read_text(encoding="utf-8")
    assert "Augmented training examples" in text and "ultiply-adds" in text
    assert json.loads(network.directory.split.read_text("utf-8"))["classes"]["red"]["train"] > 0


def test_layers_that_cannot_be_traced_do_not_lose_the_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise IndexError("odd")

    monkeypatch.setattr(evaluate, "summarize", fail)
    recorder = RecordingReporter()
    run = train(small, "lenet", epochs=1, out=tmp_path / "run", **QUICK, size=16, reporter=recorder)
    assert run.evaluate().n > 0 and run.directory.report.exists()
    assert "no table of the layers of lenet: IndexError odd." in recorder.notices()


def test_a_classical_model_stores_its_images_and_has_no_layers(small: Path, tmp_path: Path) -> None:
    run = train(small, "knn", out=tmp_path / "run", reporter=NullReporter())
    stored = load_images(run.directory.images)
    assert stored is not None and stored.images and not stored.examples.images
    text = run.directory.report.read_text(encoding="utf-8")
    titles = re.findall("<h2>(.*?)</h2>", text)
    assert {"Augmented training examples", "Network", "Learning curves"}.isdisjoint(titles)
    assert "--model knn" in text


@pytest.mark.parametrize("target", ["species", "petal width"])
def test_a_table_has_a_report_of_classes_or_of_a_number(tmp_path: Path, target: str) -> None:
    run = train("iris", "knn", out=tmp_path / "run", target=target, reporter=NullReporter())
    written = run.directory.report.read_text(encoding="utf-8")
    assert ("Confusion matrix" in written) == (target == "species")
    assert ("Largest errors" in written) == (target == "petal width")
    assert "<img" not in written and f"--target {shlex.quote(target)}" in html.unescape(written)
    assert discern.report(run, reporter=NullReporter()).read_text(encoding="utf-8") == written


def test_an_unfinished_run_shows_what_there_is_and_how_to_resume(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting(NullReporter):
        def event(self, event: dict[str, object]) -> None:
            if event["event"] == "epoch" and event["epoch"] == 2:
                raise Interrupted(str(tmp_path / "run"))

    settings = {**QUICK, "size": 16, "checkpoint_seconds": 0}
    with pytest.raises(Interrupted):
        train(small, "lenet", epochs=5, out=tmp_path / "run", **settings, reporter=Interrupting())
    assert not (tmp_path / "run" / "report.html").exists()
    app(args=["report", str(tmp_path / "run"), "--json"], standalone_mode=False)
    out, shown = capsys.readouterr()
    assert f"resume with `discern train --resume {tmp_path / 'run'}`" in shown
    text = Path(json.loads(out)["report"]).read_text(encoding="utf-8")
    assert "training stopped after 2 of 5 epochs" in text and "Learning curves so far" in text


def test_what_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run: it has no config"):
        discern.report(tmp_path)


def test_a_full_disk_leaves_the_old_report(network: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(shutil.copytree(network.path, tmp_path / "n"))
    written = (run / "report.html").read_bytes()

    def fail(self: Path, *arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(DiskError, match="full"):
        discern.report(run, reporter=NullReporter())
    assert (run / "report.html").read_bytes() == written
    assert not list(run.glob(".*.part"))


def test_thumbnails_are_what_the_network_sees(network: Run) -> None:
    stored, config = load_images(network.directory.images), network.directory.read_config()
    assert stored is not None
    spec = Preprocess.model_validate(config["preprocess"])
    paths = network.predictions()["test"].paths
    for image, data in list(stored.images.items())[:5]:
        encoded = (Path(config["data"]["origin"]) / paths[image]).read_bytes()
        pixels = spec.apply(*decode_reduced(encoded, spec.min_side))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(pixels.shape), pixels)
