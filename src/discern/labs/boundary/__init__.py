"""Decision boundaries: the same points divided by several classifiers, and by a network epoch after epoch."""

from discern.labs.boundary.lab import Boundary, run

__all__ = ["Boundary", "run"]
