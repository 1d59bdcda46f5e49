"""Every lab runs a lecture's example without options, as data, tables, figure, page and command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import discern
from discern.cli import main
from discern.errors import ConfigError
from discern.i18n import use_language
from discern.labs.catalog import LABS, describe_lab


@pytest.mark.parametrize("name", LABS)
def test_every_lab_shows_its_example(name: str, tmp_path: Path) -> None:
    found = discern.lab(name)
    assert all(sentence.strip() for sentence in found.sentences()) and found.sentences()
    for table in found.tables():
        assert table.rows and all(len(row) == len(table.columns) for row in table.rows)
    figure = Figure(figsize=found.figsize)
    found.plot(figure)
    assert figure.get_axes()
    if found.frames():
        moved = Figure(figsize=found.figsize)
        found.plot_frame(moved, found.frames() - 1)
        assert moved.get_axes()
    found.save(tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text()).keys() == found.to_json().keys()


@pytest.mark.parametrize("name", LABS)
def test_every_option_says_what_it_is(name: str) -> None:
    assert all(len(option.help) > 5 and option.help.endswith(".") for option in describe_lab(name).options)


@pytest.mark.parametrize("language", ["en", "zh_TW"])
def test_topics_and_options_follow_the_language(language: str) -> None:
    with use_language(language):
        topics = discern.list_labs().labs
        described = describe_lab("pooling")
    assert list(topics) == list(LABS) and described.topic == topics["pooling"]
    chinese = any(ord(letter) > 0x3000 for letter in topics["pooling"] + described.options[0].help)
    assert chinese == (language == "zh_TW")


@pytest.mark.parametrize("name", LABS)
def test_long_tables_fold(name: str) -> None:
    for table in discern.lab(name).tables():
        shown = table.folded()
        assert len(shown) <= 60 and shown[-1] == table.texts()[-1]


@pytest.mark.parametrize("name", LABS)
def test_every_lab_runs_as_a_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["discern", "lab", name, "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(discern.lab(name).to_json()))


@pytest.mark.parametrize("ending", ["png", "svg", "html"])
def test_saving(ending: str, tmp_path: Path) -> None:
    discern.lab("pooling").save(tmp_path / f"pooling.{ending}")
    assert [path.name for path in tmp_path.iterdir()] == [f"pooling.{ending}"]


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("poling", {}, 'Unknown lab "poling" .did you mean pooling'),
        ("zzz", {}, 'Unknown lab "zzz": choose one of encode'),
        ("pooling", {"windo": 3}, 'pooling has no setting "windo" .did you mean window'),
        ("pooling", {"window": 0}, "window=0 is not allowed: 1 or more"),
        ("pooling", {"kind": "min"}, "kind=min is not allowed: one of max, average, global"),
        ("pooling", {"image": "1 a"}, "write spaces between numbers"),
    ],
)
def test_wrong_options_are_explained(name: str, given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        discern.lab(name, **given)


def test_a_still_result_is_not_saved_as_an_animation(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing moves in this result"):
        discern.lab("pooling").save(tmp_path / "pooling.gif")
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_a_table_alone_and_all_of_a_lab() -> None:
    found = discern.lab("pooling", image="1 2/3 4")
    shown = found.tables()[0]._repr_html_()
    assert "<h3>Windows</h3>" in shown and ">1 2/3 4</td>" in shown
    whole = found._repr_html_()
    assert shown in whole and "<svg" in whole and found.sentences()[0] in whole
