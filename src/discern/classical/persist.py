"""A fitted scikit-learn pipeline as bytes and back: skops' format, whose types are checked by name. No pickle."""

from __future__ import annotations

from typing import Any

from discern.errors import RunError
from discern.i18n import _

# What skops does not know to be harmless by itself: arrays of numbers with a C or Python face.
TRUSTED = ("sklearn.tree._tree.Tree", "discern.classical.clusters.NamedClusters")


def to_bytes(pipeline: Any) -> bytes:
    """The fitted ``pipeline``, compressed."""
    import zipfile

    import skops.io

    return bytes(skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED, compresslevel=3))


def from_bytes(data: bytes, path: Any) -> Any:
    """The pipeline that `to_bytes` wrote; nothing in ``data`` is run.

    Parameters
    ----------
    data : bytes
        What was read.
    path : path
        From where, for the sentences.

    Raises
    ------
    RunError
        When it is damaged, or holds a type that discern does not write.
    """
    import skops.io
    from sklearn.pipeline import Pipeline

    damaged = _("{path} is not a model of discern, or damaged: copy it again, or train again.").format(path=path)
    try:
        strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))
    except Exception as error:  # a zip, JSON and arrays, each with errors of its own
        raise RunError(damaged) from error
    if strange:
        sentence = _("{path} holds {types}, which discern never writes: it was not opened; train again.")
        raise RunError(sentence.format(path=path, types=", ".join(strange)))
    try:
        found = skops.io.loads(data, trusted=list(TRUSTED))
    except Exception as error:
        raise RunError(damaged) from error
    if not isinstance(found, Pipeline):
        raise RunError(damaged)
    return found
