"""Convolution window by window: sizes, parameters and receptive fields derived; an unknown filter recovered."""

from discern.labs.convolution.lab import Convolution, run

__all__ = ["Convolution", "run"]
