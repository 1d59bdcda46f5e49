from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import discern
from discern.errors import RunError
from discern.evaluation.metrics import Metrics
from discern.files import read_json, write_json
from discern.progress import NullReporter
from discern.runs.report_data import load_report_data
from discern.runs.run_directory import RunDirectory
from tests.images import make_folder
from tests.run_facts import QUICK


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCERN_OFFLINE", "1")
        patch.setenv("DISCERN_CACHE", str(folder / "cache"))
        settings = {**QUICK, "size": 16, "epochs": 2}
        data = make_folder(folder / "data")
        return discern.train(data, "lenet", out=folder / "run", reporter=NullReporter(), **settings).path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> RunDirectory:
    """A copy that a test may damage."""
    return RunDirectory(shutil.copytree(trained, tmp_path / "my run"))


def leave_unfinished(run: RunDirectory) -> None:
    for path in (run.metrics, run.predictions, run.images, run.layers, run.report):
        path.unlink()


def test_all_of_it_is_read_from_the_directory(run: RunDirectory) -> None:
    data = load_report_data(run)
    assert isinstance(data.metrics, Metrics) and data.metrics.split == "test" and data.unit == "images"
    assert data.predictions is not None and len(data.predictions) == data.metrics.n == data.split.counts["test"]
    assert data.images is not None and data.images.images
    assert data.layers is not None and data.layers.layers[0].kind == "Conv"
    assert len(data.epochs) == data.planned == 2 and data.alerts == ()
    assert data.settings["lr"] > 0 and data.settings["precision"] == "fp32"
    assert sum(n for _split, _reason, n in data.split.reasons) == 36
    assert {notice.code for notice in data.split.notices}.isdisjoint(choice.code for choice in data.choices)
    assert data.provenance["discern"] and data.command.startswith("discern train ")


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        load_report_data(RunDirectory(tmp_path))


def test_an_unfinished_run_says_how_to_resume_it(run: RunDirectory) -> None:
    leave_unfinished(run)
    data = load_report_data(run)
    assert data.metrics is None and data.predictions is None and len(data.epochs) == 2
    assert [alert.text() for alert in data.alerts] == [
        f"Training of '{run.path}' is unfinished; resume with `discern train --resume '{run.path}'`."
    ]


def test_an_unfinished_classical_run_starts_again(run: RunDirectory) -> None:
    leave_unfinished(run)
    run.events.unlink()
    config = run.read_config()
    del config["profile"], config["config"]["optim"]
    write_json(run.config, config | {"requested": {"model": "knn"}, "config": config["config"] | {"model": "knn"}})
    (alert,) = load_report_data(run).alerts
    assert "start again with `discern train" in alert.text() and "--model knn" in alert.text()


@pytest.mark.parametrize("name", ["metrics.json", "split.json", "audit.json", "layers.json", "predictions.npz"])
def test_a_damaged_file_is_named(run: RunDirectory, name: str) -> None:
    (run.path / name).write_bytes(b'{"cut')
    with pytest.raises(RunError, match=name):
        load_report_data(run)


def test_metrics_of_another_version_are_said(run: RunDirectory) -> None:
    value = read_json(run.metrics)
    del value["test"]["reliability"]
    write_json(run.metrics, value)
    with pytest.raises(RunError, match="another version"):
        load_report_data(run)


@pytest.mark.parametrize("name", ["predictions.npz", "images.npz", "layers.json"])
def test_a_file_that_is_gone_is_left_out(run: RunDirectory, name: str) -> None:
    (run.path / name).unlink()
    data = load_report_data(run)
    assert data.metrics is not None
    assert None in (data.predictions, data.images, data.layers)
