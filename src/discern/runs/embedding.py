"""The network behind the features of a classical model, found with its weights."""

from __future__ import annotations

from pathlib import Path

from discern.classical.embedding import BackboneSpec, FrozenBackbone
from discern.errors import ConfigError
from discern.i18n import _
from discern.models.external import is_user_code
from discern.models.registry import get_model_spec
from discern.preprocess.spec import Preprocess, Resize
from discern.progress import Progress
from discern.runs.initial_weights import InitialWeights, require_initial_weights
from discern.runtime import choose_device
from discern.training.recipes import choose_frozen_size


def find_embedding(name: str, size: int, resize: Resize, side: int, progress: Progress) -> FrozenBackbone:
    """Find the network called ``name``, with its official weights, or the one of the run, bundle or file at ``name``.

    ``size`` and ``side`` are the pixels a side that were requested (0: choose), and that the images have; ``resize`` is
    used where the network requires no other.
    """
    if is_user_code(name):
        message = _("Features of {name} would run code: name a network that `discern models` lists, or a run.")
        raise ConfigError(message.format(name=name))
    initial = _find_weights(name, progress)
    settings, native = initial.settings, get_model_spec(initial.settings["model"]).size
    spec = Preprocess(
        size=settings.get("size") or size or choose_frozen_size(native, side),
        resize=settings.get("resize", resize),
        **{field: settings[field] for field in ("channels", "interpolation", "mean", "std")},
    )
    backbone = BackboneSpec(
        model=settings["model"], model_args=settings["model_args"], preprocess=spec, source=initial.source
    )
    network = backbone.build()
    initial.load_into(network)
    return FrozenBackbone(backbone, network, choose_device("auto"))


def _find_weights(name: str, progress: Progress) -> InitialWeights:
    if Path(name).exists():
        return require_initial_weights(progress, weights=name)
    get_model_spec(name)  # an unknown name is refused here
    return require_initial_weights(progress, model=name, weights="official")
