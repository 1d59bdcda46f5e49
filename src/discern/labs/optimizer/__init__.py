"""A race of optimizers from one start: every gradient, every moment, every step."""

from discern.labs.optimizer.lab import Race, run

__all__ = ["Race", "run"]
