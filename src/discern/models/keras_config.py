"""The architecture of a Keras model as data: checked for code before Keras sees it, and made into a model again.

Keras's own safe mode refuses lambdas. This refuses, before Keras reads anything, every class that is not Keras's own,
those of its classes that hold code, and those that read other files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from discern.errors import ModelError
from discern.i18n import _
from discern.models.external import reason
from discern.models.keras_models import KerasModel, keras

NAME = "keras-config"  # in a bundle's card: the model whose config the card holds
CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__typespec__"}
READS_FILES = {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"}
MODULES = ("keras", "builtins")
FORBIDDEN = ("keras.utils", "keras.src.utils", "keras.saving", "keras.src.saving", "keras.config", "keras.datasets")
FUNCTIONS = ("builtins", "keras.activations", "keras.src.activations", "keras.ops", "keras.src.ops")


def check_config(config: Any, source: str) -> None:
    """Refuse an architecture that carries code.

    Parameters
    ----------
    config : dict
        As Keras writes it in JSON, of Keras 2 or 3.
    source : str
        Named in the message.

    Raises
    ------
    ModelError
        Names the class that carries code.

    Examples
    --------
    >>> check_config({"class_name": "Dense", "config": {"units": 10}, "module": "keras.layers"}, "model.h5")
    >>> check_config({"class_name": "Lambda", "config": {}}, "model.h5")
    Traceback (most recent call last):
    discern.errors.ModelError: model.h5 has code in it (Lambda) and is not opened: write the model without it.
    """
    for found in _objects(config):
        name, module = str(found["class_name"]), str(found.get("module") or "builtins")
        registered = str(found.get("registered_name") or "")
        foreign = module.split(".")[0] not in MODULES or module.startswith(FORBIDDEN)
        function = name == "function" and not module.startswith(FUNCTIONS)
        if name in CODE | READS_FILES or foreign or function or ">" in registered or ">" in name:
            raise ModelError(
                _("{path} has code in it ({name}) and is not opened: write the model without it.").format(
                    path=source, name=name
                )
            )
    for name in _layer_names(config):
        if not _is_own(name):
            raise ModelError(
                _("{path} needs the class {name}, which is not Keras's own: write the model without it.").format(
                    path=source, name=name
                )
            )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary in ``value`` that stands for an object."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _layer_names(value: Any) -> Iterator[str]:
    """The classes of the model and of its layers, at any depth."""
    if isinstance(value, dict) and "layers" in value.get("config", {}):
        yield str(value.get("class_name"))
    for found in _objects(value):
        layers = found.get("config", {})
        layers = layers.get("layers", []) if isinstance(layers, dict) else layers
        for layer in layers if isinstance(layers, list) else []:
            if isinstance(layer, dict) and "keras.src.ops" not in str(layer.get("module")):
                yield str(layer.get("class_name"))


def _is_own(name: str) -> bool:
    return name in ("Functional", "Sequential", "Model") or hasattr(keras().layers, name)


def from_config(config: dict[str, Any], classes: int, channels: int, size: int) -> KerasModel:
    """The network of an architecture that a bundle's card holds, with random weights.

    Raises
    ------
    ModelError
        When it carries code, or is damaged.
    """
    check_config(config, NAME)
    text = json.dumps(config)

    def make() -> Any:
        return keras().saving.deserialize_keras_object(json.loads(text), safe_mode=True)

    try:
        return KerasModel(NAME, make, classes, channels, size, rescale=True)
    except ModelError:
        raise
    except Exception as error:  # Keras raises many kinds
        sentence = _("The architecture in the bundle cannot be built ({reason}): copy the bundle again.")
        raise ModelError(sentence.format(reason=reason(error))) from error
