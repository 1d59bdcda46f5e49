"""Looking inside: what in a picture made a network answer as it did. One method, or family of methods, a file."""
