"""The methods by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from discern.classifier.classifier import Classifier, ImageLike
from discern.errors import ConfigError, ModelError, suggest
from discern.explanations.arithmetic import Cell, compute_arithmetic, parse_cell
from discern.explanations.cam import cam, gradcam, gradcam_plus_plus
from discern.explanations.channels import capture_features, read_filters
from discern.explanations.deconv import project_channels
from discern.explanations.embedding import embed_pca, embed_tsne
from discern.explanations.explain_input import ExplainedImage, ExplainInput, predict_class, prepare_input
from discern.explanations.faithfulness import faithfulness
from discern.explanations.gradients import guided_backprop, integrated_gradients, saliency
from discern.explanations.heat_map import Grid, HeatMap, to_heatmap
from discern.explanations.nearest import Gallery, find_nearest, to_unit_length
from discern.explanations.occlusion import occlusion
from discern.i18n import _
from discern.result import Result

MapMethod = Callable[[ExplainInput], Tensor]
CAM_METHODS: dict[str, MapMethod] = {"gradcam": gradcam, "gradcam++": gradcam_plus_plus, "cam": cam}
PIXEL_METHODS: dict[str, MapMethod] = {
    "saliency": saliency,
    "integrated-gradients": integrated_gradients,
    "guided-backprop": guided_backprop,
    "occlusion": occlusion,
}
HEAT_MAPS = {**CAM_METHODS, **PIXEL_METHODS}
LAYER_METHODS: dict[str, Callable[[ExplainInput], Result]] = {
    "features": capture_features,
    "filters": read_filters,
    "deconv": project_channels,
    "arithmetic": compute_arithmetic,
}
DATASET_METHODS: dict[str, Callable[[ExplainedImage, Tensor, Gallery], Result]] = {
    "nearest": find_nearest,
    "embedding": embed_pca,
    "embedding-tsne": embed_tsne,
}
ALL = "all"
METHODS = (*HEAT_MAPS, *LAYER_METHODS, *DATASET_METHODS, ALL)
TAKES_LAYER = {"gradcam", "gradcam++", *LAYER_METHODS, ALL}


def explain(
    classifier: Classifier,
    image: ImageLike,
    method: str = "gradcam",
    layer: str | None = None,
    class_: str | None = None,
    cell: str | Cell | None = None,
    load_gallery: Callable[[], Gallery] | None = None,
) -> Result:
    """Explain what ``classifier`` predicts for one image; see `discern.api.explain.explain`, also for its errors.

    ``load_gallery`` returns the training images, for the methods that need them.
    """
    _check_request(method, layer, cell)
    if classifier.card.table is not None:
        message = _("{model} reads rows of a table, and explain works on images: its report shows what matters.")
        raise ModelError(message.format(model=classifier.card.model))
    if method in DATASET_METHODS:
        if load_gallery is None:
            message = _("{method} needs the training images, which a run knows: give a run, not a bundle alone.")
            raise ConfigError(message.format(method=method))
        explained = predict_class(classifier, image, class_)
        features = to_unit_length(classifier.encode(explained.pixels[None]))[0]
        return DATASET_METHODS[method](explained, features, load_gallery())
    inputs = prepare_input(classifier, image, layer, class_)
    with classifier.lock:
        if method == ALL:
            return compute_all(inputs)
        if method == "arithmetic":
            return compute_arithmetic(inputs, parse_cell(cell))
        return compute_heat_map(inputs, method) if method in HEAT_MAPS else LAYER_METHODS[method](inputs)


def compute_heat_map(inputs: ExplainInput, method: str) -> HeatMap:
    """Compute the heat map of one method, and its faithfulness."""
    raw = HEAT_MAPS[method](inputs)
    heat = to_heatmap(raw, inputs.size)
    layer = inputs.layer() if method in CAM_METHODS and method != "cam" else None
    return HeatMap(method, inputs.image, heat, layer, raw.detach().float().cpu().numpy(), faithfulness(inputs, heat))


def compute_all(inputs: ExplainInput) -> Grid:
    """Compute the heat maps of all methods that fit the network."""
    maps, left_out = [], []
    for method in HEAT_MAPS:
        try:
            maps.append(compute_heat_map(inputs, method))
        except ModelError as error:
            left_out.append((method, str(error)))
    return Grid(tuple(maps), tuple(left_out))


def _check_request(method: str, layer: str | None, cell: str | Cell | None) -> None:
    if method not in METHODS:
        raise ConfigError(_('Unknown method "{name}"{hint}.').format(name=method, hint=suggest(method, METHODS)))
    if layer is not None and method not in TAKES_LAYER:
        raise ConfigError(_("{method} takes no layer: remove the layer.").format(method=method))
    if cell is not None and method != "arithmetic":
        raise ConfigError(_("Only arithmetic takes a cell: remove the cell."))
