"""Finished runs side by side."""

from discern.runs.compare import compare as compare
