"""A trained classifier from disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from discern.classifier.classifier import Classifier, Picture
from discern.runtime import device

if TYPE_CHECKING:
    from discern.explain.result import Explanation


class Opened(Classifier):
    """A classifier that knows where it was opened, and can say why it answers as it does.

    Attributes
    ----------
    source : Path
        The run, bundle or Keras file.
    """

    source: Path

    def explain(
        self,
        picture: Picture,
        method: str = "gradcam",
        layer: str | None = None,
        class_: str | None = None,
        cell: tuple[int, int, int] | None = None,
    ) -> Explanation:
        """Look inside while it looks at a picture: `discern.explain`, of a model that is open already.

        Raises
        ------
        ConfigError, ModelError, PictureError, RunError
            As `discern.explain` does.

        Examples
        --------
        >>> load("runs/2026-11-22_fruit_resnet18").explain("apple.jpg").save("why.png")  # doctest: +SKIP
        """
        from discern.api.explain import explain_with

        return explain_with(self, self.source, picture, method, layer, class_, cell)


def load(path: str | os.PathLike[str], where: str = "auto", code: str | None = None) -> Opened:
    """Open a run directory or a bundle for predicting and explaining.

    Parameters
    ----------
    path : path
        A run, a folder with model.json and the files it names, or one of those files; or a Keras file, .keras or .h5.
    where : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.

    Raises
    ------
    RunError
        When it is none of them, or damaged.
    ConfigError
        When it needs code and none is named.
    """
    found = Opened.load(path, device(where), code)
    found.source = Path(path)
    return found
