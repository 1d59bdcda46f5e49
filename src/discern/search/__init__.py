"""Searches that need values alone: seven heuristics and random search behind one ask and tell.

A `Space` says where to look, a `Search` what to look at next, `race` which algorithm gets there first.
"""

from discern.search.algorithms import ALGORITHMS, Algorithm
from discern.search.ask_tell import Search
from discern.search.race import Race, race
from discern.search.space import Choice, Float, Int, Permutation, Points, Space

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Choice",
    "Float",
    "Int",
    "Permutation",
    "Points",
    "Race",
    "Search",
    "Space",
    "race",
]
