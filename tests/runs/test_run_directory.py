from __future__ import annotations

from pathlib import Path

import pytest

from discern.errors import RunError
from discern.files import write_json
from discern.runs.run_directory import RunDirectory, make_run_directory

CONFIG = {"data": {"name": "水果"}, "task": "classification", "config": {"epochs": 3}, "preprocess": {"size": 32}}


def test_making_the_object_touches_nothing(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    assert not run.path.exists()
    files = [run.config, run.split, run.audit, run.events, run.checkpoint, run.metrics, run.report]
    assert {file.parent for file in files} == {run.path}
    assert len({file.name for file in files}) == len(files)


def test_events_come_back_in_order_and_by_kind(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert list(run.read_events()) == []
    run.log("start", model="lenet")
    run.log("notice", text="蘋果 is one class")
    run.log("epoch", epoch=1)
    assert [event["event"] for event in run.read_events()] == ["start", "notice", "epoch"]
    assert list(run.read_events("notice")) == [{"event": "notice", "text": "蘋果 is one class"}]


@pytest.mark.parametrize("text", ["a\nb", "a\u2028b", "a\x85b", "a\rb"])
def test_an_event_stays_one_line_whatever_it_says(tmp_path: Path, text: str) -> None:
    run = RunDirectory(tmp_path)
    run.log("notice", text=text)
    run.log("epoch", epoch=1)
    assert [event.get("text") for event in run.read_events()] == [text, None]


@pytest.mark.parametrize("tail", [b'{"event": "epo', '{"event": "蘋'.encode()[:-1]])
def test_a_line_that_is_not_whole_yet_is_left_out(tmp_path: Path, tail: bytes) -> None:
    run = RunDirectory(tmp_path)
    run.log("epoch", epoch=1)
    with run.events.open("ab") as stream:
        stream.write(tail)
    assert [event["epoch"] for event in run.read_events("epoch")] == [1]


def test_rewriting_replaces_the_events(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for epoch in (1, 2, 3):
        run.log("epoch", epoch=epoch)
    run.rewrite_events(event for event in list(run.read_events()) if event["epoch"] < 3)
    run.log("epoch", epoch=33)
    assert [event["epoch"] for event in run.read_events()] == [1, 2, 33]


def test_config_comes_back(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_json(run.config, CONFIG)
    assert run.read_config() == CONFIG


@pytest.mark.parametrize("text", [None, "{}", "[]", '{"model_type": "vit"}'])
def test_a_folder_that_is_no_run(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"is not a run.*discern train"):
        RunDirectory(tmp_path).read_config()


@pytest.mark.parametrize("data", [b'{"config": ', b"", b"\xff\xfe\x00"])
def test_a_damaged_config(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "config.json").write_bytes(data)
    with pytest.raises(RunError, match=r"config\.json is damaged.*Train again"):
        RunDirectory(tmp_path).read_config()


@pytest.mark.parametrize(
    "text",
    ['{"result": {', "[]", "{}", '{"result": 3, "test": null, "validation": null}', '{"result": {}, "test": {}}'],
)
def test_damaged_metrics(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(RunError, match=r"metrics\.json is damaged or from another version"):
        RunDirectory(tmp_path).read_metrics()


def test_new_runs_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, third = (make_run_directory("水果 / fruit", "resnet18").path for _ in range(3))
    assert len({first, second, third}) == 3
    assert {first.parent, second.parent, third.parent} == {Path("runs")}
    assert "水果-fruit_resnet18" in first.name
    assert second.name == f"{first.name}-2"
    assert third.is_dir()


def test_the_asked_for_folder_is_made_or_taken_when_empty(tmp_path: Path) -> None:
    assert make_run_directory("x", "y", tmp_path / "a" / "b").path.is_dir()
    assert make_run_directory("x", "y", tmp_path / "a" / "b").path == tmp_path / "a" / "b"


@pytest.mark.parametrize("name", ["full", "file"])
def test_the_asked_for_folder_is_not_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match=r"is not empty.*--out.*--resume"):
        make_run_directory("x", "y", tmp_path / name)
