from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.errors import ConfigError, ModelError
from discern.training.config import make_config
from discern.training.recipes import FAST, DataProfile, is_fast, resolve, validate, validation_fraction
from discern.training.transfer import HEAD_DEFAULTS, plan_phases

CATS = DataProfile({"cat": 500, "dog": 500}, side=32, is_gray=False, device="cpu")
PHOTOS = DataProfile({"ants": 120, "bees": 120}, side=400, is_gray=False, device="cpu")
DIGITS = DataProfile({str(digit): 150 for digit in range(10)}, side=8, is_gray=True, device="cpu")
SUBJECTS = st.builds(
    DataProfile,
    counts=st.dictionaries(st.text(min_size=1), st.integers(1, 10**6), min_size=2, max_size=5),
    side=st.integers(1, 5000),
    is_gray=st.booleans(),
    device=st.sampled_from(["cpu", "cuda", "mps"]),
)
MODELS = st.sampled_from(
    ["auto", "mlp-course", "feed-forward", "lenet", "resnet18-narrow", "mobilenet-0.25", "fastnet"]
)


@settings(max_examples=40, deadline=None)
@given(SUBJECTS, MODELS, st.sampled_from(["auto", "lecture"]))
def test_every_subject_gets_a_whole_config(subject: DataProfile, model: str, recipe: str) -> None:
    config, notes = resolve({"model": model, "recipe": recipe}, subject)
    assert config.model != "auto"
    assert 2 <= config.optim.epochs <= 150
    assert config.preprocess.channels == (
        3 if recipe == "lecture" and model == "mlp-course" else 1 if subject.is_gray else 3
    )
    assert all(note.text().endswith(".") for note in notes)
    again, _notes = resolve(config.flat(), subject)
    assert again == config  # a config that is whole stays as it is


@pytest.mark.parametrize(
    "asked",
    [
        {"epochs": 3},
        {"lr": 0.5, "optimizer": "rmsprop"},
        {"size": 64, "channels": 1},
        {"batch_size": 7, "flip": False, "translate": 0.0},
        {"schedule": "step", "warmup": 0.0},
        {"model": "resnet18", "seed": 9, "class_weights": False},
        {"recipe": "lecture", "model": "mlp-course", "lr": 0.5, "epochs": 2, "size": 32},
    ],
)
@pytest.mark.parametrize("subject", [CATS, PHOTOS, DIGITS], ids=["cats", "photos", "digits"])
def test_what_is_asked_for_wins(asked: dict[str, Any], subject: DataProfile) -> None:
    config, _notes = resolve(asked, subject)
    assert {name: config.flat()[name] for name in asked} == asked


def test_values_may_come_as_words() -> None:
    config, _notes = resolve({"size": "32", "epochs": "4"}, CATS)
    assert (config.preprocess.size, config.optim.epochs) == (32, 4)


def test_the_networks_settings_reach_it() -> None:
    config, _notes = resolve({"model": "resnet18-narrow", "width": 0.25}, CATS)
    assert config.model_args == {"width": 0.25}
    lecture, _notes = resolve({"model": "resnet18-narrow", "width": 0.25, "recipe": "lecture"}, CATS)
    assert lecture.model_args == {"stem": "imagenet", "width": 0.25}


@pytest.mark.parametrize("model", ["mlp-course", "cnn-course"])
def test_the_lectures_fruit(model: str) -> None:
    """SYLLABUS section 1: 28x28 in colour, Adam at 0.01, 30 images a step, 100 epochs, nothing else."""
    config, notes = resolve({"model": model, "recipe": "lecture"}, PHOTOS)
    wanted = {"size": 28, "channels": 3, "resize": "stretch", "optimizer": "adam", "lr": 0.01, "batch_size": 30}
    wanted |= {"epochs": 100, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0, "augment": False}
    assert {name: config.flat()[name] for name in wanted} == wanted
    assert notes == ()


def test_the_lectures_narrow_resnet() -> None:
    """SYLLABUS section 1: 150 epochs, and the 7x7 stem on 32x32 images."""
    config, _notes = resolve({"model": "resnet18-narrow", "recipe": "lecture"}, CATS)
    assert (config.optim.epochs, config.model_args, config.preprocess.size) == (150, {"stem": "imagenet"}, 32)


@pytest.mark.parametrize(
    "subject, model, size",
    [
        (CATS, "cnn-course", 32),
        (DIGITS, "cnn-course", 28),
        (PHOTOS, "resnet18", 128),
        (DataProfile(CATS.counts, 32, False, "cuda"), "resnet18", 32),
        (DataProfile(CATS.counts, 400, False, "cuda"), "resnet18", 224),
        (DataProfile(CATS.counts, 100, False, "cpu"), "resnet18", 100),
    ],
)
def test_the_network_and_the_size_follow_images_and_machine(subject: DataProfile, model: str, size: int) -> None:
    config, _notes = resolve({}, subject)
    assert (config.model, config.preprocess.size) == (model, size)


def test_digits_are_not_mirrored_and_it_says_why() -> None:
    config, notes = resolve({}, DIGITS)
    assert not config.augmentation.flip
    assert config.augmentation.rotation > 0
    assert [note.code for note in notes] == ["preprocess.flip_digits"]
    assert resolve({"augment": False}, DIGITS)[1] == ()
    assert resolve({"flip": True}, DIGITS)[0].augmentation.flip
    assert resolve({}, CATS)[0].augmentation.flip


def test_unbalanced_classes_are_weighed_and_it_says_so() -> None:
    uneven = DataProfile({"cat": 900, "dog": 100}, 32, False, "cpu")
    config, notes = resolve({}, uneven)
    assert config.optim.class_weights
    assert any("900 to 100" in note.text() for note in notes)
    config, notes = resolve({"class_weights": False}, uneven)
    assert not config.optim.class_weights
    assert notes == ()
    assert not resolve({}, CATS)[0].optim.class_weights


def test_few_images_are_seen_more_often() -> None:
    sizes = (100, 1_000, 10_000, 50_000, 1_000_000)
    configs = [resolve({}, DataProfile({"cat": n // 2, "dog": n // 2}, 32, False, "cpu"))[0] for n in sizes]
    epochs, batches = [c.optim.epochs for c in configs], [c.optim.batch_size for c in configs]
    assert epochs == sorted(epochs, reverse=True)
    assert batches == sorted(batches)
    assert epochs[3] == 20


@pytest.mark.parametrize("model, optimizer", [("resnet18", "sgd"), ("lenet", "adamw"), ("mlp-course", "adamw")])
def test_sgd_needs_batch_normalisation(model: str, optimizer: str) -> None:
    assert resolve({"model": model}, CATS)[0].optim.optimizer == optimizer


@pytest.mark.parametrize(
    "asked, error, sentence",
    [
        ({"model": "resnet81"}, ModelError, "resnet81.*resnet18"),
        ({"model": 5}, ConfigError, "model=5 is not allowed: a word"),
        ({"epochs": 0}, ConfigError, "epochs=0 is not allowed: 1 or more"),
        ({"epoch": 3}, ConfigError, r'Unknown setting "epoch" \(did you mean epochs'),
        (
            {"model": "lenet", "width": 0.5},
            ConfigError,
            'lenet has no setting "width"; these models have it: .*mobilenet',
        ),
        ({"recipe": "lectures"}, ConfigError, "recipe=lectures is not allowed: one of auto, lecture"),
    ],
)
def test_what_is_wrong_is_refused_before_any_image_is_read(
    asked: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        validate(asked)
    with pytest.raises(error, match=sentence):
        resolve(asked, CATS)


def test_checking_fills_in_nothing() -> None:
    assert validate({"epochs": 3}) == make_config(epochs=3)
    assert validate({"width": 0.5}).model_args == {"width": 0.5}


IMAGENET: dict[str, Any] = {"model": "mobilenet-0.25", "channels": 3, "mean": (0.5,) * 3, "std": (0.5,) * 3}
IMAGENET |= {"interpolation": "bilinear", "model_args": {"stem": "imagenet"}}


def with_weights(subject: DataProfile, **more: Any) -> DataProfile:
    return replace(subject, start={**IMAGENET, **more})


def test_what_weights_ask_for_is_what_the_run_has() -> None:
    config, _notes = resolve({}, with_weights(DIGITS))
    assert {name: config.flat()[name] for name in IMAGENET} == IMAGENET
    config, _notes = resolve({"mean": (0.1,) * 3, "std": (0.2,) * 3, "stem": "small"}, with_weights(DIGITS))
    assert (config.preprocess.mean, config.model_args) == ((0.1,) * 3, {"stem": "small"})
    with pytest.raises(ConfigError, match="channels=1 does not fit these weights, which take 3"):
        resolve({"channels": 1}, with_weights(DIGITS))


def test_without_a_gpu_the_head_is_trained_on_features() -> None:
    config, notes = resolve({}, with_weights(PHOTOS))
    assert {name: config.flat()[name] for name in HEAD_DEFAULTS} == HEAD_DEFAULTS
    assert (config.finetune.finetune, config.optim.epochs, config.finetune.first_layer_lr_scale) == ("head", 50, 1.0)
    assert (config.augmentation.rotation, config.augmentation.zoom, config.augmentation.color_jitter) == (0, 0, 0)
    assert config.augmentation.flip and config.augmentation.translate > 0
    assert notes == ()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_gpu_goes_on_with_everything(device: str) -> None:
    subject = with_weights(replace(PHOTOS, device=device))
    config, _notes = resolve({}, subject)
    scratch, _notes = resolve({"model": "mobilenet-0.25"}, replace(subject, start={}))
    assert config.finetune.finetune == "head+all"
    assert config.optim.lr == pytest.approx(scratch.optim.lr / 10, abs=1e-5)
    assert config.optim.epochs == scratch.optim.epochs // 3
    assert config.finetune.first_layer_lr_scale == 0.1
    assert (config.optim.optimizer, config.optim.schedule, config.runtime.precision) == ("sgd", "cosine", "auto")
    assert config.augmentation.rotation > 0
    head, everything = plan_phases(config)
    assert (head.finetune.finetune, head.optim.epochs, head.optim.lr, head.finetune.first_layer_lr_scale) == (
        "head",
        config.finetune.head_epochs,
        HEAD_DEFAULTS["lr"],
        1.0,
    )
    assert everything == config.replace(finetune="all")


def test_what_is_asked_for_wins_with_weights_as_well() -> None:
    asked = {
        "finetune": "all",
        "epochs": 2,
        "lr": 0.5,
        "size": 64,
        "first_layer_lr_scale": 1.0,
        "flip": False,
        "precision": "bf16",
    }
    config, _notes = resolve(asked, with_weights(PHOTOS))
    assert {name: config.flat()[name] for name in asked} == asked
    config, _notes = resolve({"finetune": "head", "epochs": 7, "optimizer": "sgd"}, with_weights(PHOTOS))
    assert (config.optim.epochs, config.optim.optimizer, config.optim.lr) == (7, "sgd", HEAD_DEFAULTS["lr"])


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
    config, _notes = resolve({"finetune": tune}, with_weights(replace(PHOTOS, side=side), **start))
    assert config.preprocess.size == size


def test_the_lectures_recipe_keeps_its_own_way_with_weights() -> None:
    config, _notes = resolve({"recipe": "lecture"}, with_weights(PHOTOS))
    assert (config.model, config.finetune.finetune, config.optim.optimizer, config.augmentation.augment) == (
        "mobilenet-0.25",
        "all",
        "adam",
        False,
    )
    own = {"model": "resnet18-narrow", "size": 40, "model_args": {"stem": "small"}}
    config, _notes = resolve({"recipe": "lecture"}, with_weights(PHOTOS, **own))
    assert {name: config.flat()[name] for name in own} == own


def test_a_size_asked_for_is_what_the_network_is_tried_with() -> None:
    """Images of 8 pixels are too small for some networks, but not when a size says otherwise."""
    config, _notes = resolve({"model": "torchvision:inception_v3", "size": 128}, DIGITS)
    assert config.preprocess.size == 128


@settings(max_examples=40, deadline=None)
@given(SUBJECTS)
def test_the_fast_recipe_fits_every_subject(subject: DataProfile) -> None:
    config, _notes = resolve({"recipe": "fast"}, subject)
    assert (config.model, config.optim.optimizer, config.optim.schedule) == (FAST, "muon", "triangular")
    assert 28 <= config.preprocess.size <= 64
    assert ("flip" in config.tta) == config.augmentation.flip
    again, _notes = resolve(config.flat(), subject)
    assert again == config


def test_the_fast_recipe_is_that_of_its_network() -> None:
    named, _notes = resolve({"model": FAST}, CATS)
    asked, _notes = resolve({"recipe": "fast"}, CATS)
    assert named == asked.model_copy(update={"recipe": "auto"})


@pytest.mark.parametrize(("asked", "what"), [({"model": "lenet"}, "--model"), ({"weights": "official"}, "weights")])
def test_the_fast_recipe_goes_with_nothing_else(asked: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=f"leave {what} out"):
        is_fast({"recipe": "fast", **asked})


def test_few_images_take_a_thin_network_and_many_hold_few_back() -> None:
    few, _notes = resolve({"recipe": "fast"}, DIGITS)
    many, _notes = resolve({"recipe": "fast"}, replace(CATS, counts={"cat": 25_000, "dog": 25_000}))
    assert few.model_args["width"] < many.model_args["width"]
    assert validation_fraction({"recipe": "fast"}, 1797) == 0.1 > validation_fraction({"recipe": "fast"}, 50_000)
