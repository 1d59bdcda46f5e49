"""Where images come from: sources, audit, split, decoded pixels, batches."""
