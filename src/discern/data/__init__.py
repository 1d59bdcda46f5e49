"""Where pictures come from: sources, audit, split, decoded pixels, batches."""
