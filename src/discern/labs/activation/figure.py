"""An activation function and its derivative as curves, and a secant that becomes a tangent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.activation.formulas import ACTIVATIONS, evaluate_last

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curve_range(values: np.ndarray) -> np.ndarray:
    """Return x of a curve that includes every value: (601,)."""
    limit = max(8.0, 1.2 * float(np.abs(values).max()))
    return np.linspace(-limit, limit, 601)


def draw_curve(ax: Axes, name: str, values: np.ndarray, marked: np.ndarray, derivative: bool, title: str) -> None:
    """Draw the function or its derivative, and mark it at ``values``."""
    x = curve_range(values)
    shown = slice(-1, None) if name == "softmax" else slice(None)  # each other logit has a curve of its own
    ax.plot(x, evaluate_last(name, values, x, derivative), color="tab:blue")
    ax.plot(values[shown], marked[shown], "o", color="tab:orange", label=_("your values"))
    ax.axhline(0, color="gray", linewidth=0.6)
    ax.axvline(0, color="gray", linewidth=0.6)
    ax.set(title=title, xlabel="x" if name != "softmax" else _("the last logit, the others fixed"))
    ax.grid(alpha=0.2)


def draw_saturation(ax: Axes, values: np.ndarray, below: float | None, above: float | None) -> None:
    """Shade where the function is saturated."""
    x = curve_range(values)
    for edge, end in ((below, x[0]), (above, x[-1])):
        if edge is not None:
            ax.axvspan(end, np.clip(edge, x[0], x[-1]), color="crimson", alpha=0.1, label=_("saturated"))


def draw_secant(ax: Axes, name: str, values: np.ndarray, index: int, h: float) -> None:
    """Draw the line through x and x + h, and the tangent at x = ``values[index]``."""
    x, activation = curve_range(values), ACTIVATIONS[name]
    y = evaluate_last(name, values, x)
    start, value = values[index], activation.value(values)[index]
    derivative = float(activation.derivative(values)[index])
    end = float(evaluate_last(name, values, np.array([start + h]))[0])
    slope = (end - value) / h
    ax.plot(x, y, color="tab:blue")
    ax.plot(x, value + derivative * (x - start), color="gray", linestyle=":", label=_("tangent"))
    ax.plot(x, value + slope * (x - start), color="crimson", label=_("secant through x and x + h"))
    ax.plot([start, start + h], [value, end], "o", color="crimson")
    margin = 0.3 + 0.1 * float(np.ptp(y))
    message = _("h = {h:.3f}: slope {slope:.4f}, the derivative is {derivative:.4f}")
    ax.set(xlim=(x[0], x[-1]), ylim=(y.min() - margin, y.max() + margin), xlabel="x", ylabel=f"{name}(x)")
    ax.set_title(message.format(h=h, slope=slope, derivative=derivative))
    ax.legend(loc="upper left")
