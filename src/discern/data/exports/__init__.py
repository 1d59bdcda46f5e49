"""Exports of labeling tools and hosted services: each is read as it is into the same columns (image, label, split)."""
