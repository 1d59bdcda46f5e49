from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from discern.training.ema import update_ema


def walk(model: nn.Module, steps: int) -> list[nn.Module]:
    """Copies of ``model``, its numbers changed at random each time."""
    random, path = torch.Generator().manual_seed(0), []
    for step in range(steps):
        model = copy.deepcopy(model)
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.data = torch.randn(tensor.shape, generator=random) if tensor.is_floating_point() else tensor + step
        path.append(model)
    return path


def test_it_averages_as_torch_does() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    ours, theirs = AveragedModel(model), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True)
    for later in walk(model, 4):
        update_ema(ours, later, decay=0.8)
        theirs.update_parameters(later)
    assert int(ours.n_averaged) == int(theirs.n_averaged) == 4
    found, wanted = ours.module.state_dict(), theirs.module.state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        if tensor.is_floating_point():
            assert torch.equal(found[name], tensor), name


def test_a_count_is_that_of_the_network() -> None:
    model = nn.BatchNorm2d(2)
    average = AveragedModel(model)
    for _step in range(3):
        model(torch.randn(4, 2, 5, 5))
        update_ema(average, model, decay=0.9)
    assert int(average.module.get_buffer("num_batches_tracked")) == 3
