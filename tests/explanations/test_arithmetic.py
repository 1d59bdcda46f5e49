"""Every number is the network's own."""

from __future__ import annotations

import numpy as np
import pytest

from discern.errors import ConfigError
from discern.explanations.arithmetic import Arithmetic, compute_arithmetic
from discern.explanations.capture import list_convolutions
from tests.explanations.inputs import classifier, explain_input, image


def agrees(found: Arithmetic) -> None:
    assert found.value == pytest.approx(found.network, rel=1e-4, abs=1e-4)
    assert found.total == pytest.approx(float((found.patch * found.kernel).sum()), rel=1e-4, abs=1e-4)
    for after in found.after:
        assert after.value == pytest.approx(after.network, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", ["resnet18-narrow", "mobilenet-0.25", "googlenet", "lenet", "nasnet-mobile"])
def test_every_convolution(name: str) -> None:
    from discern.explanations.explain_input import prepare_input

    made = classifier(name, 32)
    names = list(list_convolutions(made.network))
    ran = [layer for layer in names if not layer.startswith("aux")]
    for layer in ran[:: max(1, len(ran) // 12)]:
        agrees(compute_arithmetic(prepare_input(made, image(32), layer)))


def test_what_comes_after() -> None:
    def after(name: str, layer: str | None = None) -> list[str]:
        return [step.name for step in compute_arithmetic(explain_input(name, 32, layer)).after]

    assert after("resnet18-narrow") == ["batch_norm", "relu"]
    assert after("resnet18-narrow", "layer1.0.conv2") == ["batch_norm"]  # the shortcut is added before the ReLU
    assert after("mobilenet-0.25") == ["batch_norm", "relu6"]
    assert after("lenet") == ["relu"]


def test_a_cell_at_the_border_reads_zeros() -> None:
    found = compute_arithmetic(explain_input("vgg11", 32), (5, 0, 0))
    assert found.cell == (5, 0, 0)
    assert (found.patch[:, 0] == 0).all() and (found.patch[:, :, 0] == 0).all() and np.abs(found.patch).max() > 0
    agrees(found)


def test_a_cell_that_is_not_there() -> None:
    message = "The map of features.0 has no cell 64,0,0: it is 64x32x32"
    with pytest.raises(ConfigError, match=message):
        compute_arithmetic(explain_input("vgg11", 32), (64, 0, 0))
