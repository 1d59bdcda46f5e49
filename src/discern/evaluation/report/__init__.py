"""A run's report: one HTML page, made from the run directory alone."""
