"""The network behind the features of a classical model, found with its weights."""

from __future__ import annotations

from pathlib import Path

from discern.api.weights import Start, find_start
from discern.classical.embedding import Backbone, Embedding
from discern.errors import ConfigError
from discern.i18n import _
from discern.models.external import is_code
from discern.models.table import entry
from discern.preprocess.spec import Preprocess
from discern.progress import Progress
from discern.runtime import device
from discern.training.config import Config
from discern.training.recipes import frozen_size


def find_embedding(name: str, size: int, side: int, progress: Progress) -> Embedding:
    """The network called ``name``, or the one of the run at ``name``.

    Parameters
    ----------
    name : str
        A name in the table of networks, whose official weights are taken from the folder of weights or fetched; or a
        run, a bundle or a file of weights.
    size, side : int
        Pixels a side that were asked for (0: choose), and that the pictures have.

    Raises
    ------
    ConfigError, ModelError, RunError, DownloadError
        When there is no such network, or no weights for it.
    """
    if is_code(name):
        sentence = _("Features of {name} would run code: name a network that `discern models` lists, or a run.")
        raise ConfigError(sentence.format(name=name))
    start = _start(name, progress)
    settings, native = start.settings, entry(start.settings["model"]).size
    fixed = settings.get("size")
    spec = Preprocess(
        size=fixed or size or frozen_size(native, side),
        mode=settings.get("resize", "crop"),
        **{field: settings[field] for field in ("channels", "interpolation", "mean", "std")},
    )
    backbone = Backbone(model=settings["model"], network=settings["network"], preprocess=spec, source=start.source)
    network = backbone.build()
    start.fill(network)
    return Embedding(backbone, network, device("auto"))


def _start(name: str, progress: Progress) -> Start:
    if Path(name).exists():
        asked = Config(weights=name)
    else:
        entry(name)  # an unknown name is refused here
        asked = Config(model=name, weights="official")
    start, _told = find_start(asked, 0, progress)
    assert start is not None  # weights were asked for
    return start
