"""K-means as a classifier: clusters are found without labels, then named after the training examples in them."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans


class ClusterClassifier(ClassifierMixin, BaseEstimator):
    """Lloyd's k-means; the probabilities of an example are the class fractions of its cluster.

    Source: S. Lloyd, "Least squares quantization in PCM", 1982 (written 1957); started as k-means++ does.

    ``n_clusters`` may exceed the number of examples, ``seed`` decides the starting points.

    Examples
    --------
    >>> x, y = np.array([[0.0], [0.1], [5.0], [5.1]]), np.array([3, 3, 7, 7])
    >>> ClusterClassifier(2).fit(x, y).predict([[0.2], [4.0]])
    array([3, 7])
    """

    def __init__(self, n_clusters: int = 8, seed: int = 0) -> None:
        self.n_clusters = n_clusters
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> ClusterClassifier:
        """Find clusters in ``x`` (N, F), then count the labels ``y`` (N,) in each."""
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.kmeans_ = KMeans(min(self.n_clusters, len(x)), n_init=4, random_state=self.seed)
        counts = np.zeros((self.kmeans_.n_clusters, len(self.classes_)))
        np.add.at(counts, (self.kmeans_.fit_predict(x), labels), 1)
        counts[counts.sum(axis=1) == 0] = 1  # an empty cluster tells nothing: all classes are equal
        self.fractions_ = counts / counts.sum(axis=1, keepdims=True)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the class fractions of each example's cluster. (N, F) -> (N, classes)"""
        return self.fractions_[self.kmeans_.predict(x)]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the most frequent class of each example's cluster. (N, F) -> (N,)"""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]
