"""Names from elsewhere as a terminal may show them: no character moves the cursor, ends a line or turns the text."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, TextIO

# C0 and C1 controls, line and paragraph separators, directional overrides, halves of characters
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escape_controls(text: str) -> str:
    r"""Return ``text`` on one line, with every control character written as its escape.

    Examples
    --------
    >>> escape_controls("a\nb\x1b[31m水果")
    'a\\nb\\u001b[31m水果'
    """
    return _UNSAFE.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), text)


def to_json_line(value: Any, ascii_only: bool = False) -> str:
    r"""Return ``value`` as JSON on one line that a terminal may show; ``ascii_only`` for one that cannot show the rest.

    Examples
    --------
    >>> to_json_line({"name": "a\u202eb\n"})
    '{"name": "a\\u202eb\\n"}'
    """
    return escape_controls(json.dumps(value, ensure_ascii=ascii_only))


def is_unicode(stream: TextIO | None) -> bool:
    """Return whether ``stream`` takes every character.

    Examples
    --------
    >>> import io
    >>> is_unicode(io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    False
    """
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def quote_argument(value: object) -> str:
    """Return ``value`` as one word of a command line that a person copies into a shell.

    Examples
    --------
    >>> quote_argument("runs/a"), quote_argument("My Drive/run"), quote_argument("-x")
    ('runs/a', "'My Drive/run'", './-x')
    """
    text = str(value)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)
