"""The networks of keras.applications by their own names, without weights, on the torch backend."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from discern.models.external import ExternalSpec, unknown_in_library
from discern.models.keras_model import KerasModel, import_keras

SIZES = {  # of the images that keras.applications assumes, where it is not 224
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}


@dataclass(frozen=True)
class KerasSpec(ExternalSpec):
    """``keras:NAME``, such as ``keras:MobileNetV2``."""

    @classmethod
    def find(cls, name: str) -> KerasSpec:
        """Look up the network called ``name``.

        Raises
        ------
        ModelError
            When keras.applications has none of that name, or Keras cannot be used.
        """
        spec, applications = cls(name), import_keras().applications
        names = [name for name in dir(applications) if name[0].isupper()]
        if spec.own_name not in names:
            raise unknown_in_library("keras", spec.own_name, names)
        return spec

    @property
    def size(self) -> int:
        return SIZES.get(self.own_name, 224)

    def make(self, classes: int, channels: int, size: int) -> KerasModel:
        function = getattr(import_keras().applications, self.own_name)
        more: dict[str, Any] = {}
        if "include_preprocessing" in inspect.signature(function).parameters:
            more["include_preprocessing"] = False  # images come normalized

        def build() -> Any:
            return function(
                weights=None,
                classes=classes,
                input_shape=(size, size, channels),
                classifier_activation=None,
                **more,
            )

        return KerasModel(self.name, build, classes, channels, size)
