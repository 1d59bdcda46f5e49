"""Several looks at a picture."""

from __future__ import annotations

import pytest
import torch

from discern.classifier.predictor import NetworkPredictor, looks
from discern.models.table import build
from discern.preprocess.spec import Preprocess

VIEWS = [(), ("mirror",), ("shift",), ("mirror", "shift")]


@pytest.mark.parametrize("views", VIEWS)
def test_looks_count_for_one_together(views: tuple[str, ...]) -> None:
    x = torch.randn(2, 3, 6, 6)
    seen = looks(x, views)
    assert sum(share for _view, share in seen) == 1
    assert len(seen) == (2 if "mirror" in views else 1) * (3 if "shift" in views else 1)
    assert torch.equal(seen[0][0], x)
    assert all(view.shape == x.shape for view, _share in seen)


def test_a_shifted_look_is_the_picture_moved_by_a_pixel() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    moved = looks(x, ("shift",))[1][0]
    assert torch.equal(moved[0, 0, 1:, 1:], x[0, 0, :3, :3])


def test_a_mirrored_picture_gets_the_same_answer() -> None:
    torch.manual_seed(0)
    predictor = NetworkPredictor(
        build("lenet", 10, 1, 28), Preprocess(size=28, channels=1), torch.device("cpu"), ("mirror",)
    )
    pixels = torch.randint(0, 256, (3, 28, 28, 1), dtype=torch.uint8).numpy()
    torch.testing.assert_close(predictor.logits(pixels), predictor.logits(pixels[:, :, ::-1].copy()))
