"""What is written comes back and predicts alike; what discern never writes is not opened."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from discern.classical.config import make_classical_config
from discern.classical.estimators import CLASSICAL
from discern.classical.features import Extractor
from discern.classical.fitting import ClassicalModel, fit_model, from_bytes, to_bytes
from discern.errors import RunError
from discern.models.registry import TABLE

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 3], 20)
CLASSES = ("a", "b", "c", "d", "e")
FEATURES = (RANDOM.normal(size=(60, 6)) + 2 * LABELS[:, None]).astype(np.float32)


def fitted(name: str) -> ClassicalModel:
    config = make_classical_config(model=name, scale="standard", pca=4)
    return fit_model(config, Extractor(("pixels",)), FEATURES, LABELS, CLASSES)[0]


def test_tables_share_no_name() -> None:
    assert not set(CLASSICAL) & set(TABLE)


@pytest.mark.parametrize("name", CLASSICAL)
def test_comes_back_and_answers_alike(name: str) -> None:
    model = fitted(name)
    again = ClassicalModel(model.extractor, from_bytes(to_bytes(model.pipeline), "x"), 5)
    logits = model.feature_logits(FEATURES)
    assert np.array_equal(logits, again.feature_logits(FEATURES))
    assert logits.shape == (60, 5) and np.isfinite(logits).all()
    assert (logits.argmax(axis=1) == LABELS).mean() > 0.9
    assert (logits[:, [2, 4]].max(axis=1) < logits[:, [0, 1, 3]].min(axis=1)).all()  # classes nobody showed


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_best_logit_is_the_models_own_answer(name: str) -> None:
    model = fitted(name)
    assert np.array_equal(model.feature_logits(FEATURES).argmax(axis=1), model.pipeline.predict(FEATURES))


@pytest.mark.parametrize("name", ["svm-linear", "svm-rbf", "logistic"])
def test_two_classes(name: str) -> None:
    two = LABELS < 3
    model, _told = fit_model(
        make_classical_config(model=name), Extractor(("pixels",)), FEATURES[two], LABELS[two], CLASSES[:2]
    )
    assert np.array_equal(model.feature_logits(FEATURES[two]).argmax(axis=1), model.pipeline.predict(FEATURES[two]))


def test_untrusted_type_is_refused() -> None:
    data = skops.io.dumps(make_pipeline(FunctionTransformer(np.linalg.norm), SGDClassifier()))
    with pytest.raises(RunError, match=r"m.skops holds .*norm.*, which discern never writes: it was not opened"):
        from_bytes(data, "m.skops")


@pytest.mark.parametrize("data", [b"", b"no zip", skops.io.dumps({"a": 1})])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(RunError, match=r"m.skops is not a model of discern, or is corrupt"):
        from_bytes(data, "m.skops")
