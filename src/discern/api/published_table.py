"""A published table of networks beside what is counted here."""

from __future__ import annotations

from discern.models.published_table import PublishedTable, get_published_table


def published_table(name: str = "lecture") -> PublishedTable:
    """Return a published table, each row with what is counted from the network that builds and runs here.

    No network is built: the counts are data.

    Parameters
    ----------
    name : str
        Which table: ``lecture``.

    Raises
    ------
    ModelError
        When there is no such table.

    Examples
    --------
    >>> rows = published_table().rows
    >>> len(rows), sum(row.is_equal for row in rows)
    (26, 26)
    >>> rows[0].name, rows[0].parameters, rows[0].trainable, rows[0].total
    ('Xception', 22910480, 22855952, 22910480)
    """
    return get_published_table(name)
