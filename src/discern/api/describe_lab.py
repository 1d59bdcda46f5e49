"""The topic and the options of one lab."""

from discern.labs.catalog import describe_lab as describe_lab
