"""Backpropagation through a small network: every value, every local derivative, every gradient as a product."""

from discern.labs.backprop.lab import Backprop, run

__all__ = ["Backprop", "run"]
