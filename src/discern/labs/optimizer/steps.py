"""Optimizers one step at a time, in NumPy, with every value they store.

Sources: Robbins and Monro 1951 (stochastic gradient); Polyak 1964 (momentum); Nesterov 1983, in the form of Sutskever
et al. 2013, section 2, that torch computes; Tieleman and Hinton 2012, lecture 6.5 (RMSProp); Kingma and Ba 2015,
arXiv:1412.6980, algorithm 1 (Adam); Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2 (AdamW).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from discern.labs.optimizer.surfaces import Surface, least_squares_gradient

MAX_DISTANCE = 1e3  # from the start: hundreds of times the figure, from where nothing comes back


@dataclass(frozen=True)
class Settings:
    """The hyperparameters of the optimizers, except for the learning rate."""

    momentum: float = 0.9  # of momentum and Nesterov
    alpha: float = 0.99  # of both RMSProps: how much of the old mean of squares stays
    beta1: float = 0.9  # of Adam and AdamW, for the mean
    beta2: float = 0.999  # of Adam and AdamW, for the mean of squares
    eps: float = 1e-8  # added to the divisor of torch's RMSProp, Adam and AdamW
    weight_decay: float = 0.01  # of AdamW
    noise: float = 0.1  # of SGD's gradient: standard deviation as a fraction of the length of the first gradient
    batch_size: int = 4  # rows, where the loss is a mean over rows


@dataclass(frozen=True)
class Step:
    """The values of an optimizer at one step, each (2,)."""

    w: np.ndarray
    g: np.ndarray  # the gradient at w
    state: Mapping[str, np.ndarray]  # what it stores and computes, by the names of its formula
    change: np.ndarray  # what is added to w


@dataclass(frozen=True)
class Path:
    """The points that one optimizer visits."""

    name: str  # one of `RULES`
    lr: float
    points: np.ndarray  # (steps + 1, 2), fewer where it diverged
    values: np.ndarray  # (steps + 1,): the loss at each
    steps: tuple[Step, ...] = field(repr=False)  # how it came from each point to the next
    diverged: int | None = None  # the step that led to NaN or more than `MAX_DISTANCE` away


State = Mapping[str, np.ndarray]
Rule = Callable[[Settings, float, int, np.ndarray, np.ndarray, State], tuple[np.ndarray, State]]
"""(settings, learning rate, step from 1, w, g, state) -> (change of w, new state)."""


def gd(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step w <- w - lr g; SGD is the same with the gradient of a mini-batch."""
    return -lr * g, {}


def momentum(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step b <- mu b + g; w <- w - lr b."""
    b = s.momentum * state.get("b", 0) + g
    return -lr * b, {"b": b}


def nesterov(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step b <- mu b + g; w <- w - lr (g + mu b): one step ahead along b."""
    b = s.momentum * state.get("b", 0) + g
    ahead = g + s.momentum * b
    return -lr * ahead, {"b": b, "g + mu b": ahead}


def rmsprop(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step sigma_0 = |g_0|; sigma_t = sqrt(alpha sigma_{t-1}^2 + (1 - alpha) g_t^2); w <- w - lr g / sigma (lecture).

    Where every gradient so far was 0, so is sigma, and w stays.
    """
    sigma = np.sqrt(s.alpha * state["sigma"] ** 2 + (1 - s.alpha) * g**2) if state else np.abs(g)
    return -lr * g / np.where(sigma > 0, sigma, 1), {"sigma": sigma}


def rmsprop_torch(
    s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State
) -> tuple[np.ndarray, State]:
    """Step v <- alpha v + (1 - alpha) g^2 from v = 0; w <- w - lr g / (sqrt(v) + eps)."""
    v = s.alpha * state.get("v", 0) + (1 - s.alpha) * g**2
    return -lr * g / (np.sqrt(v) + s.eps), {"v": v, "sqrt(v)": np.sqrt(v)}


def adam(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2; w <- w - lr m^ / (sqrt(v^) + eps), each by its 1 - b^t."""
    m = s.beta1 * state.get("m", 0) + (1 - s.beta1) * g
    v = s.beta2 * state.get("v", 0) + (1 - s.beta2) * g**2
    m_hat, v_hat = m / (1 - s.beta1**t), v / (1 - s.beta2**t)
    return -lr * m_hat / (np.sqrt(v_hat) + s.eps), {"m": m, "v": v, "m^": m_hat, "v^": v_hat}


def adamw(s: Settings, lr: float, t: int, w: np.ndarray, g: np.ndarray, state: State) -> tuple[np.ndarray, State]:
    """Step as Adam, and w <- w - lr decay w besides."""
    change, new_state = adam(s, lr, t, w, g, state)
    return change - lr * s.weight_decay * w, new_state


RULES: dict[str, Rule] = {
    "gd": gd,
    "sgd": gd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "rmsprop-torch": rmsprop_torch,
    "adam": adam,
    "adamw": adamw,
}
ADAPTIVE = ("rmsprop", "rmsprop-torch", "adam", "adamw")  # divide by the size of the gradient: steps are about lr long


def run_optimizer(
    name: str, surface: Surface, start: np.ndarray, lr: float, n_steps: int, s: Settings, seed: int = 0
) -> Path:
    """Run one optimizer and keep every step.

    Examples
    --------
    >>> from discern.labs.optimizer.surfaces import SURFACES
    >>> run_optimizer("gd", SURFACES["bowl"], np.array([1.0, 0.0]), 0.5, 2, Settings()).points[:, 0]
    array([1.  , 0.5 , 0.25])
    """
    rng = np.random.default_rng(seed)
    spread = s.noise * float(np.linalg.norm(surface.gradient_at(start)))
    points, steps, diverged = [start], [], None
    state: State = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, n_steps + 1):
            w = points[-1]
            g = _noisy_gradient(surface, w, rng, spread, s.batch_size) if name == "sgd" else surface.gradient_at(w)
            change, state = RULES[name](s, lr, t, w, g, state)
            if not np.abs(w + change - start).max() < MAX_DISTANCE:  # also where it is NaN
                diverged = t
                break
            steps.append(Step(w, g, state, change))
            points.append(w + change)
        visited = np.array(points)
        values = surface.value(visited[:, 0], visited[:, 1])
    return Path(name, lr, visited, values, tuple(steps), diverged)


def _noisy_gradient(
    surface: Surface, w: np.ndarray, rng: np.random.Generator, spread: float, batch_size: int
) -> np.ndarray:
    """Return the gradient of a few rows, or the full gradient with the noise that such a draw would give it."""
    if surface.rows is None:
        return surface.gradient_at(w) + rng.normal(0, spread, 2)
    batch = surface.rows[rng.choice(len(surface.rows), min(batch_size, len(surface.rows)), replace=False)]
    return least_squares_gradient(batch, w[0], w[1])
