"""Principal component analysis as the lecture defines it, with every step of the power iteration."""

from discern.labs.pca.lab import Decomposition, run

__all__ = ["Decomposition", "run"]
