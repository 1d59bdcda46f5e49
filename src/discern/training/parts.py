"""A step's batch in parts, where all of it at once would not fit in memory: gradients add up over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from discern.preprocess.augment import Targets
from discern.training.losses import mass


class Part(NamedTuple):
    """Some of the pictures of a step."""

    x: Tensor  # (n, ...)
    targets: Targets
    share: Tensor | float  # of the mean loss over the step: what the mean over this part counts for
    last: bool  # whether the gradients are complete after it


def parts(x: Tensor, targets: Targets, number: int, weights: Tensor | None = None) -> Iterator[Part]:
    """``number`` parts of a batch that differ by one picture at most; fewer where a part would have less than two.

    The sum over the parts of share times `discern.training.losses.loss` is the loss of the whole batch.

    Examples
    --------
    >>> import torch
    >>> [(len(part.x), part.share, part.last) for part in parts(torch.zeros(5, 8), Targets(torch.zeros(5)), 2)]
    [(3, 0.6, False), (2, 0.4, True)]
    """
    number = max(1, min(number, len(x) // 2))  # batch normalisation needs two pictures
    if number == 1:
        yield Part(x, targets, 1.0, True)
        return
    whole = mass(targets, weights)
    columns = [(None,) * number if column is None else column.tensor_split(number) for column in targets]
    rows = zip(x.tensor_split(number), *columns, strict=True)
    for i, (pictures, a, b, lam) in enumerate(rows, start=1):
        some = Targets(a, b, lam)
        yield Part(pictures, some, mass(some, weights) / whole, last=i == number)


def apart(answers: Callable[..., tuple[Tensor, ...]], last: bool) -> AbstractContextManager[None]:
    """Inside the block, processes keep their gradients to themselves until the ``last`` part of a step."""
    return nullcontext() if last or not isinstance(answers, DistributedDataParallel) else answers.no_sync()
