"""Data, weights and a run that several modules start from; each module has its own."""

from tests.run_fixtures import apart, keras_file, large, small, trained

__all__ = ["apart", "keras_file", "large", "small", "trained"]
