"""A printed table of networks beside what is counted here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from discern.errors import ModelError
from discern.i18n import _
from discern.models.zoo import ZOOS


def zoo(name: str = "lecture") -> list[dict[str, Any]]:
    """The rows of a printed table, each with what is counted from the network that builds and runs here.

    No network is built: the counts are data.

    Parameters
    ----------
    name : str
        Which table: ``lecture``.

    Returns
    -------
    list of dict
        The fields of `discern.models.zoo.ZooRow`, then ``model``, ``bytes`` of the weights, and ``equal``: whether
        the printed parameters are those that are counted.

    Raises
    ------
    ModelError
        When there is no such table.

    Examples
    --------
    >>> rows = zoo()
    >>> len(rows), sum(row["equal"] for row in rows)
    (26, 26)
    >>> rows[0]["name"], rows[0]["parameters"], rows[0]["trainable"], rows[0]["total"]
    ('Xception', 22910480, 22855952, 22910480)
    """
    if name not in ZOOS:
        raise ModelError(
            _("There is no zoo called {name}; there is: {allowed}.").format(name=name, allowed=", ".join(ZOOS))
        )
    return [{**asdict(row), "model": row.model, "bytes": row.bytes, "equal": row.equal} for row in ZOOS[name]]
