"""A network without its head, with weights if asked for: what a detector or a segmentation network is built on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from discern.api.run import Run
from discern.api.weights import Start, find_start
from discern.display import display
from discern.errors import ModelError
from discern.i18n import _
from discern.models.backbone import Backbone
from discern.models.table import entry
from discern.progress import Watcher
from discern.training.config import Config


def backbone(
    name: str = "auto",
    weights: str | os.PathLike[str] | Run | bool | None = None,
    channels: int | None = None,
    stages: Sequence[str] | None = None,
    watch: Watcher | None = None,
) -> Backbone:
    """A module that gives the maps of a network's stages, with their strides and channels.

    Parameters
    ----------
    name : str
        A name that `discern.list_models` lists, or ``timm:``, ``torchvision:`` or ``keras:`` and a name there. May be
        left out where the weights tell.
    weights : path, Run or True, optional
        A .safetensors or .pth file, a run or a bundle; True or ``official`` for the official ones, which are fetched
        and kept in the cache folder. Random without it. Pictures are then normalised with the backbone's ``mean`` and
        ``std``.
    channels : int, optional
        Colour channels of the pictures; those that the weights take, else 3.
    stages : sequence of str, optional
        Which maps to give, in the names of ``strides``; all of them unless given.
    watch : Watcher, optional
        Is told how a download goes; stderr shows it unless given.

    Returns
    -------
    Backbone
        `discern.models.backbone.Backbone`: pictures (N, C, H, W) -> stage -> map.

    Raises
    ------
    ModelError, RunError, DownloadError
        When the name is unknown, it makes no maps, or the weights are missing, damaged or of another network.

    Examples
    --------
    A pyramid of maps with 64 channels, the coarse ones added to the fine ones:

    >>> import torch
    >>> body = backbone("resnet18", stages=("layer2", "layer3", "layer4"))
    >>> body.strides
    {'layer2': 8, 'layer3': 16, 'layer4': 32}
    >>> lateral = torch.nn.ModuleDict({name: torch.nn.Conv2d(n, 64, 1) for name, n in body.channels.items()})
    >>> maps = body(torch.zeros(1, 3, 128, 160))
    >>> top, pyramid = 0, {}
    >>> for name in reversed(maps):
    ...     flat = lateral[name](maps[name])
    ...     pyramid[name] = flat + (torch.nn.functional.interpolate(top, flat.shape[2:]) if pyramid else 0)
    ...     top = pyramid[name]
    >>> {name: tuple(map.shape) for name, map in pyramid.items()}
    {'layer4': (1, 64, 4, 5), 'layer3': (1, 64, 8, 10), 'layer2': (1, 64, 16, 20)}
    """
    if not weights:
        if name == "auto":
            raise ModelError(_("Name a network, such as resnet18, or the weights to start from."))
        row, channels = entry(name), channels or 3
        return Backbone(row.build(row.classes, channels), channels, row.size, stages)
    start = _start(name, weights, watch or display())
    settings, row = start.settings, entry(start.settings["model"])
    size, channels = settings.get("size", row.size), channels or settings["channels"]
    network = row.build(row.classes, channels, size, settings["network"])
    start.fill(network)
    return Backbone(network, channels, size, stages, tuple(settings["mean"]), tuple(settings["std"]))


def _start(name: str, weights: str | os.PathLike[str] | Run | Literal[True], watch: Watcher) -> Start:
    if isinstance(weights, Run):
        weights = weights.path
    asked = Config(model=name, weights="official" if weights is True else os.fspath(weights))
    try:
        start, _told = find_start(asked, 0, watch.progress)
    finally:
        watch.close()
    assert start is not None  # weights were asked for
    return start
