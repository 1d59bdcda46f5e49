"""discern: to see, and to tell apart. An image-classification workbench.

Each verb is a file of `discern.api`, loaded when it is first used: importing discern loads no torch.

Examples
--------
>>> import discern
>>> len(discern.open_data("digits"))
1797
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern._version import __version__
from discern.runtime import set_environment

if TYPE_CHECKING:
    from discern.api.backbone import backbone as backbone
    from discern.api.choose_threshold import choose_threshold as choose_threshold
    from discern.api.compare import compare as compare
    from discern.api.compare_models import compare_models as compare_models
    from discern.api.describe_lab import describe_lab as describe_lab
    from discern.api.describe_model import describe_model as describe_model
    from discern.api.doctor import doctor as doctor
    from discern.api.evaluate import evaluate as evaluate
    from discern.api.explain import explain as explain
    from discern.api.inspect_data import inspect_data as inspect_data
    from discern.api.lab import lab as lab
    from discern.api.list_labs import list_labs as list_labs
    from discern.api.list_models import list_models as list_models
    from discern.api.list_settings import list_settings as list_settings
    from discern.api.load import load as load
    from discern.api.open_data import open_data as open_data
    from discern.api.parse_settings import parse_settings as parse_settings
    from discern.api.predict import predict as predict
    from discern.api.published_table import published_table as published_table
    from discern.api.report import report as report
    from discern.api.show_progress import show_progress as show_progress
    from discern.api.train import train as train
    from discern.api.train_many import train_many as train_many

set_environment()

_VERBS = sorted(path.stem for path in (Path(__file__).parent / "api").glob("[a-z]*.py"))
__all__ = ["__version__", *_VERBS]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'discern' has no attribute '{name}'")
    return getattr(importlib.import_module(f"discern.api.{name}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
