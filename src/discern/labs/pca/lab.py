"""Principal component analysis as the lecture defines it: w1 = argmax variance of w'X, then X - X w w', and again.

Sources: see `discern.labs.pca.deflation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.feature_data import FeatureData, load_feature_data
from discern.labs.pca.deflation import Component, Step, find_components, total_variance
from discern.labs.pca.figure import MAX_FEATURES, draw_scores, draw_step, draw_variance, draw_weights
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULT_COMPONENTS = 10  # where there are as many
MAX_FRAMES = 60


@dataclass(frozen=True)
class Decomposition(Result):
    """The requested principal components."""

    data: FeatureData
    mean: np.ndarray  # (F,): what is subtracted first
    variance: float  # in all directions
    components: tuple[Component, ...]
    scores: np.ndarray  # (N, K): the coordinates of the examples along the components

    figsize = (13.0, 4.5)

    @property
    def directions(self) -> np.ndarray:
        """Return the components as rows: (K, F)."""
        return np.array([one.direction for one in self.components])

    @property
    def explained_variance_ratio(self) -> np.ndarray:
        """Return the fraction of the variance along each component: (K,)."""
        return np.array([one.variance / self.variance for one in self.components])

    def sentences(self) -> Sequence[str]:
        ratios, count, n_features = self.explained_variance_ratio, len(self.components), len(self.data.features)
        message = _("The first component is the direction of largest variance in {name}: it explains {fraction:.2%}.")
        lines = [message.format(name=self.data.name, fraction=ratios[0])]
        if count > 1:
            message = _("{count} components explain {fraction:.2%} of the variance of {features} features.")
            lines.append(message.format(count=count, fraction=ratios.sum(), features=n_features))
        message = _(
            "Power iteration multiplies a random direction by the covariance until it stops turning (step {steps} for "
            "the first): the closer the second largest variance, the longer it takes."
        )
        lines.append(message.format(steps=self.components[0].steps[-1].number))
        if count > 1:
            product = float(np.abs(self.directions @ self.directions.T - np.eye(count)).max())
            message = _(
                "X - X w w' has no variance left along w, so the components are orthogonal: the largest inner product "
                "of two is {product:.1e}. Their signs are arbitrary."
            )
            lines.append(message.format(product=product))
        if names := [str(i) for i, one in enumerate(self.components, start=1) if not one.converged]:
            message = _("Not converged: component {names}. The next variance is almost equal, so both directions fit.")
            lines.append(message.format(names=", ".join(names)))
        return lines

    def tables(self) -> Sequence[Table]:
        ratios = self.explained_variance_ratio
        rows: list[list[Cell]] = [
            [i + 1, one.steps[-1].number, one.variance, float(ratio), float(cumulative), one.residual_variance]
            for i, (one, ratio, cumulative) in enumerate(zip(self.components, ratios, np.cumsum(ratios), strict=True))
        ]
        columns = (_("component"), _("steps"), _("variance"), _("ratio"), _("cumulative"), _("residual variance"))
        tables = [Table(_("Components of {name}").format(name=self.data.name), columns, rows, 0)]
        few = len(self.data.features) <= MAX_FEATURES
        if few:
            weights: list[list[Cell]] = [
                [name, *map(float, column)] for name, column in zip(self.data.features, self.directions.T, strict=True)
            ]
            numbers = [str(i + 1) for i in range(len(self.components))]
            tables.append(Table(_("Weights of the components"), (_("feature"), *numbers), weights))
        steps: list[list[Cell]] = [
            [step.number, step.variance, step.angle, *(map(float, step.direction) if few else ())]
            for step in self.components[0].steps
        ]
        step_columns = (_("step"), _("variance of w'X"), _("angle in degrees"), *(self.data.features if few else ()))
        return [*tables, Table(_("Power iteration of the first component"), step_columns, steps, 0, max_rows=20)]

    def plot(self, figure: Figure) -> None:
        has_weights = bool(self.data.image_shape) or len(self.data.features) <= MAX_FEATURES
        axes = figure.subplots(1, 3 if has_weights else 2)
        draw_scores(axes[0], self.data, self.scores, self.explained_variance_ratio)
        if has_weights:
            draw_weights(axes[1], self.data, self.directions)
        draw_variance(axes[-1], self.explained_variance_ratio)

    def frames(self) -> int:
        return len(self._frame_steps())

    def plot_frame(self, figure: Figure, frame: int) -> None:
        number, step = self._frame_steps()[frame]
        draw_step(figure.subplots(1, 2), self.data, number, self.components[number], step)

    def _frame_steps(self) -> list[tuple[int, Step]]:
        """Choose the component and the step of every frame, the last step of each component among them."""
        each = max(2, MAX_FRAMES // len(self.components))
        chosen = []
        for number, one in enumerate(self.components):
            indices = np.unique(np.linspace(0, len(one.steps) - 1, each).round().astype(int))
            chosen += [(number, one.steps[i]) for i in indices]
        return chosen[:MAX_FRAMES]


def run(
    data: Annotated[str, N_("iris, digits, a .csv file or a run.")] = "iris",
    components: Annotated[int | None, Field(ge=1), N_("Number of components; by default all, but at most 10.")] = None,
    standardize: Annotated[bool, N_("First scale every column to mean 0 and standard deviation 1.")] = False,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the direction where power iteration starts.")] = 0,
) -> Decomposition:
    """Find principal components.

    Raises
    ------
    ConfigError
        When there are no such data, fewer features or examples than components, or all examples are equal.

    Examples
    --------
    >>> run("iris").explained_variance_ratio.round(4).tolist()
    [0.9246, 0.0531, 0.0171, 0.0052]
    """
    source = load_feature_data(data)
    values = source.standardized() if standardize else source.values
    limit = min(values.shape[1], len(values) - 1)
    if components is not None and components > limit:
        message = _("{name} has {rows} examples of {columns} features: choose at most {limit} components, not {n}.")
        size = {"rows": len(values), "columns": values.shape[1]}
        raise ConfigError(message.format(name=source.name, **size, limit=limit, n=components))
    mean = values.mean(axis=0)
    centered = values - mean
    if not centered.any():
        raise ConfigError(_("All examples of {name} are equal: there is no variance.").format(name=source.name))
    found = find_components(centered, components or min(limit, DEFAULT_COMPONENTS), seed)
    scores = centered @ np.array([one.direction for one in found]).T
    return Decomposition(source, mean, total_variance(centered), tuple(found), scores)
