"""The classifier: a bundle on disk, images in, probabilities out."""
