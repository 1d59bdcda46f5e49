"""The table of networks: a name, the facts a person chooses by, and the class and arguments that build it.

Reading it imports no torch. A new architecture is one file beside this one and one row in `discern.models.variants`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from discern.errors import ModelError, suggest
from discern.i18n import _
from discern.models.external import LIBRARIES, USER_CODE, ExternalSpec, is_user_code
from discern.models.spec import ModelArg, ModelSpec, import_here
from discern.models.variants import FAMILIES

if TYPE_CHECKING:
    from discern.models.network import Model

TABLE: dict[str, ModelSpec] = {
    name: ModelSpec(name, family, *variant) for family in FAMILIES for name, variant in family.variants.items()
}


def build_model(
    name: str,
    classes: int,
    channels: int = 3,
    size: int | None = None,
    model_args: Mapping[str, ModelArg] | None = None,
) -> Model:
    """Build the network called ``name`` with random weights.

    Parameters
    ----------
    name : str
        A name of `TABLE`, or another that `get_model_spec` takes.
    classes, channels : int
        Logits, and color channels of the images (1 or 3).
    size : int, optional
        Pixels a side; the network's native size when not given. Up to 64, networks that have a small-image stem
        take it.
    model_args : mapping, optional
        Constructor arguments by name that replace the row's, such as ``{"width": 0.5, "stem": "imagenet"}``.

    Raises
    ------
    ModelError
        When the name or an argument is unknown, or a value is not allowed.

    Examples
    --------
    >>> build_model("resnet18-narrow", classes=10, size=32).conv1
    Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    >>> build_model("resnet18-narrow", classes=10, size=32, model_args={"stem": "imagenet"}).conv1
    Conv2d(3, 6, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)
    """
    return get_model_spec(name).build(classes, channels, size, model_args)


def get_model_spec(name: str) -> ModelSpec | ExternalSpec:
    """Return the row called ``name``; a name with a colon is another library's.

    A library is imported when one of its names is used, not before.

    Raises
    ------
    ModelError
        When there is none; the message suggests the nearest names.
    """
    if name in TABLE:
        return TABLE[name]
    if ":" not in name:
        message = _('Unknown model "{name}"{hint}.')
        raise ModelError(message.format(name=name, hint=suggest(name, TABLE, "discern models")))
    path = USER_CODE if is_user_code(name) else LIBRARIES.get(name.partition(":")[0])
    if path is None:
        message = _('"{name}" names no library: write {libraries} before a name, or path/to/file.py:function.')
        raise ModelError(message.format(name=name, libraries=", ".join(f"{library}:" for library in LIBRARIES)))
    spec: ExternalSpec = import_here(path).find(name)
    return spec


def get_model_args(name: str) -> dict[str, ModelArg]:
    """Return the arguments that `build_model` takes for ``name``, with this row's values.

    Examples
    --------
    >>> get_model_args("mobilenet-0.25")
    {'width': 0.25, 'stem': 'auto'}
    """
    return get_model_spec(name).model_args


@functools.cache
def count_parameters(name: str) -> int:
    """Count the trainable parameters of ``name`` as published: from the table, else from the network without memory.

    Examples
    --------
    >>> count_parameters("resnet50")
    25557032
    """
    spec = get_model_spec(name)
    if isinstance(spec, ModelSpec) and spec.parameters:
        return spec.parameters
    from discern.models.initialization import build_on_meta

    with build_on_meta():
        network = spec.build(spec.classes, spec.channels)
    return sum(parameter.numel() for parameter in network.parameters())
