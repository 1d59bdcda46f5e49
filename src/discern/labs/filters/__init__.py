"""The classical filters side by side, on any image, with noise to remove."""

from discern.labs.filters.lab import Filters, run

__all__ = ["Filters", "run"]
