"""Looking inside: what in an image made a network answer as it did. One method, or family of methods, a file."""
