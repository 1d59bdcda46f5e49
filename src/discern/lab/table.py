"""The labs there are, and how one is run with options that a person gave."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from discern.errors import ConfigError, nearest
from discern.i18n import _
from discern.settings import refusal, unknown

if TYPE_CHECKING:
    from discern.lab.result import Result

LABS = (
    "encode",
    "threshold",
    "boundary",
    "convolution",
    "filters",
    "pooling",
    "activation",
    "normalisation",
    "backprop",
    "optimizer",
    "kmeans",
    "pca",
    "network",
    "augment",
    "overfit",
    "search",
)


@dataclass(frozen=True)
class Option:
    """One option of a lab.

    Attributes
    ----------
    name : str
        As in Python; the command line writes ``-`` for ``_``.
    help : str
        One phrase.
    default : object
        The lecture's example.
    kind : type
        What it becomes, with the bounds it must keep.
    """

    name: str
    help: str
    default: Any
    kind: Any

    @property
    def metavar(self) -> str:
        """What stands for the value in the help: its choices, or its name."""
        base = get_args(self.kind)[0]
        return "|".join(get_args(base)) if get_origin(base) is Literal else self.name.upper()

    @property
    def flag(self) -> bool:
        """Whether it is only on or off."""
        return isinstance(self.default, bool)


def summary(name: str) -> str:
    """What a lab shows, in one phrase.

    Raises
    ------
    ConfigError
        When there is no such lab.
    """
    return str(_module(name).summary())


def options(name: str) -> list[Option]:
    """What a lab takes.

    Raises
    ------
    ConfigError
        When there is no such lab.

    Examples
    --------
    >>> [option.name for option in options("pooling")][:2]
    ['example', 'picture']
    """
    run = _module(name).run
    hints = get_type_hints(run, include_extras=True)
    found = []
    for parameter in inspect.signature(run).parameters.values():
        told = [extra for extra in get_args(hints[parameter.name]) if isinstance(extra, FieldInfo)]
        found.append(Option(parameter.name, told[0].description or "", parameter.default, hints[parameter.name]))
    return found


def run(name: str, given: Mapping[str, Any]) -> Result:
    """Run a lab; what is not ``given`` is the lecture's example.

    Raises
    ------
    ConfigError
        When there is no such lab or option, or a value is not allowed; the sentence says which are.
    """
    known = {option.name: option for option in options(name)}
    for other in (other for other in given if other not in known):
        raise unknown(other, list(known), owner=name)
    fields: dict[str, Any] = {option.name: (option.kind, option.default) for option in known.values()}
    model = create_model(name, __config__=ConfigDict(arbitrary_types_allowed=True, extra="forbid"), **fields)
    try:
        checked = model.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(refusal(error, given)) from error
    result: Result = _module(name).run(**{option: getattr(checked, option) for option in known})
    return result


def _module(name: str) -> Any:
    if name not in LABS:
        near = nearest(name, LABS)
        sentence = _("There is no lab called {name}; the nearest are {near}.")
        if not near:
            sentence = _("There is no lab called {name}; there are {near}.")
        raise ConfigError(sentence.format(name=name, near=", ".join(near or LABS)))
    return importlib.import_module(f"discern.lab.{name}")
