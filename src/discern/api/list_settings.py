"""Every setting of a model, with its meaning, range, default, and what is chosen for given data."""

from __future__ import annotations

from typing import Any

from discern.display import reporting
from discern.progress import Reporter
from discern.runs.prepare import DataLike
from discern.runs.request import check_model, make_request
from discern.runs.settings import get_settings
from discern.runs.settings_table import SettingsTable, choose_for_data


def list_settings(
    model: str = "auto", data: DataLike | None = None, *, reporter: Reporter | None = None, **settings: Any
) -> SettingsTable:
    """List the settings that training ``model`` takes.

    Parameters
    ----------
    model : str
        A name that `discern.list_models` lists, or ``auto``.
    data : path, name or Dataset, optional
        With it, the table also says what training on the data would choose.
    settings
        As `discern.train` takes them: what is requested is not chosen.

    Raises
    ------
    DataError, ConfigError, ModelError
        Each says what to do.

    Examples
    --------
    >>> print(list_settings("knn").tables()[-1].texts()[0][0])
    n_neighbors
    """
    check_model(model)
    if data is None:
        return SettingsTable(model, tuple(get_settings(model).values()))
    with reporting(reporter) as shown:
        chosen = choose_for_data(make_request(data, model, settings), shown)
    return SettingsTable(chosen["model"], tuple(get_settings(chosen["model"]).values()), chosen)
