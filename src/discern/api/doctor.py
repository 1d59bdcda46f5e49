"""What this machine is, what is installed, how fast it is, and where data and weights are looked for."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from discern.files import cache_folder, data_folders, weights_folders
from discern.models.table import build
from discern.runtime import device, machine
from discern.training.config import Config
from discern.training.probe import choose

PACKAGES = (
    "discern-vision",
    "torch",
    "torchvision",
    "numpy",
    "pillow",
    "pyarrow",
    "scikit-learn",
    "safetensors",
    "timm",
)
SUFFIXES = (".safetensors", ".pth", ".pt")  # of weights


def doctor() -> dict[str, Any]:
    """The facts to send along with a question.

    Examples
    --------
    >>> sorted(doctor())
    ['cache', 'data', 'device', 'machine', 'packages', 'probe', 'weights']
    """
    where = device()
    config = Config(model="resnet18", size=32, batch=32)
    probe = choose(build(config.model, 10, size=config.size), config, where)
    cache = cache_folder()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return {
        "machine": machine(),
        "device": str(where),
        "packages": {name: _version(name) for name in PACKAGES},
        "probe": {"precision": probe.precision, "layout": probe.layout, "pictures_per_second": probe.measured},
        "data": {str(folder): folder.is_dir() for folder in data_folders()},
        "weights": {str(folder): _files(folder) for folder in weights_folders()},
        "cache": {"folder": str(cache), "free_gb": round(shutil.disk_usage(existing).free / 1e9, 1)},
    }


def _files(folder: Path) -> list[str]:
    """Names of the files of weights in ``folder``, which need not be there."""
    return sorted(path.name for path in folder.glob("*") if path.suffix in SUFFIXES)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
