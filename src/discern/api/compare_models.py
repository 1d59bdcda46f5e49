"""Several networks side by side: what they cost by count, and how fast they are on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from discern.errors import ModelError
from discern.i18n import _
from discern.models.model_comparison import ModelComparison, compare_networks


def compare_models(names: Sequence[str], size: int | None = None, time: bool = False) -> ModelComparison:
    """Compare parameters, multiply-adds, weights, depth and receptive field of networks; with ``time`` their speed.

    Parameters
    ----------
    names : sequence of str
        As `discern.describe_model` takes them; classes and channels are as published.
    size : int, optional
        Pixels a side for all; each network's native size when not given.
    time : bool
        Whether to measure latency and training speed here, which takes seconds a network.

    Raises
    ------
    ModelError
        When no name is given, there is no such network, or the images are too small for it.

    Examples
    --------
    >>> [(row["name"], row["depth"]) for row in compare_models(["lenet", "resnet18"], size=32).rows()]
    [('lenet', 5), ('resnet18', 18)]
    """
    if not names:
        raise ModelError(_("Specify the networks to compare, for example: discern models --compare lenet resnet18."))
    return compare_networks(names, size, time)
