from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.errors import ConfigError, ModelError
from discern.training.config import Config
from discern.training.recipes import FAST, Subject, check, complete, held_back, is_fast
from discern.training.transfer import HEAD, phases

CATS = Subject({"cat": 500, "dog": 500}, side=32, grey=False, device="cpu")
PHOTOS = Subject({"ants": 120, "bees": 120}, side=400, grey=False, device="cpu")
DIGITS = Subject({str(digit): 150 for digit in range(10)}, side=8, grey=True, device="cpu")
SUBJECTS = st.builds(
    Subject,
    counts=st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), min_size=2, max_size=5),
    side=st.integers(1, 5000),
    grey=st.booleans(),
    device=st.sampled_from(["cpu", "cuda", "mps"]),
)
MODELS = st.sampled_from(
    ["auto", "mlp-course", "feed-forward", "lenet", "resnet18-narrow", "mobilenet-0.25", "fastnet"]
)


@settings(max_examples=40, deadline=None)
@given(SUBJECTS, MODELS, st.sampled_from(["auto", "lecture"]))
def test_every_subject_gets_a_whole_config(subject: Subject, model: str, recipe: str) -> None:
    config, notes = complete({"model": model, "recipe": recipe}, subject)
    assert config.model != "auto"
    assert 2 <= config.epochs <= 150
    assert config.channels == (3 if recipe == "lecture" and model == "mlp-course" else 1 if subject.grey else 3)
    assert all(note.endswith(".") for note in notes)
    again, _notes = complete(config.model_dump(), subject)
    assert again == config  # a config that is whole stays as it is


@pytest.mark.parametrize(
    "asked",
    [
        {"epochs": 3},
        {"lr": 0.5, "optimizer": "rmsprop"},
        {"size": 64, "channels": 1},
        {"batch": 7, "flip": False, "shift": 0.0},
        {"schedule": "step", "warmup": 0.0},
        {"model": "resnet18", "seed": 9, "class_weights": False},
        {"recipe": "lecture", "model": "mlp-course", "lr": 0.5, "epochs": 2, "size": 32},
    ],
)
@pytest.mark.parametrize("subject", [CATS, PHOTOS, DIGITS], ids=["cats", "photos", "digits"])
def test_what_is_asked_for_wins(asked: dict[str, Any], subject: Subject) -> None:
    config, _notes = complete(asked, subject)
    assert {name: getattr(config, name) for name in asked} == asked


def test_values_may_come_as_words() -> None:
    config, _notes = complete({"size": "32", "epochs": "4"}, CATS)
    assert (config.size, config.epochs) == (32, 4)


def test_the_networks_settings_reach_it() -> None:
    config, _notes = complete({"model": "resnet18-narrow", "width": 0.25}, CATS)
    assert config.network == {"width": 0.25}
    lecture, _notes = complete({"model": "resnet18-narrow", "width": 0.25, "recipe": "lecture"}, CATS)
    assert lecture.network == {"stem": "imagenet", "width": 0.25}


@pytest.mark.parametrize("model", ["mlp-course", "cnn-course"])
def test_the_lectures_fruit(model: str) -> None:
    """SYLLABUS section 1: 28x28 in colour, Adam at 0.01, 30 pictures a step, 100 epochs, nothing else."""
    config, notes = complete({"model": model, "recipe": "lecture"}, PHOTOS)
    wanted = {"size": 28, "channels": 3, "resize": "stretch", "optimizer": "adam", "lr": 0.01, "batch": 30}
    wanted |= {"epochs": 100, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "augment": False}
    assert {name: getattr(config, name) for name in wanted} == wanted
    assert notes == ()


def test_the_lectures_narrow_resnet() -> None:
    """SYLLABUS section 1: 150 epochs, and the 7x7 stem on 32x32 pictures."""
    config, _notes = complete({"model": "resnet18-narrow", "recipe": "lecture"}, CATS)
    assert (config.epochs, config.network, config.size) == (150, {"stem": "imagenet"}, 32)


@pytest.mark.parametrize(
    "subject, model, size",
    [
        (CATS, "cnn-course", 32),
        (DIGITS, "cnn-course", 28),
        (PHOTOS, "resnet18", 128),
        (Subject(CATS.counts, 32, False, "cuda"), "resnet18", 32),
        (Subject(CATS.counts, 400, False, "cuda"), "resnet18", 224),
        (Subject(CATS.counts, 100, False, "cpu"), "resnet18", 100),
    ],
)
def test_the_network_and_the_size_follow_pictures_and_machine(subject: Subject, model: str, size: int) -> None:
    config, _notes = complete({}, subject)
    assert (config.model, config.size) == (model, size)


def test_digits_are_not_mirrored_and_it_says_why() -> None:
    config, notes = complete({}, DIGITS)
    assert not config.flip
    assert config.rotation > 0
    assert ["not mirrored" in note for note in notes] == [True]
    assert complete({"augment": False}, DIGITS)[1] == ()
    assert complete({"flip": True}, DIGITS)[0].flip
    assert complete({}, CATS)[0].flip


def test_unbalanced_classes_are_weighed_and_it_says_so() -> None:
    uneven = Subject({"cat": 900, "dog": 100}, 32, False, "cpu")
    config, notes = complete({}, uneven)
    assert config.class_weights
    assert any("900 to 100" in note for note in notes)
    config, notes = complete({"class_weights": False}, uneven)
    assert not config.class_weights
    assert notes == ()
    assert not complete({}, CATS)[0].class_weights


def test_few_pictures_are_seen_more_often() -> None:
    sizes = (100, 1_000, 10_000, 50_000, 1_000_000)
    configs = [complete({}, Subject({"cat": n // 2, "dog": n // 2}, 32, False, "cpu"))[0] for n in sizes]
    epochs, batches = [c.epochs for c in configs], [c.batch for c in configs]
    assert epochs == sorted(epochs, reverse=True)
    assert batches == sorted(batches)
    assert epochs[3] == 20


@pytest.mark.parametrize("model, optimizer", [("resnet18", "sgd"), ("lenet", "adamw"), ("mlp-course", "adamw")])
def test_sgd_needs_batch_normalisation(model: str, optimizer: str) -> None:
    assert complete({"model": model}, CATS)[0].optimizer == optimizer


@pytest.mark.parametrize(
    "asked, error, sentence",
    [
        ({"model": "resnet81"}, ModelError, "no model called resnet81.*resnet18"),
        ({"model": 5}, ConfigError, "model=5 is not allowed: a word"),
        ({"epochs": 0}, ConfigError, "epochs=0 is not allowed: 1 or more"),
        ({"epoch": 3}, ConfigError, "no setting 'epoch'. Did you mean epochs"),
        ({"model": "lenet", "width": 0.5}, ConfigError, "no setting 'width'"),
        ({"recipe": "lectures"}, ConfigError, "recipe=lectures is not allowed: one of auto, lecture"),
    ],
)
def test_what_is_wrong_is_refused_before_any_picture_is_read(
    asked: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        check(asked)
    with pytest.raises(error, match=sentence):
        complete(asked, CATS)


def test_checking_fills_in_nothing() -> None:
    assert check({"epochs": 3}) == Config(epochs=3)
    assert check({"width": 0.5}).network == {"width": 0.5}


IMAGENET: dict[str, Any] = {"model": "mobilenet-0.25", "channels": 3, "mean": (0.5,) * 3, "std": (0.5,) * 3}
IMAGENET |= {"interpolation": "bilinear", "network": {"stem": "imagenet"}}


def with_weights(subject: Subject, **more: Any) -> Subject:
    return replace(subject, start={**IMAGENET, **more})


def test_what_weights_ask_for_is_what_the_run_has() -> None:
    config, _notes = complete({}, with_weights(DIGITS))
    assert {name: getattr(config, name) for name in IMAGENET} == IMAGENET
    config, _notes = complete({"mean": (0.1,) * 3, "std": (0.2,) * 3, "stem": "small"}, with_weights(DIGITS))
    assert (config.mean, config.network) == ((0.1,) * 3, {"stem": "small"})
    with pytest.raises(ConfigError, match="channels=1 does not go with these weights, which take 3"):
        complete({"channels": 1}, with_weights(DIGITS))


def test_without_a_gpu_the_head_is_trained_on_features() -> None:
    config, notes = complete({}, with_weights(PHOTOS))
    assert {name: getattr(config, name) for name in HEAD} == HEAD
    assert (config.tune, config.epochs, config.early_rate) == ("head", 50, 1.0)
    assert (config.rotation, config.zoom, config.jitter) == (0, 0, 0)
    assert config.flip and config.shift > 0
    assert notes == ()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_goes_on_with_everything(device: str) -> None:
    subject = with_weights(replace(PHOTOS, device=device))
    config, _notes = complete({}, subject)
    scratch, _notes = complete({"model": "mobilenet-0.25"}, replace(subject, start={}))
    assert config.tune == "head+all"
    assert config.lr == pytest.approx(scratch.lr / 10, abs=1e-5)
    assert config.epochs == scratch.epochs // 3
    assert config.early_rate == 0.1
    assert (config.optimizer, config.schedule, config.precision) == ("sgd", "cosine", "auto")
    assert config.rotation > 0
    head, everything = phases(config)
    assert (head.tune, head.epochs, head.lr, head.early_rate) == ("head", config.head_epochs, HEAD["lr"], 1.0)
    assert everything == config.model_copy(update={"tune": "all"})


def test_what_is_asked_for_wins_with_weights_as_well() -> None:
    asked = {"tune": "all", "epochs": 2, "lr": 0.5, "size": 64, "early_rate": 1.0, "flip": False, "precision": "bf16"}
    config, _notes = complete(asked, with_weights(PHOTOS))
    assert {name: getattr(config, name) for name in asked} == asked
    config, _notes = complete({"tune": "head", "epochs": 7, "optimizer": "sgd"}, with_weights(PHOTOS))
    assert (config.epochs, config.optimizer, config.lr) == (7, "sgd", HEAD["lr"])


@pytest.mark.parametrize(
    "side, tune, start, size",
    [
        (400, "head", {}, 288),
        (400, "head+all", {}, 224),
        (400, "all", {}, 224),
        (250, "head", {}, 250),
        (250, "all", {}, 224),
        (28, "head", {}, 96),
        (28, "head+all", {}, 96),
        (400, "head", {"size": 28}, 28),  # a run's own
        (28, "all", {"size": 224}, 224),
    ],
)
def test_the_size_with_weights(side: int, tune: str, start: dict[str, int], size: int) -> None:
    config, _notes = complete({"tune": tune}, with_weights(replace(PHOTOS, side=side), **start))
    assert config.size == size


def test_the_lectures_recipe_keeps_its_own_way_with_weights() -> None:
    config, _notes = complete({"recipe": "lecture"}, with_weights(PHOTOS))
    assert (config.model, config.tune, config.optimizer, config.augment) == ("mobilenet-0.25", "all", "adam", False)
    own = {"model": "resnet18-narrow", "size": 40, "network": {"stem": "small"}}
    config, _notes = complete({"recipe": "lecture"}, with_weights(PHOTOS, **own))
    assert {name: getattr(config, name) for name in own} == own


def test_a_size_asked_for_is_what_the_network_is_tried_with() -> None:
    """Pictures of 8 pixels are too small for some networks, but not when a size says otherwise."""
    config, _notes = complete({"model": "torchvision:inception_v3", "size": 128}, DIGITS)
    assert config.size == 128


@settings(max_examples=40, deadline=None)
@given(SUBJECTS)
def test_the_fast_recipe_fits_every_subject(subject: Subject) -> None:
    config, _notes = complete({"recipe": "fast"}, subject)
    assert (config.model, config.optimizer, config.schedule) == (FAST, "muon", "triangular")
    assert 28 <= config.size <= 64
    assert ("mirror" in config.views) == config.flip
    again, _notes = complete(config.model_dump(), subject)
    assert again == config


def test_the_fast_recipe_is_that_of_its_network() -> None:
    named, _notes = complete({"model": FAST}, CATS)
    asked, _notes = complete({"recipe": "fast"}, CATS)
    assert named == asked.model_copy(update={"recipe": "auto"})


@pytest.mark.parametrize(("asked", "what"), [({"model": "lenet"}, "--model"), ({"weights": "official"}, "weights")])
def test_the_fast_recipe_goes_with_nothing_else(asked: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=f"leave {what} out"):
        is_fast({"recipe": "fast", **asked})


def test_few_pictures_take_a_thin_network_and_many_hold_few_back() -> None:
    few, _notes = complete({"recipe": "fast"}, DIGITS)
    many, _notes = complete({"recipe": "fast"}, replace(CATS, counts={"cat": 25_000, "dog": 25_000}))
    assert few.network["width"] < many.network["width"]
    assert held_back({"recipe": "fast"}, 1797) == 0.1 > held_back({"recipe": "fast"}, 50_000)
