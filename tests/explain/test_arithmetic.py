"""Every number is the network's own."""

from __future__ import annotations

import numpy as np
import pytest

from discern.errors import ConfigError
from discern.explain.arithmetic import Arithmetic, arithmetic
from discern.explain.passes import convolutions
from tests.explain.subjects import before, classifier, picture


def agrees(found: Arithmetic) -> None:
    assert found.value == pytest.approx(found.network, rel=1e-4, abs=1e-4)
    assert found.total == pytest.approx(float((found.patch * found.kernel).sum()), rel=1e-4, abs=1e-4)
    for after in found.after:
        assert after.value == pytest.approx(after.network, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["resnet18-narrow", "mobilenet-0.25", "googlenet", "lenet", "nasnet-mobile"])
def test_every_convolution(name: str) -> None:
    from discern.explain.subject import subject

    made = classifier(name, 32)
    names = list(convolutions(made.network))
    ran = [layer for layer in names if not layer.startswith("aux")]
    for layer in ran[:: max(1, len(ran) // 12)]:
        agrees(arithmetic(subject(made, picture(32), layer)))


def test_what_comes_after() -> None:
    def after(name: str, layer: str | None = None) -> list[str]:
        return [step.name for step in arithmetic(before(name, 32, layer)).after]

    assert after("resnet18-narrow") == ["batch_norm", "relu"]
    assert after("resnet18-narrow", "layer1.0.conv2") == ["batch_norm"]  # the shortcut is added before the ReLU
    assert after("mobilenet-0.25") == ["batch_norm", "relu6"]
    assert after("lenet") == ["relu"]


def test_a_cell_at_the_border_reads_zeros() -> None:
    found = arithmetic(before("vgg11", 32), (5, 0, 0))
    assert found.cell == (5, 0, 0)
    assert (found.patch[:, 0] == 0).all() and (found.patch[:, :, 0] == 0).all() and np.abs(found.patch).max() > 0
    agrees(found)


def test_a_cell_that_is_not_there() -> None:
    sentence = "The map of features.0 has no cell 64,0,0: it is 64x32x32"
    with pytest.raises(ConfigError, match=sentence):
        arithmetic(before("vgg11", 32), (64, 0, 0))
