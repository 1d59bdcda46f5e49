from __future__ import annotations

from pathlib import Path

import pytest

from discern.errors import RunError
from discern.evaluation.report.story import read_story
from discern.files import read_json, write_json
from discern.run import RunDirectory
from tests.evaluation.report.made import make_run, predicted


def test_all_of_it_is_read_from_the_directory(tmp_path: Path) -> None:
    some = predicted(("a", "b"), 30)
    story = read_story(make_run(tmp_path, some))
    assert story.metrics is not None and story.metrics.n == 30
    assert story.predictions is not None and story.predictions.paths == some.paths
    assert story.kept is not None and story.kept.pictures
    assert story.layers is not None and story.layers.layers[0].kind == "Conv"
    assert str(story.layers).count("\n") > 5
    assert len(story.epochs) == 3 and story.remedy is None


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        read_story(RunDirectory(tmp_path))


def test_a_classical_run_that_did_not_end_begins_again(tmp_path: Path) -> None:
    run = make_run(tmp_path, predicted(("a", "b"), 30), finished=False, epochs=0)
    config = run.read_config()
    del config["config"]["epochs"], config["asked"]["epochs"]
    config["config"]["model"] = "knn"
    run.write_config(config)
    remedy = read_story(run).remedy
    assert remedy is not None and "make it again with `discern train '水果' --model knn" in remedy


@pytest.mark.parametrize("name", ["metrics.json", "split.json", "audit.json", "layers.json", "predictions.npz"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path, predicted(("a", "b"), 30))
    (tmp_path / name).write_bytes(b'{"cut')
    with pytest.raises(RunError, match=name):
        read_story(run)


def test_metrics_of_another_version_are_said(tmp_path: Path) -> None:
    run = make_run(tmp_path, predicted(("a", "b"), 30))
    value = read_json(run.metrics)
    del value["test"]["reliability"]
    write_json(run.metrics, value)
    with pytest.raises(RunError, match="another version"):
        read_story(run)
