"""A lecture's mathematics, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discern.lab.table import LABS, run, summary

if TYPE_CHECKING:
    from discern.lab.result import Result


def lab(name: str, /, **options: Any) -> Result:
    """Work a lecture's example, or your own, step by step.

    Parameters
    ----------
    name : str
        As `list_labs` has it.
    **options
        What `discern lab NAME --help` lists; without any, a lecture's example.

    Returns
    -------
    Result
        Every step as data, with ``tables()``, ``sentences()``, ``plot(figure)`` and ``save(path)``.

    Raises
    ------
    ConfigError
        When there is no such lab or option, or a value is not allowed.

    Examples
    --------
    >>> lab("pooling", picture="1 2/3 4").output
    array([[4.]])
    """
    return run(name, options)


def list_labs() -> dict[str, str]:
    """Every lab and what it shows, in the order of the lectures.

    Examples
    --------
    >>> "pooling" in list_labs()
    True
    """
    return {name: summary(name) for name in LABS}
