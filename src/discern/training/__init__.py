"""From a network and decoded pixels to trained weights: config, recipes, the loop, checkpoints."""
