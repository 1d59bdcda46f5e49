"""Which settings a model takes, read from its row in the table of networks or of classical models."""

from __future__ import annotations

from discern.classical.config import ClassicalConfig
from discern.classical.estimators import CLASSICAL
from discern.models.registry import get_model_args
from discern.settings import Setting
from discern.training.config import TrainConfig


def get_settings(model: str) -> dict[str, Setting]:
    """Return every setting that ``model`` takes by name, those of the model itself last.

    Examples
    --------
    >>> "lr" in get_settings("lenet"), "lr" in get_settings("knn"), get_settings("knn")["n_neighbors"].default
    (True, False, 3)
    """
    if model not in CLASSICAL:
        args = get_model_args(model) if model != "auto" else {}
        return TrainConfig.settings() | {name: Setting(name, "model_args", args[name]) for name in args}
    spec = CLASSICAL[model]
    settings = ClassicalConfig.settings() | spec.args.describe("estimator")
    return {name: each for name, each in settings.items() if name != "labeled_fraction" or spec.is_semi_supervised}
