"""What this machine is, what is installed, how fast it is, and where data and weights are looked for."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from discern.files import cache_folder, data_folders, weights_folders
from discern.i18n import _, ngettext
from discern.models.registry import build_model
from discern.result import Cell, Result, Table
from discern.runs.initial_weights import SUFFIXES
from discern.runtime import choose_device, describe_machine
from discern.training.config import make_config
from discern.training.probe import ComputePlan, plan_compute

LIBRARIES = ("torch", "torchvision", "numpy", "pillow", "pyarrow", "scikit-learn", "safetensors", "timm")


@dataclass(frozen=True)
class MachineReport(Result):
    """The facts to send along with a question."""

    figsize = None

    machine: dict[str, Any]  # processor, cores, threads and the like
    device: str  # what is computed on
    packages: dict[str, str | None]  # name -> version; None where it is not installed
    plan: ComputePlan  # speed of ResNet-18 on images of 32 pixels, measured when it was first needed
    data: dict[str, bool]  # folder where data sets are looked for -> whether it exists
    weights: dict[str, list[str]]  # folder where weights are looked for -> the files in it
    cache: str  # the cache folder
    free_gb: float  # space left there

    def sentences(self) -> list[str]:
        rate = _("ResNet-18 trains at {rate:,.0f} images/s of 32 x 32 pixels here ({precision}, {memory_format}).")
        facts = {"precision": self.plan.precision, "memory_format": self.plan.memory_format}
        return [rate.format(rate=self.plan.rate, **facts), self._describe_age()]

    def _describe_age(self) -> str:
        days = (datetime.date.today() - datetime.date.fromisoformat(self.plan.date)).days
        if days < 1:
            return _("Measured today.")
        message = ngettext("Measured {n} day ago; ", "Measured {n} days ago; ", days).format(n=days)
        return message + _("delete {path} to measure again.").format(path=Path(self.cache) / "measurements.json")

    def tables(self) -> list[Table]:
        machine: list[list[Cell]] = [[name, str(value)] for name, value in self.machine.items()]
        packages: list[list[Cell]] = [[name, found] for name, found in self.packages.items()]
        folders: list[list[Cell]] = []
        for folder, exists in self.data.items():
            folders.append([_("data"), folder, _("exists") if exists else _("missing")])
        for folder, files in self.weights.items():
            folders.append([_("weights"), folder, ", ".join(files) or _("no weights")])
        folders.append([_("cache"), self.cache, _("{free:.1f} GB free").format(free=self.free_gb)])
        return [
            Table(_("Machine"), ("", ""), [*machine, [_("device"), self.device]], text_columns=2),
            Table(_("Packages"), ("", _("version")), packages, text_columns=2),
            Table(_("Folders, in the order of search"), ("", _("folder"), ""), folders, text_columns=3),
        ]


def doctor() -> MachineReport:
    """Return the facts to send along with a question; the speed is measured where it is not known yet.

    Examples
    --------
    >>> [table.title for table in doctor().tables()]
    ['Machine', 'Packages', 'Folders, in the order of search']
    """
    device = choose_device()
    config = make_config(model="resnet18", size=32, batch_size=32)
    plan = plan_compute(build_model(config.model, 10, size=config.preprocess.size), config, device)
    cache = cache_folder()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return MachineReport(
        machine=describe_machine(),
        device=str(device),
        packages={name: _find_version(name) for name in ("discern-vision", *LIBRARIES)},
        plan=plan,
        data={str(folder): folder.is_dir() for folder in data_folders()},
        weights={
            str(folder): sorted(path.name for path in folder.glob("*") if path.suffix in SUFFIXES)
            for folder in weights_folders()
        },
        cache=str(cache),
        free_gb=round(shutil.disk_usage(existing).free / 1e9, 1),
    )


def _find_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
