"""The architecture of a Keras model as data: checked for code before Keras reads it, and made into a model again.

Keras's own safe mode refuses lambdas. This refuses, before Keras reads anything, every class that is not Keras's own,
those of its classes that hold code, and those that read other files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from discern.errors import ModelError
from discern.i18n import _
from discern.models.external import summarize_error
from discern.models.keras_model import KerasModel, import_keras

KERAS_CONFIG = "keras-config"  # in a bundle's card: the model whose config the card holds
CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__typespec__"}
READS_FILES = {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"}
MODULES = ("keras", "builtins")
FORBIDDEN = ("keras.utils", "keras.src.utils", "keras.saving", "keras.src.saving", "keras.config", "keras.datasets")
FUNCTIONS = ("builtins", "keras.activations", "keras.src.activations", "keras.ops", "keras.src.ops")


def check_keras_config(config: Any, source: str) -> None:
    """Refuse an architecture, as Keras 2 or 3 writes it in JSON, that carries code.

    A ModelError names the ``source`` and the class that carries code.

    Examples
    --------
    >>> check_keras_config({"class_name": "Dense", "config": {"units": 10}, "module": "keras.layers"}, "model.h5")
    >>> check_keras_config({"class_name": "Lambda", "config": {}}, "model.h5")
    Traceback (most recent call last):
    discern.errors.ModelError: model.h5 contains code (Lambda) and is not opened: save the model without it.
    """
    for value in _iter_objects(config):
        name, module = str(value["class_name"]), str(value.get("module") or "builtins")
        registered = str(value.get("registered_name") or "")
        is_foreign = module.split(".")[0] not in MODULES or module.startswith(FORBIDDEN)
        is_function = name == "function" and not module.startswith(FUNCTIONS)
        # Keras writes classes that a person registered as "package>name": their code is not in Keras
        if name in CODE | READS_FILES or is_foreign or is_function or ">" in registered or ">" in name:
            message = _("{path} contains code ({name}) and is not opened: save the model without it.")
            raise ModelError(message.format(path=source, name=name))
    for name in _iter_layer_names(config):
        if not _is_keras_class(name):
            message = _(
                "{path} needs {name}, which is no layer of Keras's own: save the model as .keras, without layers of "
                "your own."
            )
            raise ModelError(message.format(path=source, name=name))


def build_from_config(config: dict[str, Any], classes: int, channels: int, size: int) -> KerasModel:
    """Build the network of an architecture that a bundle's card holds, with random weights.

    Raises
    ------
    ModelError
        When it carries code, or is damaged.
    """
    check_keras_config(config, KERAS_CONFIG)
    text = json.dumps(config)

    def make() -> Any:
        return import_keras().saving.deserialize_keras_object(json.loads(text), safe_mode=True)

    try:
        return KerasModel(KERAS_CONFIG, make, classes, channels, size, rescale=True)
    except ModelError:
        raise
    except Exception as error:  # Keras raises many kinds
        message = _("The architecture in the bundle cannot be built ({reason}): copy the bundle again.")
        raise ModelError(message.format(reason=summarize_error(error))) from error


def _iter_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every dictionary in ``value`` that stands for an object."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _iter_objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _iter_objects(inner)


def _iter_layer_names(value: Any) -> Iterator[str]:
    """Yield the classes of the model and of its layers, at any depth."""
    if isinstance(value, dict) and "layers" in value.get("config", {}):
        yield str(value.get("class_name"))
    for inner in _iter_objects(value):
        layers = inner.get("config", {})
        layers = layers.get("layers", []) if isinstance(layers, dict) else layers
        for layer in layers if isinstance(layers, list) else []:
            if isinstance(layer, dict) and "keras.src.ops" not in str(layer.get("module")):
                yield str(layer.get("class_name"))


def _is_keras_class(name: str) -> bool:
    return name in ("Functional", "Sequential", "Model") or hasattr(import_keras().layers, name)
