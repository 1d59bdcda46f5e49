"""How a printed table of networks looks in a terminal, beside what is counted here."""

from __future__ import annotations

import json

from discern.api.zoo import zoo
from discern.cli.show import line, table
from discern.i18n import _


def show_zoo(name: str, as_json: bool) -> None:
    """The table called ``name``: a line a network, or a line of JSON each."""
    rows = zoo(name)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        return
    titles = (
        _("name"),
        _("MB"),
        _("top-1"),
        _("top-5"),
        _("parameters"),
        _("depth"),
        _("model"),
        _("trainable"),
        _("total"),
        _("layers"),
        _("equal"),
    )
    cells = [
        (
            row["name"],
            str(row["size_mb"]),
            _share(row["top1"]),
            _share(row["top5"]),
            f"{row['parameters']:,}",
            str(row["depth"] or "-"),
            row["model"],
            f"{row['trainable']:,}",
            f"{row['total']:,}",
            str(row["layers"]),
            "=" if row["equal"] else "≠",
        )
        for row in rows
    ]
    table(titles, cells, left=(0, 6), whole=True)
    equal = _("Parameters as printed and total as counted are equal in {equal} of {n} rows.")
    line(equal.format(equal=sum(row["equal"] for row in rows), n=len(rows)))
    line(
        _(
            "Name to depth: as the lecture prints them. Model: what builds and runs here, and is counted with 1000 "
            "classes. Trainable: what training changes by gradient. Total: with the running mean and variance of batch "
            "normalisation, and in EfficientNet the 7 statistics of its input. Layers: those that hold numbers, a "
            "separable convolution being one."
        )
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
