"""Why a model predicts what it does for one image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from discern.classifier.classifier import Classifier, ImageLike
from discern.display import make_display
from discern.runs.open import open_classifier
from discern.runs.run import Run

if TYPE_CHECKING:
    from discern.result import Result


def explain(
    model: str | os.PathLike[str] | Run | Classifier,
    image: ImageLike,
    *,
    method: str = "gradcam",
    layer: str | None = None,
    class_: str | None = None,
    cell: str | tuple[int, int, int] | None = None,
    model_code: str | None = None,
) -> Result:
    """Explain a model's prediction for an image.

    Parameters
    ----------
    model : path, Run or Classifier
        A run, a bundle or a Keras file, or one that is open already.
    image : path, bytes, array or Pillow image
        The image to explain.
    method : str
        A heat map: ``gradcam``, ``gradcam++``, ``cam``, ``saliency``, ``integrated-gradients``, ``guided-backprop``,
        ``occlusion``, or ``all`` of them side by side; ``features``, ``filters`` and ``deconv``, the channels of a
        layer; ``arithmetic``, one number of a convolution worked out; ``nearest``, the training images of a run most
        like it; ``embedding`` and ``embedding-tsne``, a map of them. A classical model has those three.
    layer : str, optional
        A stage or the dotted name of a module: the last stage with more than one place unless given; for ``filters``
        and ``arithmetic`` a convolution, the first unless given.
    class_ : str, optional
        The class to explain: the most probable unless given.
    cell : str or tuple of int, optional
        Channel, row and column, for ``arithmetic``: those of the largest number unless given.
    model_code : str, optional
        ``file.py:function`` that builds the network, where it is one of your own.

    Returns
    -------
    Result
        Data with ``sentences()``, ``tables()``, ``plot(figure)`` and ``save(path)``.

    Raises
    ------
    ConfigError
        When there is no such method, class or cell.
    ModelError
        When there is no such layer, or the network has nothing that the method could show.
    ImageError
        When it is not an image, or damaged.
    RunError
        When the model is not there, or damaged; of ``nearest`` and ``embedding`` when the training images were moved
        or changed.

    Examples
    --------
    >>> explain("runs/2026-11-22_fruit_resnet18", "apple.jpg").save("heat.png")  # doctest: +SKIP
    """
    classifier = open_classifier(model, model_code=model_code, make_reporter=make_display)
    return classifier.explain(image, method=method, layer=layer, class_=class_, cell=cell)
