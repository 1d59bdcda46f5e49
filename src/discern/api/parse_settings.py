"""Settings as they are typed."""

from discern.settings import parse_settings as parse_settings
