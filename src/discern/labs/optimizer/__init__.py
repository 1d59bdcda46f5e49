"""Optimizers compared from one start: every gradient, every moment, every step."""

from discern.labs.optimizer.lab import OptimizerComparison, run

__all__ = ["OptimizerComparison", "run"]
