"""The language a person reads: English sentences in the code, translations in ``locale/``.

``DISCERN_LANG`` (for example ``zh_TW``) picks the language; without it the locale does.
"""

from __future__ import annotations

import functools
import gettext as _gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

DOMAIN = "discern"
LOCALE_FOLDER = Path(__file__).parent / "locale"
_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """Return ``zh_TW`` or ``en``: what `use_language` chose, else ``DISCERN_LANG``, else the locale."""
    chosen = _chosen.get()
    if chosen:
        return chosen
    for variable in ("DISCERN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "").split(":")[0].split(".")[0].replace("-", "_")
        if value:
            return _spoken(value)
    return "en"


def _spoken(name: str) -> str:
    return "zh_TW" if name.lower().startswith("zh") else "en"


@contextmanager
def use_language(name: str) -> Iterator[None]:
    """Speak ``name`` (``en``, ``zh_TW``) inside the block."""
    token = _chosen.set(_spoken(name))
    try:
        yield
    finally:
        _chosen.reset(token)


@functools.cache
def _catalogue(name: str) -> _gettext.NullTranslations:
    return _gettext.translation(DOMAIN, LOCALE_FOLDER, [name], fallback=True)


def _(message: str) -> str:
    """Translate one sentence. Fill its ``{fields}`` afterwards with ``str.format``."""
    return _catalogue(language()).gettext(message)


def N_(message: str) -> str:
    """Mark a sentence for translation that is translated only when it is shown."""
    return message


def ngettext(singular: str, plural: str, n: int) -> str:
    """Translate a sentence whose form depends on the count ``n``."""
    return _catalogue(language()).ngettext(singular, plural, n)
