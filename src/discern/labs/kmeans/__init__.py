"""k-means iteration by iteration: assignments, centers, and the inertia that falls."""

from discern.labs.kmeans.lab import Clustering, run

__all__ = ["Clustering", "run"]
