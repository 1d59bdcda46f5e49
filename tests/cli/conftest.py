"""Fixtures of the tests of commands."""

from tests.command import command

__all__ = ["command"]
