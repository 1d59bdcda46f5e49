"""Every lab and its topic."""

from discern.labs.catalog import list_labs as list_labs
