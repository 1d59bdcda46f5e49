"""The network and the weights that a person asks for, checked and built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _
from discern.labs.backprop.tiny_networks import POOL, Dense, Output, Parameters, TinyCNN

MAX_WEIGHTS = 200
MAX_PIXELS = 256


def build_dense(
    layers: np.ndarray,
    inputs: np.ndarray | None,
    target: np.ndarray | None,
    activation: str,
    output: tuple[str, str],
    rng: np.random.Generator,
) -> Dense:
    """Build a dense network; ``output`` is the activation of its last layer and the loss."""
    if len(layers) < 2 or (layers < 1).any() or (layers % 1).any():
        raise ConfigError(_("Layers are two or more whole numbers of units, the inputs first: 2 2 1."))
    sizes = tuple(int(size) for size in layers)
    values = rng.uniform(0.1, 1, sizes[0]).round(1) if inputs is None else inputs
    if len(values) != sizes[0]:
        message = _("Expected {n} inputs for a first layer of {n} units, got {given}.")
        raise ConfigError(message.format(given=len(values), n=sizes[0]))
    checked = _check_target(target, sizes[-1], output[1])
    return Dense(sizes, tuple(values.tolist()), activation, Output(*output, checked))


def build_cnn(image: np.ndarray, kernel: np.ndarray, target: np.ndarray | None, output: tuple[str, str]) -> TinyCNN:
    """Build the tiny CNN; ``output`` is the activation of its last layer and the loss."""
    loss = output[1]
    outputs = len(target) if target is not None else 1 + (loss == "cross-entropy")
    checked = _check_target(target, outputs, loss)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ConfigError(_("The tiny CNN has one channel and one kernel: give one matrix for each."))
    if image.size > MAX_PIXELS:
        message = _("{n} pixels are too many to write out: use at most {limit}, for example 16 x 16.")
        raise ConfigError(message.format(n=image.size, limit=MAX_PIXELS))
    network = TinyCNN(image, (kernel.shape[0], kernel.shape[1]), Output(*output, checked))
    if min(network.map_shape) < POOL:
        message = _(
            "A {kernel} kernel on a {image} image leaves nothing to pool 2 x 2: use a larger image or a smaller kernel."
        )
        shapes = {"kernel": " x ".join(map(str, kernel.shape)), "image": " x ".join(map(str, image.shape))}
        raise ConfigError(message.format(**shapes))
    return network


def build_parameters(
    names: Sequence[str], weights: np.ndarray | None, kernel: np.ndarray | None, rng: np.random.Generator
) -> Parameters:
    """Assign a value to every name: ``weights``, or random ones after the values of a ``kernel``."""
    if len(names) > MAX_WEIGHTS:
        message = _("{n} weights are too many to write out: use a smaller network, {limit} at most.")
        raise ConfigError(message.format(n=len(names), limit=MAX_WEIGHTS))
    if weights is None:
        weights = rng.uniform(-1, 1, len(names)).round(2)
        if kernel is not None:
            weights[: kernel.size + 1] = [*kernel.ravel(), 0.0]
            weights[kernel.size + 1 :] /= 10  # large sums would saturate the output
    if len(weights) != len(names):
        message = _("Expected {n} weights ({names}), got {given}.")
        raise ConfigError(message.format(given=len(weights), n=len(names), names=" ".join(names)))
    return dict(zip(names, weights.tolist(), strict=True))


def _check_target(target: np.ndarray | None, n: int, loss: str) -> tuple[float, ...]:
    """Return y, which has ``n`` values."""
    values = np.eye(n)[0] if target is None else target
    if len(values) != n:
        message = _("Expected {n} target values for a last layer of {n} units, got {given}.")
        raise ConfigError(message.format(given=len(values), n=n))
    if loss == "cross-entropy" and (n < 2 or (values < 0).any() or abs(values.sum() - 1) > 1e-9):
        raise ConfigError(_("Cross-entropy needs a target probability for each of two or more classes: 0 1 0."))
    return tuple(values.tolist())
