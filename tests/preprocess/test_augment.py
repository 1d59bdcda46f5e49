from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from discern.preprocess.augment import Augmentation, augment, find_flip_exclusion, suggest_augmentation
from discern.preprocess.normalize import to_float

KINDS = [
    Augmentation(flip=True),
    Augmentation(translate=0.25),
    Augmentation(rotation=20),
    Augmentation(zoom=0.3),
    Augmentation(color_jitter=0.4),
    Augmentation(random_erasing=1.0),
    Augmentation(mixup=1.0),
    Augmentation(cutmix=1.0),
    Augmentation(
        flip=True, translate=0.1, rotation=10, zoom=0.1, color_jitter=0.2, random_erasing=0.5, mixup=0.2, cutmix=1.0
    ),
]


def batch(n: int = 16, side: int = 12, channels: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random images uint8 (N, H, W, C), each of another class."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (n, side, side, channels), dtype=np.uint8)
    return torch.from_numpy(pixels), torch.arange(n)


def at(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_nothing_asked_for_changes_nothing() -> None:
    pixels, labels = batch()
    x, targets = augment(pixels, labels, Augmentation(), at(0))
    assert torch.equal(x, to_float(pixels))
    assert torch.equal(targets.a, labels)
    assert targets.b is None
    assert targets.lam is None


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_keeps_shape_range_and_its_input(kind: Augmentation, channels: int) -> None:
    pixels, labels = batch(channels=channels)
    before = pixels.clone()
    x, targets = augment(pixels, labels, kind, at(0))
    assert x.shape == (16, channels, 12, 12)
    assert x.dtype == torch.float32
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal(pixels, before)
    assert torch.equal(targets.a, labels)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_same_state_gives_the_same_batch_and_another_does_not(kind: Augmentation) -> None:
    pixels, labels = batch()
    one, same, other = (augment(pixels, labels, kind, at(seed)) for seed in (3, 3, 4))
    assert torch.equal(one[0], same[0])
    assert not torch.equal(one[0], other[0])
    if one[1].lam is not None:
        assert torch.equal(one[1].lam, same[1].lam)
        assert torch.equal(one[1].b, same[1].b)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_image_draws_for_itself(kind: Augmentation) -> None:
    pixels = batch(1)[0].expand(16, -1, -1, -1).contiguous()
    pixels[8:] = 255 - pixels[8:]  # so that mixing shows
    x, _targets = augment(pixels, torch.arange(16), kind, at(1))
    assert len({tuple(image.flatten().tolist()) for image in x[:8]}) > 1


@given(st.integers(0, 1000))
def test_flip_is_exact_and_half_of_the_time(seed: int) -> None:
    pixels, labels = batch(64, side=5, seed=seed)
    x, _targets = augment(pixels, labels, Augmentation(flip=True), at(seed))
    plain = to_float(pixels)
    flipped = torch.tensor([torch.equal(a, b.flip(-1)) for a, b in zip(x, plain, strict=True)])
    kept = torch.tensor([torch.equal(a, b) for a, b in zip(x, plain, strict=True)])
    assert (flipped ^ kept).all()
    assert 10 <= flipped.sum() <= 54  # 64 fair coins leave this range once in 10^8


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(6, 12), st.floats(0.1, 0.5))
def test_shift_is_a_crop_of_the_reflected_image(seed: int, side: int, shift: float) -> None:
    pixels, labels = batch(6, side, seed=seed)
    x, _targets = augment(pixels, labels, Augmentation(translate=shift), at(seed))
    reach = int(shift * side)
    for seen, image in zip(x, pixels.numpy(), strict=True):
        padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
        crops = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))  # (Y, X, C, H, W)
        same = (crops == np.rint(seen.numpy() * 255)).all(axis=(2, 3, 4))
        assert same.sum() == 1


def test_every_shift_comes_up() -> None:
    column = torch.arange(8, dtype=torch.uint8)[None, None, :, None].expand(400, 8, 8, 1).contiguous()
    x, _targets = augment(column, torch.zeros(400, dtype=torch.long), Augmentation(translate=0.25), at(0))
    firsts = (x[:, 0, 0, :2] * 255).round().int().tolist()
    assert {tuple(first) for first in firsts} == {(2, 1), (1, 0), (0, 1), (1, 2), (2, 3)}  # 2 pixels both ways


@pytest.mark.parametrize("side", [(12, 12), (7, 20)], ids=str)
def test_warping_is_torchs_affine_grid_of_the_same_draws(side: tuple[int, int]) -> None:
    n, kind = 9, Augmentation(flip=True, translate=0.1, rotation=30, zoom=0.3)
    pixels = torch.randint(0, 256, (n, *side, 3), generator=at(0)).to(torch.uint8)
    mirrored = torch.arange(n) % 2 == 0
    x, _targets = augment(pixels, torch.arange(n), kind, at(5), mirrored)
    random = at(5)
    angle = (torch.rand(n, generator=random) * 60 - 30).deg2rad()
    scale = 1 / (torch.rand(n, generator=random) * 0.6 + 0.7)
    move = torch.rand(n, 2, generator=random) * 0.4 - 0.2
    cos, sin, sign = angle.cos() * scale, angle.sin() * scale, torch.where(mirrored, -1.0, 1.0)
    theta = torch.stack([sign * cos, -sin, move[:, 0], sign * sin, cos, move[:, 1]], dim=1).view(n, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, [n, 3, *side], align_corners=False)
    wanted = torch.nn.functional.grid_sample(to_float(pixels), grid, padding_mode="reflection", align_corners=False)
    assert torch.allclose(x, wanted, atol=1e-4)


def test_rotation_turns_about_the_middle() -> None:
    pixels, labels = batch(40, side=7)
    x, _targets = augment(pixels, labels, Augmentation(rotation=180), at(0))
    plain = to_float(pixels)
    middle = x[:, :, 3, 3] - plain[:, :, 3, 3]
    assert middle.abs().max() < 1e-4  # whatever the angle, the middle stays
    assert not torch.allclose(x, plain, atol=0.1)


def test_zoom_leaves_the_middle_and_grows_both_ways() -> None:
    disc = torch.zeros(64, 33, 33, 1, dtype=torch.uint8)
    rows, columns = torch.meshgrid(torch.arange(33) - 16, torch.arange(33) - 16, indexing="ij")
    disc[:, (rows**2 + columns**2 < 64), :] = 255
    x, _targets = augment(disc, torch.zeros(64, dtype=torch.long), Augmentation(zoom=0.3), at(0))
    area = x.sum(dim=(1, 2, 3)) / (disc[0] / 255).sum()
    assert 0.45 < area.min() < 0.75
    assert 1.3 < area.max() < 1.75
    assert (x[:, 0, 16, 16] == 1).all()


@pytest.mark.parametrize("amount", [0.1, 0.5])
def test_jitter_of_a_flat_image_is_bounded(amount: float) -> None:
    pixels = torch.full((200, 4, 4, 3), 100, dtype=torch.uint8)
    x, _targets = augment(pixels, torch.zeros(200, dtype=torch.long), Augmentation(color_jitter=amount), at(0))
    factor = x.amax(dim=(1, 2, 3)) / (100 / 255)
    assert (1 - amount - 1e-5 <= factor).all()
    assert (factor <= 1 + amount + 1e-5).all()
    assert factor.max() - factor.min() > amount


def test_jitter_keeps_grey_grey() -> None:
    grey = batch(channels=1)[0].expand(-1, -1, -1, 3)
    x, _targets = augment(grey, torch.arange(16), Augmentation(color_jitter=0.5), at(0))
    assert torch.allclose(x[:, 0], x[:, 2], atol=1e-6)


def test_erasing_hides_one_rectangle_with_the_mean() -> None:
    pixels, labels = batch(200, side=20)
    x, _targets = augment(pixels, labels, Augmentation(random_erasing=0.5), at(0))
    plain = to_float(pixels)
    hidden = (x != plain).any(dim=1)  # (N, H, W)
    chosen = hidden.flatten(1).any(dim=1)
    assert 70 <= chosen.sum() <= 130
    for mask, seen, image in zip(hidden[chosen], x[chosen], plain[chosen], strict=True):
        rows, columns = mask.any(dim=1), mask.any(dim=0)
        assert torch.equal(mask, rows[:, None] & columns[None, :])
        assert mask.float().mean() <= 0.35
        assert torch.allclose(seen[:, mask], image.mean(dim=(1, 2))[:, None].expand(-1, int(mask.sum())))


@given(st.integers(0, 1000), st.sampled_from([0.1, 0.4, 1.0, 8.0]))
def test_mixup_blends_images_as_it_blends_labels(seed: int, alpha: float) -> None:
    pixels, labels = batch(8, side=4, seed=seed)
    x, targets = augment(pixels, labels, Augmentation(mixup=alpha), at(seed))
    assert targets.b is not None
    assert targets.lam is not None
    assert sorted(targets.b.tolist()) == labels.tolist()
    assert ((targets.lam >= 0) & (targets.lam <= 1)).all()
    plain, weight = to_float(pixels), targets.lam[:, None, None, None]
    assert torch.allclose(x, plain * weight + plain[targets.b] * (1 - weight), atol=1e-6)


@given(st.integers(0, 1000), st.sampled_from([0.3, 1.0]))
def test_cutmix_weighs_labels_by_the_pixels_that_show(seed: int, alpha: float) -> None:
    side = 10
    pixels = torch.arange(8, dtype=torch.uint8)[:, None, None, None].expand(8, side, side, 1).contiguous()
    x, targets = augment(pixels, torch.arange(8), Augmentation(cutmix=alpha), at(seed))
    assert targets.b is not None
    assert targets.lam is not None
    shown = (x[:, 0] * 255).round().long()  # every pixel tells whose it is
    own = (shown == targets.a[:, None, None]).float().mean(dim=(1, 2))
    theirs = (shown == targets.b[:, None, None]).float().mean(dim=(1, 2))
    different = targets.a != targets.b
    assert torch.allclose(own[different], targets.lam[different], atol=1e-6)
    assert torch.allclose(theirs[different], 1 - targets.lam[different], atol=1e-6)


def test_mixup_weights_follow_the_beta_distribution() -> None:
    pixels = torch.zeros(4000, 1, 1, 1, dtype=torch.uint8)
    _x, targets = augment(pixels, torch.zeros(4000, dtype=torch.long), Augmentation(mixup=0.4), at(0))
    assert targets.lam is not None
    assert targets.lam.mean() == pytest.approx(0.5, abs=0.03)
    assert targets.lam.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), abs=0.01)  # of Beta(a, a)


def test_mixup_and_cutmix_take_turns() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 6, 6, 1).contiguous()
    both = Augmentation(mixup=5.0, cutmix=5.0)
    mixed = [augment(pixels, torch.arange(2), both, at(seed)) for seed in range(40)]
    changed = [x for x, targets in mixed if targets.b is not None and targets.b.tolist() == [1, 0]]
    blends = [bool(((x > 0) & (x < 1)).any()) for x in changed]
    assert True in blends
    assert False in blends


@pytest.mark.parametrize(
    "classes, code",
    [
        (["0", "1", "10"], "preprocess.flip_digits"),
        (["a", "B"], "preprocess.flip_digits"),
        (["turn_left", "turn_right"], "preprocess.flip_left_right"),
        (["Left-Hand", "right-hand"], "preprocess.flip_left_right"),
        (["左手", "右手"], "preprocess.flip_left_right"),
        (["cat", "dog"], None),
        (["leftovers", "fruit"], None),
    ],
)
def test_classes_that_a_flip_would_change(classes: list[str], code: str | None) -> None:
    notice = find_flip_exclusion(classes)
    assert (notice and notice.code) == code
    assert notice is None or notice.text().startswith("Images are not flipped: ")


def test_what_is_suggested() -> None:
    digits, notice = suggest_augmentation(["0", "1"], channels=1, size=28)
    assert not digits.flip
    assert digits.rotation > 0
    assert notice is not None
    small, notice = suggest_augmentation(["cat", "dog"], channels=3, size=32)
    assert (small.flip, small.translate, small.rotation, notice) == (True, 0.125, 0.0, None)
    photo, _notice = suggest_augmentation(["cat", "dog"], channels=3, size=128)
    assert photo.flip
    assert photo.color_jitter > 0


@pytest.mark.parametrize(
    "wrong", [{"translate": 0.6}, {"rotation": -1}, {"zoom": 1.0}, {"random_erasing": 2}, {"blur": 1}]
)
def test_a_wrong_augmentation_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Augmentation.model_validate(wrong)
