"""Batch, layer, instance and group normalization: which values share a mean, and what becomes of them."""

from discern.labs.normalization.lab import Normalization, run

__all__ = ["Normalization", "run"]
