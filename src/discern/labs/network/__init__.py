"""A network in shapes and counts, and one of its convolutions written out as a matrix."""

from discern.labs.network.lab import NetworkLab, run

__all__ = ["NetworkLab", "run"]
