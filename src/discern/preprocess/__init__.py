"""What happens to an image before a network sees it: one frozen spec, the same everywhere; and augmentation."""
