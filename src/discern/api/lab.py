"""A lecture's mathematics, step by step."""

from __future__ import annotations

from typing import Any

from discern.labs.catalog import run_lab


def lab(name: str, /, **options: Any) -> Any:
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
        Every step as data; its class depends on the lab.

    Raises
    ------
    ConfigError
        When there is no such lab or option, or a value is not allowed.

    Examples
    --------
    >>> lab("pooling", image="1 2/3 4").output
    array([[4.]])
    """
    return run_lab(name, options)
