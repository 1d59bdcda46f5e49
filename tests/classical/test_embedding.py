"""Features of a frozen network: what its head reads, made once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from discern.classical.embedding import MIN_CACHED, BackboneSpec, FrozenBackbone
from discern.files import cache_folder
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess

PIXELS = np.random.default_rng(0).integers(0, 256, (MIN_CACHED, 32, 32, 3), dtype=np.uint8)


def embedding(name: str, seed: int = 0) -> FrozenBackbone:
    spec = Preprocess(size=32, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.2))
    network = BackboneSpec(model=name, model_args={}, preprocess=spec).build()
    torch.manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return FrozenBackbone(BackboneSpec(model=name, model_args={}, preprocess=spec), network)


def test_is_what_the_head_reads() -> None:
    found = embedding("resnet18-narrow")
    x = normalize(to_float(torch.from_numpy(PIXELS)), found.spec.preprocess)
    with torch.inference_mode():
        assert np.allclose(found(PIXELS), found.network.forward_features(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("name", ["squeezenet1.1", "lenet", "mlp-course"])
def test_every_kind_of_head_gives_a_row(name: str) -> None:
    assert embedding(name)(PIXELS[:3]).ndim == 2


def test_the_same_pixels_are_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found, other = embedding("lenet"), embedding("lenet", seed=1)
    first = found(PIXELS)
    assert not np.array_equal(other(PIXELS), first)  # other weights, other features
    assert len(list((cache_folder() / "features").iterdir())) == 2
    monkeypatch.setattr(found.network, "forward_features", None)
    assert np.array_equal(found(PIXELS), first)
    with pytest.raises(TypeError):
        found(PIXELS + np.uint8(1))


def test_a_damaged_file_is_made_again() -> None:
    found = embedding("lenet")
    first = found(PIXELS)
    (path,) = (cache_folder() / "features").iterdir()
    path.write_bytes(path.read_bytes()[:50])
    assert np.array_equal(found(PIXELS), first)
