"""A data set from disk, or one that comes along."""

from discern.data.open import open_data as open_data
