"""Activation functions: value, derivative in three ways, and where they saturate."""

from discern.labs.activation.lab import ActivationSteps, run

__all__ = ["ActivationSteps", "run"]
