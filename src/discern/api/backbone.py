"""A network without its head, with weights on request: what a detector or a segmentation network is built on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from discern.display import reporting
from discern.errors import ModelError
from discern.i18n import _
from discern.models.backbone import Backbone
from discern.models.registry import get_model_spec
from discern.progress import Reporter
from discern.runs.initial_weights import require_initial_weights
from discern.runs.run import Run


def backbone(
    name: str = "auto",
    weights: str | os.PathLike[str] | Run | bool | None = None,
    *,
    channels: int | None = None,
    stages: Sequence[str] | None = None,
    reporter: Reporter | None = None,
) -> Backbone:
    """Build a module that returns the maps of a network's stages, with their strides and channels.

    Parameters
    ----------
    name : str
        A name that `discern.list_models` lists, or ``timm:``, ``torchvision:`` or ``keras:`` and a name there. May be
        left out where the weights determine it.
    weights : path, Run or True, optional
        A .safetensors or .pth file, a run or a bundle; True or ``official`` for the official ones, which are fetched
        and kept in the cache folder. Random without it. Images are then normalized with the backbone's ``mean`` and
        ``std``.
    channels : int, optional
        Color channels of the images; those that the weights take, else 3.
    stages : sequence of str, optional
        Which maps to return, in the names of ``strides``; all of them unless given.
    reporter : Reporter, optional
        Follows a download; stderr shows it unless given.

    Returns
    -------
    Backbone
        `discern.models.backbone.Backbone`: images (N, C, H, W) -> stage -> map.

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
            raise ModelError(_("Specify a network, such as resnet18, or the weights to start from."))
        spec, channels = get_model_spec(name), channels or 3
        return Backbone(spec.build(spec.classes, channels), channels, spec.size, stages)
    source = "official" if weights is True else os.fspath(weights.path if isinstance(weights, Run) else weights)
    with reporting(reporter) as shown:
        initial = require_initial_weights(shown.progress, model=name, weights=source)
    settings, spec = initial.settings, get_model_spec(initial.settings["model"])
    size, channels = settings.get("size", spec.size), channels or settings["channels"]
    network = spec.build(spec.classes, channels, size, settings["model_args"])
    initial.load_into(network)
    return Backbone(network, channels, size, stages, tuple(settings["mean"]), tuple(settings["std"]))
