"""One model in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discern.classical.estimators import CLASSICAL

if TYPE_CHECKING:  # the one loads torch, which the other needs not
    from discern.classical.description import ClassicalDescription
    from discern.models.description import ModelDescription


def describe_model(name: str, size: int | None = None, layers: bool = False) -> ModelDescription | ClassicalDescription:
    """Describe a model: its idea and year; of a network its cost and what each stage makes of an image, else settings.

    Parameters
    ----------
    name : str
        A name that `list_models` gives, or that of another library's network: timm:NAME, torchvision:NAME,
        keras:NAME, file.py:function.
    size : int, optional
        Pixels a side; the network's native size when not given.
    layers : bool
        Whether every layer is among the tables.

    Raises
    ------
    ModelError
        When there is no such model, or the images are too small for it.

    Examples
    --------
    >>> lenet = describe_model("lenet")
    >>> lenet.year, lenet.summary.trainable, lenet.summary.depth
    (1998, 61706, 5)
    >>> [(stage.name, stage.receptive_field) for stage in lenet.summary.stages]
    [('stem', 6), ('stage2', 16)]
    """
    if name in CLASSICAL:
        from discern.classical.description import describe_classical

        return describe_classical(name)
    from discern.models.description import describe_network

    return describe_network(name, size, layers)
