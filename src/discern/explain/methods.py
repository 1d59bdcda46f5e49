"""The methods by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from discern.classifier.classifier import Classifier, Picture
from discern.errors import ConfigError, ModelError
from discern.errors import nearest as nearest_names
from discern.explain.arithmetic import Cell, arithmetic
from discern.explain.cam import cam, gradcam, gradcam_plus_plus
from discern.explain.channels import features, filters
from discern.explain.deconv import deconv
from discern.explain.embedding import pca, tsne
from discern.explain.faithfulness import faithfulness
from discern.explain.gradients import guided_backprop, integrated_gradients, saliency
from discern.explain.nearest import Gallery, nearest, unit
from discern.explain.occlusion import occlusion
from discern.explain.result import Explanation, HeatMap, Sheet
from discern.explain.subject import Seen, Subject, seen, subject
from discern.i18n import _

OF_A_MAP: dict[str, Callable[[Subject], Tensor]] = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "cam": cam,
}
OF_PIXELS: dict[str, Callable[[Subject], Tensor]] = {
    "saliency": saliency,
    "integrated-gradients": integrated_gradients,
    "guided-backprop": guided_backprop,
    "occlusion": occlusion,
}
HEAT_MAPS = {**OF_A_MAP, **OF_PIXELS}
OTHERS: dict[str, Callable[[Subject], Explanation]] = {
    "features": features,
    "filters": filters,
    "deconv": deconv,
    "arithmetic": arithmetic,
}
ALL = "all"
AMONG_OTHERS: dict[str, Callable[[Seen, Tensor, Gallery], Explanation]] = {
    "nearest": nearest,
    "embedding": pca,
    "embedding-tsne": tsne,
}
METHODS = (*HEAT_MAPS, *OTHERS, *AMONG_OTHERS, ALL)
OF_A_CHOSEN_LAYER = {"gradcam", "gradcam++", *OTHERS}


def explain(
    classifier: Classifier,
    picture: Picture,
    method: str = "gradcam",
    layer: str | None = None,
    class_: str | None = None,
    cell: Cell | None = None,
    among: Callable[[], Gallery] | None = None,
) -> Explanation:
    """Why ``classifier`` answers as it does; see `discern.api.explain.explain`.

    Raises
    ------
    ConfigError
        When there is no such method, class or cell, or the method has no use for a layer or cell; for ``nearest`` and
        ``embedding`` when there are no pictures ``among`` which to look.
    ModelError
        When there is no such layer, or the network has nothing that the method could show.
    PictureError
        When it is not a picture, or damaged.
    """
    if method not in METHODS:
        raise ConfigError(_no_method(method))
    if layer is not None and method not in (*OF_A_CHOSEN_LAYER, ALL):
        raise ConfigError(_("{method} looks at no layer: leave the layer out.").format(method=method))
    if cell is not None and method != "arithmetic":
        raise ConfigError(_("Only arithmetic looks at one cell: leave the cell out."))
    if classifier.card.table is not None:
        sentence = _("{model} reads rows of a table, and explain looks at pictures: see its report for what it does.")
        raise ModelError(sentence.format(model=classifier.card.model))
    if method in AMONG_OTHERS:
        if among is None:
            sentence = _("{method} needs a run, which knows its training pictures: give one, not a bundle alone.")
            raise ConfigError(sentence.format(method=method))
        answer = seen(classifier, picture, class_)
        return AMONG_OTHERS[method](answer, unit(classifier.encode(answer.pixels[None]))[0], among())
    found = subject(classifier, picture, layer, class_)
    if method == ALL:
        return _sheet(found)
    if method == "arithmetic":
        return arithmetic(found, cell)
    return heat_map(found, method) if method in HEAT_MAPS else OTHERS[method](found)


def _no_method(method: str) -> str:
    if close := ", ".join(nearest_names(method, METHODS)):
        return _("There is no method {method}: did you mean {close}?").format(method=method, close=close)
    return _("There is no method {method}; there are: {methods}.").format(method=method, methods=", ".join(METHODS))


def heat_map(subject: Subject, method: str) -> HeatMap:
    """The heat map of one method, with its faithfulness."""
    raw = HEAT_MAPS[method](subject)
    heat = warm(raw, subject.size)
    layer = subject.layer() if method in OF_A_MAP and method != "cam" else None
    scores = faithfulness(subject, heat)
    return HeatMap(
        method,
        subject.pixels,
        heat,
        subject.label,
        subject.probability,
        layer,
        raw.detach().float().cpu().numpy(),
        scores,
    )


def warm(raw: Tensor, size: tuple[int, int]) -> np.ndarray:
    """What a method gave as a heat map of the picture's size, 0 to 1: what speaks against the class is cold.

    Three dimensions, a number for each value of the picture, are summed over the colours.

    Examples
    --------
    >>> import torch
    >>> warm(torch.tensor([[0.0, 2.0], [-1.0, 1.0]]), (2, 2)).tolist()
    [[0.0, 1.0], [0.0, 0.5]]
    """
    raw = raw.detach().float()
    if raw.dim() == 3:
        raw = raw.sum(dim=0)
    heat = F.interpolate(raw[None, None].relu(), size=size, mode="bilinear", align_corners=False)[0, 0]
    top = heat.max()
    scaled: np.ndarray = (heat / top if top > 0 else heat).cpu().numpy()
    return scaled


def _sheet(subject: Subject) -> Sheet:
    found, left_out = [], []
    for method in HEAT_MAPS:
        try:
            found.append(heat_map(subject, method))
        except ModelError as error:
            left_out.append((method, str(error)))
    return Sheet(tuple(found), tuple(left_out))
