"""Notices as data: a code and its fields are stored, the sentence is made when somebody reads it.

So a run trained in one language is reported in another. The sentences stand in `discern.notice_texts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discern.i18n import _
from discern.notice_texts import TEXTS
from discern.printable import escape_controls


@dataclass(frozen=True)
class Notice:
    """Something that was assumed, chosen, left out or found, for a person to read.

    The fields are what the sentence's ``{fields}`` take: JSON values. A value may be a `Notice` itself (a word or a
    phrase that is translated, too), or a sequence, which is joined with commas.

    Examples
    --------
    >>> Notice("test.example", {"n": 1200, "names": ["a.jpg", "b.jpg"]}).text()
    '1,200 images: a.jpg, b.jpg.'
    """

    code: str  # a key of `discern.notice_texts.TEXTS`, which holds the sentence
    fields: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return the sentence in the language of the reader; of an unknown code, code and fields."""
        if self.code not in TEXTS:
            return escape_controls(f"{self.code} {dict(self.fields)}")
        return _(TEXTS[self.code]).format(**{name: _shown(value) for name, value in self.fields.items()})

    def to_json(self) -> dict[str, Any]:
        """Return code and fields as JSON values."""
        return {"code": self.code, "fields": {name: _stored(value) for name, value in self.fields.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Notice:
        """Read what `to_json` returned; other keys are ignored. Raises `ValueError` when ``value`` is no notice."""
        code, fields = value.get("code"), value.get("fields", {})
        if not isinstance(code, str) or not isinstance(fields, Mapping):
            raise ValueError("not a notice")
        return cls(code, {name: _restored(inner) for name, inner in fields.items()})


def _shown(value: Any) -> Any:
    if isinstance(value, Notice):
        return value.text()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _(", ").join(str(_shown(inner)) for inner in value)
    return escape_controls(value) if isinstance(value, str) else value


def _stored(value: Any) -> Any:
    if isinstance(value, Notice):
        return value.to_json()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_stored(inner) for inner in value]
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping) and "code" in value:
        return Notice.from_json(value)
    if isinstance(value, list):
        return [_restored(inner) for inner in value]
    return value
