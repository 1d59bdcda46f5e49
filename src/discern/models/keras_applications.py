"""The networks of keras.applications by their own names, without weights, on the torch backend."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Self

from discern.models.external import ExternalSpec, unknown_in_library
from discern.models.keras_model import KerasModel, import_keras

NAMES = {  # pixels a side of the images that keras.applications assumes, where it is not 224 -> its networks
    240: ("EfficientNetB1", "EfficientNetV2B1"),
    260: ("EfficientNetB2", "EfficientNetV2B2"),
    299: ("InceptionResNetV2", "InceptionV3", "Xception"),
    300: ("EfficientNetB3", "EfficientNetV2B3"),
    331: ("NASNetLarge",),
    380: ("EfficientNetB4",),
    384: ("EfficientNetV2S",),
    456: ("EfficientNetB5",),
    480: ("EfficientNetV2M", "EfficientNetV2L"),
    528: ("EfficientNetB6",),
    600: ("EfficientNetB7",),
}


@dataclass(frozen=True)
class KerasSpec(ExternalSpec):
    """``keras:NAME``, such as ``keras:MobileNetV2``."""

    @classmethod
    def find(cls, name: str) -> Self:
        spec, applications = cls(name), import_keras().applications
        names = [name for name in dir(applications) if name[0].isupper()]
        if spec.own_name not in names:
            raise unknown_in_library("keras", spec.own_name, names)
        return spec

    @property
    def size(self) -> int:
        return next((size for size, names in NAMES.items() if self.own_name in names), 224)

    def make(self, classes: int, channels: int, size: int) -> KerasModel:
        function = getattr(import_keras().applications, self.own_name)
        more: dict[str, Any] = {}
        if "include_preprocessing" in inspect.signature(function).parameters:
            more["include_preprocessing"] = False  # images come normalized

        def build() -> Any:
            shape = (size, size, channels)
            return function(weights=None, classes=classes, input_shape=shape, classifier_activation=None, **more)

        return KerasModel(self.name, build, classes, channels, size)
