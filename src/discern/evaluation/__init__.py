"""Metrics from predictions made once, and the report that shows them."""
