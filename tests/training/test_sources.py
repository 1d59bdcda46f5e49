from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from discern.preprocess.augment import augment
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, make_generator
from discern.training.config import make_config
from discern.training.sources import FeatureBatches, ImageBatches, TrainingData, alternate_flips, step_size

CPU = torch.device("cpu")
ALONE = Ranks()
TRAIN, VALIDATION, SIDE = 10, 300, 8
SPEC = Preprocess(size=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.3))
CONFIG = make_config(batch_size=4, flip=True, translate=0.2, seed=3)


@pytest.fixture
def data() -> TrainingData:
    random = np.random.default_rng(0)
    n = TRAIN + VALIDATION
    order = random.permutation(n)
    pixels = random.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    return TrainingData(pixels, random.integers(0, 3, n), np.sort(order[:TRAIN]), np.sort(order[TRAIN:]), 3)


def test_a_image_is_mirrored_in_every_second_epoch() -> None:
    rows = torch.arange(4000)
    first, second, third = (alternate_flips(rows, 5, epoch) for epoch in range(3))
    assert torch.equal(first, ~second) and torch.equal(first, third)
    assert 0.45 < first.float().mean() < 0.55
    assert 0.45 < (first == alternate_flips(rows, 6, 0)).float().mean() < 0.55
    assert torch.equal(alternate_flips(rows[100:103], 5, 0), first[100:103])  # whatever the batch


def test_some_inputs_are_the_first_of_the_first_epoch(data: TrainingData) -> None:
    source = ImageBatches(data, CONFIG, SPEC, CPU, ALONE)
    batches = [x for x, _targets in source.epoch(0)]
    assert torch.equal(source.first_n(5), torch.cat(batches[:2]))
    assert len(source.first_n(1000)) == TRAIN
    assert not len(source.first_n(0))


def features_of(data: TrainingData, passes: int) -> np.ndarray:
    """A row for each pass over each image that tells them: (pass, place in ``pixels``)."""
    parts = [(0, data.train), (0, data.validation), *((turn, data.train) for turn in range(1, passes + 1))]
    rows = [np.stack([np.full(len(places), turn), places], axis=1) for turn, places in parts]
    return np.concatenate(rows).astype(np.float32)


def test_images_are_augmented_by_epoch_and_step_and_normalised(data: TrainingData) -> None:
    source = ImageBatches(data, CONFIG, SPEC, CPU, ALONE)
    batches = list(source.epoch(2))
    assert [len(x) for x, _targets in batches] == [4, 3, 3]
    for step, (x, targets) in enumerate(batches):
        rows = source.batches.order(2)[step]
        pixels, labels = source.batches.take(rows)
        random, mirrored = make_generator(3, "augment", 2, step, 0), alternate_flips(rows, 3, 2)
        wanted, _targets = augment(pixels, labels, CONFIG.augmentation, random, mirrored)
        assert torch.equal(x, normalize(wanted, SPEC))
        assert torch.equal(targets.a, labels)


def test_an_epoch_begun_in_the_middle_goes_on_as_it_would_have(data: TrainingData) -> None:
    for source in (
        ImageBatches(data, CONFIG, SPEC, CPU, ALONE),
        FeatureBatches(data, CONFIG, features_of(data, passes=2), CPU, ALONE),
    ):
        whole, rest = list(source.epoch(1)), list(source.epoch(1, start=1))
        assert len(rest) == len(whole) - 1 == 2
        for (x, targets), (y, others) in zip(whole[1:], rest, strict=True):
            assert torch.equal(x, y) and torch.equal(targets.a, others.a)


def test_validation_sees_each_image_once_and_as_it_is(data: TrainingData) -> None:
    source = ImageBatches(data, CONFIG, SPEC, CPU, ALONE)
    batches = list(source.validation())
    assert [len(x) for x, _labels in batches] == [256, VALIDATION - 256]
    pixels = torch.from_numpy(data.pixels[data.validation])
    assert torch.equal(torch.cat([x for x, _labels in batches]), normalize(to_float(pixels), SPEC))
    assert torch.equal(torch.cat([labels for _x, labels in batches]), torch.from_numpy(data.labels[data.validation]))


@pytest.mark.parametrize("passes", [0, 1, 3])
@pytest.mark.parametrize("mapped", [False, True], ids=["in memory", "mapped"])
def test_each_epoch_takes_the_next_pass_over_the_features(
    data: TrainingData, passes: int, mapped: bool, tmp_path: Path
) -> None:
    values = features_of(data, passes)
    if mapped:
        np.save(tmp_path / "features.npy", values)
        values = np.load(tmp_path / "features.npy", mmap_mode="r")
    source = FeatureBatches(data, CONFIG, values, CPU, ALONE)
    assert source.passes == 1 + passes
    for epoch in range(2 * source.passes):
        batches = list(source.epoch(epoch))
        assert len(batches) == source.batches.steps == 3
        x, labels = torch.cat([x for x, _targets in batches]), torch.cat([targets.a for _x, targets in batches])
        assert set(x[:, 0].tolist()) == {epoch % source.passes}
        assert sorted(x[:, 1].tolist()) == data.train.tolist()
        assert labels.tolist() == data.labels[x[:, 1].long().numpy()].tolist()
    batches_before, batches_after = (source.batches.order(epoch) for epoch in (0, 1))
    assert not torch.equal(batches_before[0], batches_after[0])


def test_features_validate_on_the_plain_pass(data: TrainingData) -> None:
    source = FeatureBatches(data, CONFIG, features_of(data, passes=2), CPU, ALONE)
    batches = list(source.validation())
    x, labels = torch.cat([x for x, _labels in batches]), torch.cat([labels for _x, labels in batches])
    assert x[:, 0].eq(0).all()
    assert x[:, 1].tolist() == data.validation.tolist()
    assert labels.tolist() == data.labels[data.validation].tolist()


def test_processes_share_every_step_and_the_validation_part(data: TrainingData) -> None:
    values = features_of(data, passes=1)
    parts = [FeatureBatches(data, CONFIG, values, CPU, Ranks(rank, 2)) for rank in (0, 1)]
    whole = FeatureBatches(data, CONFIG, values, CPU, ALONE)
    assert {part.batches.steps for part in parts} == {whole.batches.steps - 1}  # each process needs two images a step
    trained = torch.cat([x[:, 1] for part in parts for x, _targets in part.epoch(0)])
    assert sorted(trained.tolist()) == data.train.tolist()
    validated = torch.cat([x[:, 1] for part in parts for x, _labels in part.validation()])
    assert sorted(validated.tolist()) == data.validation.tolist()


def test_plain_gradient_descent_takes_all_of_them(data: TrainingData) -> None:
    assert (step_size(make_config(batch_size=4), 10), step_size(make_config(batch_size=4, optimizer="gd"), 10)) == (
        4,
        10,
    )
    assert (
        FeatureBatches(data, make_config(batch_size=4, optimizer="gd"), features_of(data, 0), CPU, ALONE).batches.steps
        == 1
    )
