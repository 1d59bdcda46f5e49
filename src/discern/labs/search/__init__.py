"""Heuristic search algorithms compared on four functions and a tour, with the same seeds and the same budget."""

from discern.labs.search.lab import SearchRace, run

__all__ = ["SearchRace", "run"]
