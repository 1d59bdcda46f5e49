"""The lectures' mathematics, every step visible.

A lab is a module with one function, ``run``: its annotated parameters are the lab's options, for the command line, for
Python and for pages alike, its defaults a lecture's example. It returns a `Result`: all intermediate values as data,
with tables, a figure and, where something moves, the frames of an animation.
"""
