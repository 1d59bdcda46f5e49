"""Every network and classical model, in a line each."""

from __future__ import annotations

from discern.classical.estimators import CLASSICAL
from discern.models.listing import ListedModel, ModelList, list_networks


def list_models() -> ModelList:
    """List every network and classical model, in the order of their history.

    Examples
    --------
    >>> next(model.parameters for model in list_models().networks if model.name == "resnet18")
    11689512
    """
    classical = tuple(ListedModel(spec.name, spec.year, spec.idea()) for spec in CLASSICAL.values())
    return ModelList(list_networks(), classical)
