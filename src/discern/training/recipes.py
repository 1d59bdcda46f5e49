"""The settings that nobody gave: chosen from the network, the images and the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from discern.errors import ConfigError
from discern.i18n import _
from discern.models.external import is_user_code
from discern.models.initialization import build_on_meta
from discern.models.registry import build_model, get_model_spec
from discern.notices import Notice
from discern.preprocess.augment import Augmentation, suggest_augmentation
from discern.training.config import TrainConfig, make_config, read_settings
from discern.training.transfer import HEAD_DEFAULTS

SMALL = 64  # images up to this side are trained on at their own size
CPU_LIMIT = 128  # larger images are trained on at most at this size where there is no GPU
AUGMENTED = 250  # augmented images whose features are computed, beside those of the originals
HEAD_EPOCHS = 50  # of a head on features: a second or two
MIN_TRANSFER_SIZE = 96  # pixels a side: below it a network made for ImageNet makes out too little
FIRST_LAYER_LR_SCALE = 0.1  # in fine-tuning
FAST = "fastnet"
FAST_VALIDATION = 1000  # images: rates that fall to zero make the last epoch the best one
FAST_FEW = 5000  # training images: fewer need no wide network
FAST_STEPS = 500  # in all, where batches of 64 (of few images 16) to 1000 allow it
FAST_TRANSLATE = 0.072  # 2 pixels of 28 and of 32, 4 of 64
UNBALANCED = 3.0  # the largest class is this many times the smallest: weigh the classes
SHAPE = ("channels", "size")


@dataclass(frozen=True)
class DataProfile:
    """What a recipe chooses by."""

    counts: Mapping[str, int]  # training images per class
    side: int  # median of the shorter sides of the images
    is_gray: bool  # no image has color
    device: str  # cpu, cuda or mps
    are_long: bool = False  # many images are too long to be cut to a square
    # The settings that the weights to start from require, such as the model and its size; empty without weights.
    start: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Training images."""
        return sum(self.counts.values())


def resolve(requested: Mapping[str, Any], profile: DataProfile) -> tuple[TrainConfig, tuple[Notice, ...]]:
    """Return the complete configuration, what was requested and the recipe's choice for the rest, and notices on it.

    Raises `ConfigError` or `ModelError` when something requested is unknown or not allowed.

    Examples
    --------
    >>> profile = DataProfile({"cat": 500, "dog": 500}, side=32, is_gray=False, device="cpu")
    >>> config, _ = resolve({"epochs": 3}, profile)
    >>> config.model, config.optim.epochs, config.preprocess.size
    ('cnn-course', 3, 32)
    """
    requested = read_settings(requested)
    early = validate(requested)
    model = early.model if early.model != "auto" else profile.start.get("model") or choose_model(profile)
    if is_fast(requested):
        model = FAST
    finetune: str = early.finetune.finetune
    if profile.start and "finetune" not in requested and early.recipe != "lecture":
        finetune = "head" if profile.device == "cpu" else "head+all"  # the head alone where there is no GPU
    settings = {"model": model, **_choose_shape(model, profile, finetune), **profile.start}
    shape = {name: getattr(early.preprocess, name) if name in requested else settings[name] for name in SHAPE}
    if profile.start and shape["channels"] != profile.start["channels"]:
        message = _("channels={given} does not fit these weights, which take {channels}: leave it out.")
        raise ConfigError(message.format(given=shape["channels"], channels=profile.start["channels"]))
    notices: list[Notice] = []
    if early.recipe == "lecture":
        settings |= _lecture(model) | dict(profile.start)
    else:
        settings |= _choose_training(requested, profile, model, finetune, shape)
        augmentation, exclusion = _choose_augmentation(requested, profile, finetune, shape)
        settings |= augmentation.model_dump()
        if exclusion and early.augmentation.augment and not requested.get("flip"):
            notices.append(exclusion)
        largest, smallest = max(profile.counts.values()), max(1, min(profile.counts.values()))
        if largest > UNBALANCED * smallest and "class_weights" not in requested:
            settings["class_weights"] = True
            notices.append(Notice("training.class_weights", {"largest": largest, "smallest": smallest}))
    return make_config(**{**settings, **requested, "model": model}), tuple(notices)


def validate(requested: Mapping[str, Any]) -> TrainConfig:
    """Refuse unknown names and values at once, before any image is read; what was not requested is not yet chosen."""
    requested = read_settings(requested)
    if "channels" not in requested and isinstance(mean := requested.get("mean"), list | tuple) and len(mean) == 1:
        requested["channels"] = 1  # the number of channels is chosen by the images, later
    return make_config(**requested)


def is_fast(requested: Mapping[str, Any]) -> bool:
    """Return whether the fast recipe is meant: requested, or its network is.

    Raises `ConfigError` when it is requested with what does not go with it.

    Examples
    --------
    >>> is_fast({"recipe": "fast"}), is_fast({"model": "fastnet"}), is_fast({"model": "lenet"})
    (True, True, False)
    """
    recipe, model = str(requested.get("recipe", "auto")).lower(), requested.get("model", "auto")
    if recipe == "fast" and (model not in ("auto", FAST) or requested.get("weights")):
        message = _("recipe=fast trains {fast} from the start: leave {setting} out, or the recipe.")
        raise ConfigError(message.format(fast=FAST, setting="weights" if requested.get("weights") else "--model"))
    return recipe == "fast" or (recipe == "auto" and model == FAST and not requested.get("weights"))


def validation_fraction(requested: Mapping[str, Any], n: int) -> float:
    """Return the fraction of ``n`` images that validates: a tenth, or fewer with the fast recipe, which needs few.

    Examples
    --------
    >>> fast = {"recipe": "fast"}
    >>> validation_fraction({}, 50_000), validation_fraction(fast, 50_000), validation_fraction({"validation": 0.3}, 9)
    (0.1, 0.02, 0.3)
    """
    fraction = validate(requested).data.validation
    is_reduced = is_fast(requested) and "validation" not in requested
    return min(fraction, FAST_VALIDATION / max(n, 1)) if is_reduced else fraction


def choose_model(profile: DataProfile) -> str:
    """Return a network that trains in minutes: the course CNN for small images without a GPU, else ResNet-18."""
    return "cnn-course" if profile.side <= SMALL and profile.device == "cpu" else "resnet18"


def choose_frozen_size(native: int, side: int) -> int:
    """Return the pixels a side for a frozen ImageNet backbone made for ``native``, of images that have ``side``.

    They are larger than those it was trained on: in training, crops had enlarged what they showed (Touvron et al.
    2019, arXiv:1906.06423, section 3: 288 after 224).
    """
    return min(native * 9 // 7, max(side, MIN_TRANSFER_SIZE))


def _choose_training(
    requested: Mapping[str, Any], profile: DataProfile, model: str, finetune: str, shape: Mapping[str, int]
) -> dict[str, Any]:
    """Return optimizer, epochs, batches and schedule."""
    if is_fast(requested):
        return _fast(profile, flip=suggest_augmentation(tuple(profile.counts), **shape)[0].flip)
    if profile.start and finetune == "head":
        return _choose_schedule(profile) | _choose_head(profile)
    settings = _choose_schedule(profile) | _choose_optimizer(model, profile, **shape)
    return settings | _finetuning(finetune, settings) if profile.start else settings


def _choose_augmentation(
    requested: Mapping[str, Any], profile: DataProfile, finetune: str, shape: Mapping[str, int]
) -> tuple[Augmentation, Notice | None]:
    augmentation, exclusion = suggest_augmentation(tuple(profile.counts), **shape)
    if is_fast(requested):
        augmentation = Augmentation(flip=augmentation.flip, translate=FAST_TRANSLATE)
    elif profile.start and finetune == "head":
        # moving bytes costs nothing beside the backbone, resampling them does
        augmentation = augmentation.model_copy(update={"rotation": 0.0, "zoom": 0.0, "color_jitter": 0.0})
    return augmentation, exclusion


def _choose_shape(model: str, profile: DataProfile, finetune: str) -> dict[str, Any]:
    """Return size, channels and resizing: small images keep their size, larger ones come down to the network's, or less
    where there is no GPU. With weights images have the network's own size, or that of `choose_frozen_size`.
    """
    native = get_model_spec(model).size
    if profile.start and finetune == "head":
        size = choose_frozen_size(native, profile.side)
    elif profile.start:
        size = min(native, max(profile.side, MIN_TRANSFER_SIZE))
    elif profile.side <= SMALL:
        size = max(28, profile.side)
    else:
        size = min(native, profile.side) if profile.device != "cpu" else min(native, profile.side, CPU_LIMIT)
    return {"size": size, "channels": 1 if profile.is_gray else 3, **({"resize": "pad"} if profile.are_long else {})}


def _choose_schedule(profile: DataProfile) -> dict[str, Any]:
    """Return more epochs for fewer images: 95 for a hundred, 53 for a thousand, 20 for fifty thousand."""
    epochs = round(20 * (50_000 / max(profile.n, 1)) ** 0.25)
    batch_size = next((size for limit, size in ((250, 16), (1_000, 32), (10_000, 64)) if profile.n < limit), 128)
    return {"epochs": min(max(epochs, 5), 150), "batch_size": batch_size, "schedule": "cosine", "warmup": 1.0}


def _choose_optimizer(model: str, profile: DataProfile, channels: int, size: int) -> dict[str, Any]:
    """Return Nesterov SGD where batch normalization keeps the scale of the weights harmless, AdamW elsewhere."""
    with build_on_meta():
        network = build_model(model, len(profile.counts), channels, size)
    if not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()):
        return {"optimizer": "adamw", "lr": 2e-3, "weight_decay": 0.02}
    batch_size = _choose_schedule(profile)["batch_size"]
    return {"optimizer": "sgd", "lr": round(0.1 * math.sqrt(batch_size / 128), 4), "weight_decay": 5e-4}


def _choose_head(profile: DataProfile) -> dict[str, Any]:
    """Return some 250 augmented images in all: more add little, and each costs what training on it would."""
    copies = min(7, max(1, round(AUGMENTED / max(profile.n, 1))))
    return {**HEAD_DEFAULTS, "finetune": "head", "epochs": HEAD_EPOCHS, "augmented_copies": copies}


def _finetuning(finetune: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tenth of the learning rate and fewer epochs: fine-tuning starts near its goal."""
    epochs, lr = max(5, settings["epochs"] // 3), round(settings["lr"] / 10, 5)
    return {"finetune": finetune, "epochs": epochs, "lr": lr, "first_layer_lr_scale": FIRST_LAYER_LR_SCALE}


def _fast(profile: DataProfile, flip: bool) -> dict[str, Any]:
    """Return eight epochs of fifty thousand color images, two of gray ones, which tell less; more of fewer.

    After Jordan's recipe for CIFAR-10 (2024, arXiv:2404.00498, and "airbench94_muon"): Muon, label smoothing, rates
    that fall to zero on a straight line, translations of two pixels, flipped and shifted views. What was tried and
    what it brought is in docs/speed.md.
    """
    epochs = round((2 if profile.is_gray else 8) * (50_000 / max(profile.n, 1)) ** 0.25)
    epochs = min(max(epochs, 2), 100)
    return {
        "size": min(max(28, profile.side), SMALL),
        "model_args": {"width": 0.25 if profile.n < FAST_FEW else 0.5 if profile.is_gray else 1.0},
        "epochs": epochs,
        "batch_size": min(max(epochs * profile.n // FAST_STEPS, 64 if profile.n > 1000 else 16), 1000),
        "optimizer": "muon",
        "lr": 0.24,
        "momentum": 0.6,
        "weight_decay": 1.3e-3,
        "schedule": "triangular",
        "warmup": 0.0,
        "label_smoothing": 0.2,
        "tta": ("flip", "shift") if flip else ("shift",),
    }


def _lecture(model: str) -> dict[str, Any]:
    """Return the course's own settings: Adam at a constant rate and images as they are."""
    settings: dict[str, Any] = {"optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0, "augment": False}
    settings |= {"schedule": "constant", "warmup": 0.0}
    if model in ("mlp-course", "cnn-course"):
        settings |= {"size": 28, "resize": "stretch", "channels": 3, "epochs": 100, "batch_size": 30, "lr": 0.01}
    if is_user_code(model) or model.startswith("keras:"):
        settings |= {"batch_size": 32}  # what Keras' fit takes
    if model == "resnet18-narrow":
        settings |= {"epochs": 150, "batch_size": 128, "model_args": {"stem": "imagenet"}}
    return settings
