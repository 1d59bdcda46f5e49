"""The smallest classifier: one number, one threshold; from an expert, from the eye, or learned."""

from discern.labs.threshold.lab import Threshold, run

__all__ = ["Threshold", "run"]
