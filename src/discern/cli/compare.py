"""How runs look side by side in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from discern.cli.show import line, table
from discern.i18n import _


def compare(runs: Sequence[Path], sort: str, code: str | None, save: Path | None, as_json: bool) -> None:
    """What `discern compare` was asked for."""
    import discern
    from discern.evaluation.comparison_page import ENDINGS, cells, titles
    from discern.figures import check_ending

    if save is not None:
        check_ending(save, ENDINGS)
    found = discern.compare(runs, sort, code)
    if save is not None:
        found.save(save)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False), flush=True)
        return
    table(titles(found.rows), map(cells, found.rows), whole=True)
    for sentence in found.sentences():
        line(sentence)
    if save is not None:
        line(_("Saved:  {path}").format(path=save))
