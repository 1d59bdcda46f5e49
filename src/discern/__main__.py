"""``python -m discern``, for torchrun: ``torchrun --nproc-per-node 2 -m discern train ...``."""

from discern.cli import main

main()
