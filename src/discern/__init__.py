"""discern: to see, and to tell apart. An image-classification workbench.

The verbs are loaded when they are first used: importing discern loads no torch.

Examples
--------
>>> import discern
>>> len(discern.open_data("digits"))
1797
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

# OpenMP threads that wait give up their core sooner, which helps where other programs compute too: ResNet-18 at 241
# instead of 164 pictures/s beside one busy program, 1,168 against 1,050 to 1,262 alone. Read once, as torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

__version__ = "0.1.0"

_VERBS = {
    "open_data": "discern.data.open",
    "inspect": "discern.api.inspect",
    "train": "discern.api.train",
    "train_several": "discern.api.board",
    "evaluate": "discern.api.evaluate",
    "choose_threshold": "discern.api.threshold",
    "load": "discern.api.load",
    "predict": "discern.api.predict",
    "explain": "discern.api.explain",
    "report": "discern.api.report",
    "list_models": "discern.api.models",
    "describe": "discern.api.models",
    "compare": "discern.api.compare",
    "compare_models": "discern.api.compare_models",
    "zoo": "discern.api.zoo",
    "backbone": "discern.api.backbone",
    "lab": "discern.api.lab",
    "list_labs": "discern.api.lab",
    "doctor": "discern.api.doctor",
}
__all__ = [
    "__version__",
    "backbone",
    "choose_threshold",
    "compare",
    "compare_models",
    "describe",
    "doctor",
    "evaluate",
    "explain",
    "inspect",
    "lab",
    "list_labs",
    "list_models",
    "load",
    "open_data",
    "predict",
    "report",
    "train",
    "train_several",
    "zoo",
]

if TYPE_CHECKING:
    from discern.api.backbone import backbone
    from discern.api.board import train_several
    from discern.api.compare import compare
    from discern.api.compare_models import compare_models
    from discern.api.doctor import doctor
    from discern.api.evaluate import evaluate
    from discern.api.explain import explain
    from discern.api.inspect import inspect
    from discern.api.lab import lab, list_labs
    from discern.api.load import load
    from discern.api.models import describe, list_models
    from discern.api.predict import predict
    from discern.api.report import report
    from discern.api.threshold import choose_threshold
    from discern.api.train import train
    from discern.api.zoo import zoo
    from discern.data.open import open_data


class _Package(ModuleType):
    """Keeps the verbs in view: importing a room of a verb's name (`discern.explain`) does not put it in their place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _VERBS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'discern' has no attribute '{name}'")
    return getattr(importlib.import_module(_VERBS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
