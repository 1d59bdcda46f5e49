from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from discern import i18n
from discern.i18n import _, language, ngettext, use_language

VARIABLES = ("DISCERN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A zh_TW catalogue of two sentences."""
    found = Catalog(locale="zh_TW", charset="utf-8")
    found.add("{n} right", "{n} 對")
    found.add(("{n} image", "{n} images"), ("{n} 張影像",))
    folder = tmp_path / "zh_TW" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / f"{i18n.DOMAIN}.mo").open("wb") as stream:
        write_mo(stream, found)
    monkeypatch.setattr(i18n, "LOCALE_FOLDER", tmp_path)
    i18n._catalogue.cache_clear()
    yield
    i18n._catalogue.cache_clear()


@pytest.mark.parametrize(
    "settings, wanted",
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_TW.UTF-8"}, "zh_TW"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "zh_TW"),
        ({"LC_ALL": "zh_TW", "LANGUAGE": "en:zh_TW"}, "en"),
        ({"DISCERN_LANG": "zh-TW", "LC_ALL": "en_US"}, "zh_TW"),
        ({"DISCERN_LANG": "", "LANG": "zh_TW"}, "zh_TW"),
    ],
)
def test_where_the_language_comes_from(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], wanted: str) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in settings.items():
        monkeypatch.setenv(variable, value)
    assert language() == wanted


def test_use_language_nests_and_ends() -> None:
    with use_language("zh_TW"):
        with use_language("en"):
            assert language() == "en"
        assert language() == "zh_TW"
    assert language() == "en"


def test_a_language_is_one_threads_own() -> None:
    heard = []
    with use_language("zh_TW"):
        thread = threading.Thread(target=lambda: heard.append(language()))
        thread.start()
        thread.join()
    assert heard == ["en"]


@pytest.mark.usefixtures("catalogue")
def test_sentences_are_translated_and_filled_afterwards() -> None:
    assert _("{n} right").format(n=3) == "3 right"
    with use_language("zh_TW"):
        assert _("{n} right").format(n=3) == "3 對"
        assert _("not in the catalogue") == "not in the catalogue"
        assert [ngettext("{n} image", "{n} images", n).format(n=n) for n in (1, 2)] == ["1 張影像", "2 張影像"]


@pytest.mark.usefixtures("catalogue")
def test_every_chinese_gets_the_chinese_there_is() -> None:
    for name in ("zh", "zh_TW", "zh_HK", "ZH_tw"):
        with use_language(name):
            assert _("{n} right") == "{n} 對"


@pytest.mark.usefixtures("catalogue")
def test_a_language_nobody_wrote_is_english() -> None:
    with use_language("fr_FR"):
        assert _("{n} right") == "{n} right"
        assert [ngettext("{n} image", "{n} images", n) for n in (1, 2)] == ["{n} image", "{n} images"]
