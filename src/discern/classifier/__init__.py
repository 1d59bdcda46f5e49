"""The classifier: a bundle on disk, pictures in, probabilities out."""
