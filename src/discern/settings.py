"""What is wrong with a setting, in one sentence, as a person would say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from discern.errors import ConfigError, nearest
from discern.i18n import _


def unknown(name: str, known: Sequence[str], owner: str = "") -> ConfigError:
    """The error for a setting that there is not (that ``owner`` has not): the nearest of those ``known``, or all."""
    close = nearest(name, known)
    if close:
        sentence = _("There is no setting '{name}'. Did you mean {close}?")
        return ConfigError(sentence.format(name=name, close=", ".join(close)))
    if owner:
        sentence = _("{name} has no setting {setting}; it takes: {allowed}.")
        return ConfigError(sentence.format(name=owner, setting=name, allowed=", ".join(known)))
    sentence = _("There is no setting '{name}'. There are: {allowed}.")
    return ConfigError(sentence.format(name=name, allowed=", ".join(known)))


def refusal(error: ValidationError, own: Mapping[str, Any]) -> str:
    """One sentence about the first value of ``own`` that is wrong; names inside a mapping are settings, too."""
    first = error.errors()[0]
    name, *inside = first["loc"]
    allowed = _allowed(first)
    if isinstance(value := own[str(name)], Mapping) and inside:
        name, value = inside[0], value[inside[0]]
        allowed = _("a number, a word or a list of whole numbers")
    return _("{name}={value} is not allowed: {allowed}.").format(name=name, value=value, allowed=allowed)


def _allowed(error: Any) -> str:
    """What pydantic says is allowed, as a translated phrase."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return _("one of {choices}").format(choices=str(context["expected"]).replace("'", "").replace(" or ", ", "))
    bounds = {
        "greater_than": _("above {x}"),
        "greater_than_equal": _("{x} or more"),
        "less_than": _("below {x}"),
        "less_than_equal": _("at most {x}"),
    }
    if error["type"] in bounds:
        return bounds[error["type"]].format(x=next(iter(context.values())))
    kinds = {
        "bool": _("true or false"),
        "int": _("a whole number"),
        "float": _("a number"),
        "finite": _("a number"),
        "tuple": _("a list"),
        "dict": _("settings by name"),
    }
    return kinds.get(error["type"].split("_")[0], _("a word"))
