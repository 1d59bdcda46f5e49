"""What happens to a picture before a network sees it: one frozen spec, the same everywhere; and augmentation."""
