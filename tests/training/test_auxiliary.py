"""Networks with auxiliary heads learn from all their heads."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from discern.models.registry import build_model
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks
from discern.training.config import make_config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.loop import Trainer
from discern.training.sources import ImageBatches, TrainingData

CPU = torch.device("cpu")
SIDE = 28
SPEC = Preprocess(size=SIDE, mean=(0.5,) * 3, std=(0.3,) * 3)


def test_auxiliary_heads_add_their_share_of_the_loss(tmp_path: Path) -> None:
    """Szegedy et al. 2014, section 5: 0.3 of each; what is reported and predicted is the head's alone."""
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (12, SIDE, SIDE, 3), dtype=np.uint8), random.integers(0, 3, 12)
    data = TrainingData(pixels, labels, np.arange(8), np.arange(8, 12), classes=3)
    network = {"dropout": 0.0, "dropout_auxiliary": 0.0}
    settings = {"optimizer": "gd", "lr": 0.01, "schedule": "constant", "warmup": 0, "weight_decay": 0.0, "epochs": 1}
    settings |= {
        "model": "googlenet",
        "model_args": network,
        "size": SIDE,
        "precision": "fp32",
        "memory_format": "contiguous",
    }
    config = make_config(**settings)
    torch.manual_seed(0)
    model = build_model("googlenet", 3, 3, SIDE, network)
    its = copy.deepcopy(model).train()
    source = ImageBatches(data, config, SPEC, CPU, Ranks())
    trainer = Trainer(model, config, source, tmp_path / "checkpoint", CPU, Ranks(), lambda kind, fields: None)
    x, y = normalize(to_float(torch.from_numpy(pixels[:8])), SPEC), torch.from_numpy(labels[:8])
    with cpu_convolutions(its):
        losses = [cross_entropy(logits, y) for logits in its.forward_train(x)]
    assert len(losses) == 3
    (losses[0] + 0.3 * losses[1] + 0.3 * losses[2]).backward()
    trainer.train()
    for name, parameter in its.named_parameters():
        assert parameter.grad is not None, name
        moved = trainer.model.get_parameter(name) - parameter
        near = 0.005 if "fc" in name else 0.1  # below, normalising maps of 2x2 enlarges what kernels round otherwise
        assert (moved + 0.01 * parameter.grad).norm() <= near * moved.norm() + 1e-6, name
    assert trainer.state.history[0]["train"]["loss"] == pytest.approx(losses[0].item(), rel=1e-4)
