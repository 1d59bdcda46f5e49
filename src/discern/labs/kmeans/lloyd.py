"""Lloyd's algorithm with every iteration recorded.

Sources: S. Lloyd, Least squares quantization in PCM, 1982 (written 1957); D. Arthur and S. Vassilvitskii, k-means++:
the advantages of careful seeding, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Iteration:
    """One iteration: every example is assigned to its nearest center, every center moves to the mean of its cluster."""

    centers: np.ndarray  # (k, F) before they move
    labels: np.ndarray  # int64 (N,): the index of the nearest center
    updated_centers: np.ndarray  # (k, F) after they moved
    inertia: float  # sum of squared distances from the examples to ``centers``
    n_reassigned: int  # examples whose cluster is not that of the iteration before


def choose_centers(values: np.ndarray, clusters: int, init: str, seed: int) -> np.ndarray:
    """Choose ``clusters`` distinct rows of ``values`` (N, F) as initial centers: (k, F)."""
    if init == "k-means++":
        from sklearn.cluster import kmeans_plusplus

        mean = values.mean(axis=0)  # subtracted as in scikit-learn's KMeans, so that equal seeds choose equal rows
        indices: np.ndarray = kmeans_plusplus(values - mean, clusters, random_state=seed)[1]
        return values[indices].copy()
    distinct = np.unique(values, axis=0)
    return distinct[np.random.default_rng(seed).choice(len(distinct), clusters, replace=False)]


def run_lloyd(values: np.ndarray, centers: np.ndarray, max_iter: int) -> list[Iteration]:
    """Alternate assignment and update from ``centers`` (k, F) until no example changes its cluster.

    An empty cluster takes the example that is farthest from its own center, as in scikit-learn; a cluster that loses
    its only example in that way keeps its center.
    """
    iterations: list[Iteration] = []
    before = np.full(len(values), -1)
    while len(iterations) < max_iter:
        # Assignment: with the centers fixed, no other choice makes the inertia smaller.
        labels, distances = assign_clusters(values, centers)
        owners = labels.copy()
        empty = np.setdiff1d(np.arange(len(centers)), labels)
        owners[np.argsort(-distances, kind="stable")[: len(empty)]] = empty
        # Update: with the assignment fixed, the mean is the point of least squared distance to a cluster. So neither
        # half raises the inertia, and since there are finitely many assignments, the loop ends.
        updated = np.array([values[owners == i].mean(axis=0) if i in owners else old for i, old in enumerate(centers)])
        n_reassigned = int((labels != before).sum())
        iterations.append(Iteration(centers, labels, updated, float(distances.sum()), n_reassigned))
        if not n_reassigned:
            break
        centers, before = updated, labels
    return iterations


def assign_clusters(values: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest of ``centers`` (k, F) to each of ``values`` (N, F), and the squared distance: (N,), (N,)."""
    distances = np.stack([((values - center) ** 2).sum(axis=1) for center in centers], axis=1)  # (N, k)
    labels = distances.argmin(axis=1)
    return labels, distances[np.arange(len(values)), labels]
