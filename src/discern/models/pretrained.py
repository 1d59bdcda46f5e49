"""Weights that others trained: which file an architecture has in the hubs of torchvision and timm, and what to feed it.

torchvision writes the beginning of a file's SHA-256 into its name; timm's hub sends the whole of it in a header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from discern.download import Remote, download, linked_checksum
from discern.errors import DownloadError, ModelError, nearest
from discern.files import cache_folder, weights_folders
from discern.i18n import _
from discern.models.table import TABLE, entry
from discern.progress import Progress, silent

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and std of torchvision's training
SYMMETRIC = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # pixels in -1..1, as TensorFlow's models take them
TIMM = {  # networks here whose names are timm's, where torchvision has none
    "nasnet-large": "nasnetalarge",
    **{f"se-resnet{depth}": f"legacy_seresnet{depth}" for depth in (18, 34, 50, 101, 152)},
}
INWARD = ("googlenet", "inception_v3")  # torchvision turns their normalised pictures into -1..1 inside the network
KERAS = {  # Keras' own weights, as tensors: no hub has them, but they may be at hand; the best first
    "mobilenet": "mobilenet_v1_1.0_224_imagenet.safetensors",
    "mobilenet-0.75": "mobilenet_v1_0.75_224_imagenet.safetensors",
    "mobilenet-0.5": "mobilenet_v1_0.5_224_imagenet.safetensors",
    "mobilenet-0.25": "mobilenet_v1_0.25_224_imagenet.safetensors",
}
TENSORFLOW = ("mobilenet", "nasnet")  # files here whose weights are from TensorFlow
BICUBIC = ("nasnet-large", "se-resnet18")  # resampled so, as timm has it; all others here bilinearly


@dataclass(frozen=True)
class Diet:
    """What a network was fed when its weights were made: pixels a side, their mean and std, the resampling."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bilinear"


@dataclass(frozen=True)
class Official:
    """A weights file in a hub.

    Attributes
    ----------
    file : str
        Name it is kept under.
    url : str
        Where it is.
    sha256 : str
        Checksum or its first digits; empty where the hub tells it on request.
    diet : Diet
        What its network takes.
    """

    file: str
    url: str
    sha256: str
    diet: Diet


def diet(name: str) -> Diet:
    """What the network called ``name`` takes when its weights are from ImageNet.

    Examples
    --------
    >>> diet("mobilenet-0.25").mean, diet("resnet18").mean
    ((0.5, 0.5, 0.5), (0.485, 0.456, 0.406))
    """
    if name in TABLE:  # known without the libraries, whose import takes seconds
        symmetric = TABLE[name].family.module in (*TENSORFLOW, *INWARD)
        mean, std = SYMMETRIC if symmetric else IMAGENET
        return Diet(TABLE[name].size, mean, std, "bicubic" if name in BICUBIC else "bilinear")
    found = official(name)
    return found.diet if found else Diet(entry(name).size, *IMAGENET)


def official(name: str) -> Official | None:
    """The file that a hub has for the network called ``name``, or None.

    Examples
    --------
    >>> official("resnet18").file
    'resnet18-f37072fd.pth'
    """
    library, colon, inner = name.partition(":")
    if library == "timm" and colon:
        return _timm(inner)
    if library == "torchvision" and colon:
        return _torchvision(inner)
    if name in TIMM:
        return _timm(TIMM[name])
    if name in KERAS:  # known without importing torchvision, which takes seconds
        return None
    return _torchvision(re.sub(r"[-.]", "_", name)) if name in TABLE else None


def at_hand(file: str) -> Path | None:
    """Where a folder of weights has ``file``."""
    return next((folder / file for folder in weights_folders() if (folder / file).is_file()), None)


def fetch(name: str, progress: Progress = silent) -> tuple[Path, Diet]:
    """The official weights of the network called ``name``: looked up, else downloaded into the cache folder.

    Raises
    ------
    ModelError
        When no hub has any.
    DownloadError
        When they cannot be fetched; says which file to put where.
    """
    if name in KERAS and (path := at_hand(KERAS[name])):
        return path, diet(name)
    found = official(name)
    if found is None:
        close = nearest(name, [row for row in TABLE if official(row) is not None])
        raise ModelError(
            _(
                "There are no official weights for {name}: give a file with --weights, or take another network, for "
                "example {names}."
            ).format(name=name, names=", ".join(close) or "resnet18, timm:mobilenetv1_100")
        )
    if path := at_hand(found.file):
        return path, found.diet
    folder = cache_folder() / "weights"
    try:
        checksum = found.sha256 or linked_checksum(found.url)
        return download(Remote(found.file, checksum, (found.url,)), folder, progress), found.diet
    except DownloadError as error:
        raise DownloadError(
            _(
                "The weights of {name} could not be fetched ({reason}): put {file} into {folder}, from {url}, or train "
                "without --pretrained."
            ).format(name=name, reason=error.reason, file=found.file, folder=folder, url=found.url),
            error.reason,
        ) from error


def _torchvision(name: str) -> Official | None:
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(name).DEFAULT
    except ValueError:
        return None
    taken = weights.transforms()
    file = weights.url.rpartition("/")[2]
    checksum = file.rpartition("-")[2].partition(".")[0]
    mean, std = SYMMETRIC if name in INWARD else (tuple(taken.mean), tuple(taken.std))
    fed = Diet(taken.crop_size[0], mean, std, taken.interpolation.value)
    return Official(file, weights.url, checksum, fed)


def _timm(name: str) -> Official | None:
    from timm.models import get_pretrained_cfg

    taken = get_pretrained_cfg(name, allow_unregistered=True)
    if taken is None:
        return None
    fed = Diet(taken.input_size[-1], tuple(taken.mean), tuple(taken.std), taken.interpolation)
    if taken.hf_hub_id:
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        url = f"{hub}/{taken.hf_hub_id}/resolve/main/{taken.hf_hub_filename or 'model.safetensors'}"
        return Official(f"{taken.hf_hub_id.rpartition('/')[2]}.safetensors", url, "", fed)
    if not isinstance(taken.url, str):
        return None
    file = taken.url.rpartition("/")[2]
    checksum = re.search(r"-([0-9a-f]{8,})\.", file)
    return Official(file, taken.url, checksum[1], fed) if checksum else None


def guess(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """The network of the table that a file of weights is for, by its layout or else by its name.

    Examples
    --------
    >>> guess(Path("resnet50-11ad3fa6.pth"), {}), guess(Path("a.safetensors"), {"conv1/kernel": (3, 3, 3, 16)})
    ('resnet50', 'mobilenet-0.5')
    """
    if "conv1/kernel" in shapes:
        width = shapes["conv1/kernel"][-1] / 32
        return next(
            (name for name, row in TABLE.items() if row.numbers.get("width") == width and row.size == 224), None
        )
    words = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())
    fitting = [name for name in TABLE if f"{words}-".startswith(re.sub(r"[^a-z0-9]+", "-", name) + "-")]
    return max(fitting, key=len, default=None)
