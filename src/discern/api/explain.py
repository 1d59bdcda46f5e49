"""Why a model answers as it does on one picture."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from discern.api.load import load
from discern.classifier.classifier import Classifier, Picture
from discern.display import display
from discern.explain.methods import explain as explained
from discern.explain.nearest import Gallery
from discern.explain.training import training_gallery
from discern.run import RunDirectory

if TYPE_CHECKING:
    from discern.explain.result import Explanation


def explain(
    run_or_bundle: str | os.PathLike[str],
    picture: Picture,
    method: str = "gradcam",
    layer: str | None = None,
    class_: str | None = None,
    code: str | None = None,
    cell: tuple[int, int, int] | None = None,
) -> Explanation:
    """Look inside a model while it looks at a picture.

    Parameters
    ----------
    run_or_bundle : path
        A run, a bundle or a Keras file.
    picture : path, bytes, array or Pillow image
        What the model looks at.
    method : str
        A heat map: ``gradcam``, ``gradcam++``, ``cam``, ``saliency``, ``integrated-gradients``, ``guided-backprop``,
        ``occlusion``, or ``all`` of them side by side; ``features``, ``filters`` and ``deconv``, the channels of a
        layer; ``arithmetic``, one number of a convolution worked out; ``nearest``, the training pictures of a run most
        like it; ``embedding`` and ``embedding-tsne``, a map of them. A classical model has those three.
    layer : str, optional
        A stage or the dotted name of a module: the last stage with more than one place unless given; for ``filters``
        and ``arithmetic`` a convolution, the first unless given.
    class_ : str, optional
        The class to explain: the most probable unless given.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.
    cell : tuple of int, optional
        Channel, row and column, for ``arithmetic``: those of the largest number unless given.

    Returns
    -------
    Explanation
        Data with ``plot(ax)`` and ``save(path)``.

    Raises
    ------
    ConfigError
        When there is no such method, class or cell.
    ModelError
        When there is no such layer, or the network has nothing that the method could show.
    PictureError
        When it is not a picture, or damaged.
    RunError
        When the model is not there, or damaged; of ``nearest`` and ``embedding`` when the training pictures were moved
        or changed.

    Examples
    --------
    >>> found = explain("runs/2026-11-22_fruit_resnet18", "apple.jpg")  # doctest: +SKIP
    >>> found.save("why.png")  # doctest: +SKIP
    """
    return load(run_or_bundle, code=code).explain(picture, method, layer, class_, cell)


def explain_with(
    classifier: Classifier,
    source: str | os.PathLike[str],
    picture: Picture,
    method: str,
    layer: str | None,
    class_: str | None,
    cell: tuple[int, int, int] | None,
) -> Explanation:
    """As `explain`, with ``classifier`` open already; ``source`` is the run that it may be of."""
    run = RunDirectory(source)
    among = functools.partial(_training_pictures, classifier, run) if run.split.is_file() else None
    return explained(classifier, picture, method, layer, class_, cell, among)


def _training_pictures(classifier: Classifier, run: RunDirectory) -> Gallery:
    watch = display()
    try:
        return training_gallery(classifier, run, progress=watch.progress)
    finally:
        watch.close()
