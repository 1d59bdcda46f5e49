"""Weights that others trained: which file an architecture has in the hubs of torchvision and timm, and its input.

torchvision writes the beginning of a file's SHA-256 into its name; timm's hub sends all of it in a header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from discern.download import RemoteFile, download, fetch_checksum
from discern.errors import DownloadError, ModelError, nearest
from discern.files import cache_folder, weights_folders
from discern.i18n import _
from discern.models.registry import TABLE, get_model_spec
from discern.progress import Progress, ignore_progress

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and std of torchvision's training
SYMMETRIC = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # pixels in -1..1, as TensorFlow's models take them
TIMM_NAMES = {  # networks here whose names are timm's, where torchvision has none
    "nasnet-large": "nasnetalarge",
    **{f"se-resnet{depth}": f"legacy_seresnet{depth}" for depth in (18, 34, 50, 101, 152)},
}
# torchvision's normalize by ImageNet's mean first and turn that into -1..1 inside the network: fed with -1..1 here
INTERNAL_NORMALIZATION = ("googlenet", "inception_v3")
KERAS_WEIGHTS = {  # Keras' own, as tensors: no hub has them, but a folder of weights may; the best first
    "mobilenet": "mobilenet_v1_1.0_224_imagenet.safetensors",
    "mobilenet-0.75": "mobilenet_v1_0.75_224_imagenet.safetensors",
    "mobilenet-0.5": "mobilenet_v1_0.5_224_imagenet.safetensors",
    "mobilenet-0.25": "mobilenet_v1_0.25_224_imagenet.safetensors",
}
TENSORFLOW = ("mobilenet", "nasnet")  # files here whose weights are from TensorFlow
BICUBIC = ("nasnet-large", "se-resnet18")  # resampled so, as timm has it; all others here bilinearly


@dataclass(frozen=True)
class InputSpec:
    """The images that a network's weights were made with: pixels a side, their mean and std, the resampling."""

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bilinear"


@dataclass(frozen=True)
class OfficialWeights:
    """A weights file in a hub."""

    file: str  # name of its copy here
    url: str
    sha256: str  # or its first digits; empty where the hub sends it on request
    input_spec: InputSpec


def get_input_spec(name: str) -> InputSpec:
    """Return what the network called ``name`` takes when its weights are from ImageNet.

    Examples
    --------
    >>> get_input_spec("mobilenet-0.25").mean, get_input_spec("resnet18").mean
    ((0.5, 0.5, 0.5), (0.485, 0.456, 0.406))
    """
    if name in TABLE:  # known without the libraries, whose import takes seconds
        symmetric = TABLE[name].family.module in (*TENSORFLOW, *INTERNAL_NORMALIZATION)
        mean, std = SYMMETRIC if symmetric else IMAGENET
        return InputSpec(TABLE[name].size, mean, std, "bicubic" if name in BICUBIC else "bilinear")
    weights = find_official(name)
    return weights.input_spec if weights else InputSpec(get_model_spec(name).size, *IMAGENET)


def find_official(name: str) -> OfficialWeights | None:
    """Return the file that a hub has for the network called ``name``, or None.

    Examples
    --------
    >>> find_official("resnet18").file
    'resnet18-f37072fd.pth'
    """
    library, colon, inner = name.partition(":")
    if library == "timm" and colon:
        return _find_in_timm(inner)
    if library == "torchvision" and colon:
        return _find_in_torchvision(inner)
    if name in TIMM_NAMES:
        return _find_in_timm(TIMM_NAMES[name])
    if name in KERAS_WEIGHTS:  # known without importing torchvision, which takes seconds
        return None
    return _find_in_torchvision(re.sub(r"[-.]", "_", name)) if name in TABLE else None


def find_local(file: str) -> Path | None:
    """Return where a folder of weights has ``file``."""
    return next((folder / file for folder in weights_folders() if (folder / file).is_file()), None)


def fetch_weights(name: str, progress: Progress = ignore_progress) -> tuple[Path, InputSpec]:
    """Return the official weights of the network called ``name``, downloaded into the cache folder where need be.

    Raises
    ------
    ModelError
        When no hub has any.
    DownloadError
        When they cannot be downloaded; says which file to put where.
    """
    if name in KERAS_WEIGHTS and (path := find_local(KERAS_WEIGHTS[name])):
        return path, get_input_spec(name)
    weights = find_official(name)
    if weights is None:
        close = nearest(name, [row for row in TABLE if find_official(row) is not None])
        message = _(
            "There are no official weights for {name}: specify a file with --weights, or choose another model, "
            "for example {names}."
        )
        raise ModelError(message.format(name=name, names=", ".join(close) or "resnet18, timm:mobilenetv1_100"))
    if path := find_local(weights.file):
        return path, weights.input_spec
    folder = cache_folder() / "weights"
    try:
        checksum = weights.sha256 or fetch_checksum(weights.url)
        return download(RemoteFile(weights.file, checksum, (weights.url,)), folder, progress), weights.input_spec
    except DownloadError as error:
        message = _(
            "The weights of {name} could not be downloaded ({reason}): put {file} from {url} into {folder}, or "
            "train without --pretrained."
        ).format(name=name, reason=error.reason, file=weights.file, folder=folder, url=weights.url)
        raise DownloadError(message, error.reason) from error


def guess_architecture(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return the network of the table that a weights file is for, by its layout or else by its name.

    Examples
    --------
    >>> guess_architecture(Path("resnet50-11ad3fa6.pth"), {})
    'resnet50'
    >>> guess_architecture(Path("a.safetensors"), {"conv1/kernel": (3, 3, 3, 16)})
    'mobilenet-0.5'
    """
    if "conv1/kernel" in shapes:  # Keras' MobileNet, whose first convolution has 32 filters at full width
        width = shapes["conv1/kernel"][-1] / 32
        rows = (row for row in TABLE.values() if row.variant_args.get("width") == width and row.size == 224)
        return next((row.name for row in rows), None)
    words = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())
    matching = [name for name in TABLE if f"{words}-".startswith(re.sub(r"[^a-z0-9]+", "-", name) + "-")]
    return max(matching, key=len, default=None)


def _find_in_torchvision(name: str) -> OfficialWeights | None:
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(name).DEFAULT
    except ValueError:
        return None
    transforms = weights.transforms()
    file = weights.url.rpartition("/")[2]
    checksum = file.rpartition("-")[2].partition(".")[0]
    mean, std = SYMMETRIC if name in INTERNAL_NORMALIZATION else (tuple(transforms.mean), tuple(transforms.std))
    input_spec = InputSpec(transforms.crop_size[0], mean, std, transforms.interpolation.value)
    return OfficialWeights(file, weights.url, checksum, input_spec)


def _find_in_timm(name: str) -> OfficialWeights | None:
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name, allow_unregistered=True)
    if config is None:
        return None
    input_spec = InputSpec(config.input_size[-1], tuple(config.mean), tuple(config.std), config.interpolation)
    if config.hf_hub_id:
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        url = f"{hub}/{config.hf_hub_id}/resolve/main/{config.hf_hub_filename or 'model.safetensors'}"
        return OfficialWeights(f"{config.hf_hub_id.rpartition('/')[2]}.safetensors", url, "", input_spec)
    if not isinstance(config.url, str):
        return None
    file = config.url.rpartition("/")[2]
    checksum = re.search(r"-([0-9a-f]{8,})\.", file)
    return OfficialWeights(file, config.url, checksum[1], input_spec) if checksum else None
