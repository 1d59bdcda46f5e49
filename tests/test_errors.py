from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discern import errors
from discern.errors import DataError, DiscernError, DownloadError, ImageError, OutputError, nearest

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DiscernError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_its_sentence_and_exit_code_2(kind: type[DiscernError]) -> None:
    error = kind("fruit/ holds no images: put them in one sub-folder per class.")
    assert str(error) == "fruit/ holds no images: put them in one sub-folder per class."
    assert error.exit_code == (1 if kind is OutputError else 2)


def test_kinds_for_programs() -> None:
    assert ImageError("cut short", "truncated").kind == "truncated"
    assert DownloadError("no file", reason="404").reason == "404"
    assert isinstance(ImageError("x"), DataError)


@given(st.text(max_size=8), st.lists(st.text(max_size=8)), st.integers(1, 4))
def test_nearest_gives_allowed_names_only(name: str, allowed: list[str], most: int) -> None:
    found = nearest(name, allowed, most)
    assert set(found) <= set(allowed)
    assert len(found) <= most
    if name in allowed:
        assert found[0] == name
