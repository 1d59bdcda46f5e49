"""Encoding: a class becomes a number or a column, a person a number by a rule, an image a vector by a network."""

from discern.labs.encode.lab import run

__all__ = ["run"]
