"""What the settings are when nobody states them: from the network, the pictures and the machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from discern.errors import ConfigError
from discern.i18n import _
from discern.models.external import is_code
from discern.models.meta import on_meta
from discern.models.table import build, entry, settings_of
from discern.preprocess.augment import Augmentation, suggested
from discern.training.config import Config, make_config
from discern.training.transfer import HEAD

SMALL = 64  # pictures up to this side are seen at their own size
CPU_LIMIT = 128  # larger pictures are seen at most at this size where there is no GPU
AUGMENTED = 250  # pictures that a frozen backbone sees beside those as they are
HEAD_EPOCHS = 50  # of a head on features: a second or two
LEAST = 96  # pixels a side: below it a network made for ImageNet sees too little
EARLY_RATE = 0.1  # in fine-tuning, the first layer's share of the learning rate
FAST = "fastnet"
FAST_VALIDATION = 1000  # pictures: rates that fall to zero make the last epoch the best one
FAST_FEW = 5000  # training pictures: fewer need no wide network
FAST_STEPS = 500  # in all, where batches of 64 (of few pictures 16) to 1000 allow it
FAST_SHIFT = 0.072  # 2 pixels of 28 and of 32, 4 of 64
UNBALANCED = 3.0  # the largest class is this many times the smallest: weigh the classes


@dataclass(frozen=True)
class Subject:
    """What a recipe goes by.

    Attributes
    ----------
    counts : dict of str to int
        Training pictures per class.
    side : int
        Median of the shorter sides of the pictures.
    grey : bool
        Whether no picture has colour.
    device : str
        ``cpu``, ``cuda`` or ``mps``.
    start : mapping
        What weights to start from ask for: the model, its pictures and its settings; empty without weights.
    """

    counts: Mapping[str, int]
    side: int
    grey: bool
    device: str
    start: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Training pictures."""
        return sum(self.counts.values())


def complete(asked: Mapping[str, Any], subject: Subject) -> tuple[Config, tuple[str, ...]]:
    """The whole `Config`: what was asked for, and the recipe's answer for everything else; with what to tell about it.

    Raises
    ------
    ConfigError, ModelError
        When something asked for is unknown or not allowed.

    Examples
    --------
    >>> config, _ = complete({"epochs": 3}, Subject({"cat": 500, "dog": 500}, side=32, grey=False, device="cpu"))
    >>> config.model, config.epochs, config.size
    ('cnn-course', 3, 32)
    """
    checked = check(asked)
    model = checked.model if checked.model != "auto" else subject.start.get("model") or auto_model(subject)
    if is_fast(asked):
        model = FAST
    tune = checked.tune if "tune" in asked or not subject.start else _tune(checked, subject)
    settings = {"model": model, **_shape(model, subject, tune), **subject.start}
    size, channels = (getattr(checked, name) if name in asked else settings[name] for name in ("size", "channels"))
    if subject.start and channels != subject.start["channels"]:
        sentence = _("channels={asked} does not go with these weights, which take {channels}: leave it out.")
        raise ConfigError(sentence.format(asked=channels, channels=subject.start["channels"]))
    notes: list[str] = []
    if checked.recipe == "lecture":
        settings |= _lecture(model) | dict(subject.start)
    else:
        augmentation, reason = suggested(tuple(subject.counts), channels, size)
        if is_fast(asked):
            settings |= _fast(subject, flip=augmentation.flip)
            augmentation = Augmentation(flip=augmentation.flip, shift=FAST_SHIFT)
        elif subject.start and tune == "head":
            settings |= _schedule(subject) | _head(subject)
            # bytes that move cost nothing beside the backbone, resampling does
            augmentation = augmentation.model_copy(update={"rotation": 0.0, "zoom": 0.0, "jitter": 0.0})
        else:
            settings |= _schedule(subject) | _optimizer(model, subject, channels, size)
        if subject.start and tune != "head":
            settings |= _fine_tuning(tune, settings)
        settings |= augmentation.model_dump()
        if reason and checked.augment and not asked.get("flip"):
            notes.append(reason)
        most, least = max(subject.counts.values()), max(1, min(subject.counts.values()))
        if most > UNBALANCED * least and "class_weights" not in asked:
            settings["class_weights"] = True
            notes.append(
                _("The classes are unbalanced ({most} to {least}), so the loss weighs them.").format(
                    most=most, least=least
                )
            )
    return make_config({**settings, **asked, "model": model}, settings_of(model)), tuple(notes)


def check(asked: Mapping[str, Any]) -> Config:
    """Refuse unknown names and values at once, before any picture is read; the settings not asked for are not yet real.

    Raises
    ------
    ConfigError, ModelError
        When something asked for is unknown or not allowed.
    """
    model = make_config({"model": asked.get("model", "auto")}).model
    own = settings_of(entry(model).name) if model != "auto" else {"width": 1.0, "stem": "auto"}
    return make_config({"model": model, **asked}, own)


def is_fast(asked: Mapping[str, Any]) -> bool:
    """Whether the fast recipe is meant: asked for, or its network is.

    Raises
    ------
    ConfigError
        When it is asked for with what does not go with it.

    Examples
    --------
    >>> is_fast({"recipe": "fast"}), is_fast({"model": "fastnet"}), is_fast({"model": "lenet"})
    (True, True, False)
    """
    recipe, model = asked.get("recipe", "auto"), asked.get("model", "auto")
    if recipe == "fast" and (model not in ("auto", FAST) or asked.get("weights")):
        sentence = _("recipe=fast trains {fast} from the start: leave {what} out, or the recipe.")
        raise ConfigError(sentence.format(fast=FAST, what="weights" if asked.get("weights") else "--model"))
    return recipe == "fast" or (recipe == "auto" and model == FAST and not asked.get("weights"))


def held_back(asked: Mapping[str, Any], n: int) -> float:
    """The share of ``n`` pictures that validates, unless given: a tenth; fast, which hardly uses it, takes fewer.

    Examples
    --------
    >>> held_back({}, 50_000), held_back({"recipe": "fast"}, 50_000), held_back({"validation": 0.3}, 50_000)
    (0.1, 0.02, 0.3)
    """
    share = check(asked).validation
    return min(share, FAST_VALIDATION / max(n, 1)) if is_fast(asked) and "validation" not in asked else share


def auto_model(subject: Subject) -> str:
    """A network that ends in minutes: the course CNN for small pictures without a GPU, else ResNet-18."""
    return "cnn-course" if subject.side <= SMALL and subject.device == "cpu" else "resnet18"


def _tune(checked: Config, subject: Subject) -> str:
    """What to train of a network that has weights: the head alone where there is no GPU."""
    if checked.recipe == "lecture":
        return "all"
    return "head" if subject.device == "cpu" else "head+all"


def frozen_size(native: int, side: int) -> int:
    """Pixels a side for a frozen ImageNet backbone made for ``native``, of pictures that have ``side``.

    They are larger than those it was trained on: in training, crops had enlarged what they showed (Touvron et al.
    2019, arXiv:1906.06423, section 3: 288 after 224).
    """
    return min(native * 9 // 7, max(side, LEAST))


def _shape(model: str, subject: Subject, tune: str) -> dict[str, Any]:
    """Small pictures keep their size; larger ones come down to the network's own, or less where there is no GPU.

    With weights pictures have the network's own size, or that of `frozen_size`.
    """
    native = entry(model).size
    if subject.start and tune == "head":
        size = frozen_size(native, subject.side)
    elif subject.start:
        size = min(native, max(subject.side, LEAST))
    elif subject.side <= SMALL:
        size = max(28, subject.side)
    else:
        size = min(native, subject.side) if subject.device != "cpu" else min(native, subject.side, CPU_LIMIT)
    return {"size": size, "channels": 1 if subject.grey else 3}


def _schedule(subject: Subject) -> dict[str, Any]:
    """Few pictures are seen more often: 95 epochs of a hundred, 53 of a thousand, 20 of fifty thousand."""
    epochs = round(20 * (50_000 / max(subject.n, 1)) ** 0.25)
    batch = next((size for limit, size in ((250, 16), (1_000, 32), (10_000, 64)) if subject.n < limit), 128)
    return {"epochs": min(max(epochs, 5), 150), "batch": batch, "schedule": "cosine", "warmup": 1.0}


def _optimizer(model: str, subject: Subject, channels: int, size: int) -> dict[str, Any]:
    """Nesterov SGD where batch normalisation keeps the scale of the weights harmless, AdamW elsewhere."""
    with on_meta():
        network = build(model, len(subject.counts), channels, size)
    if not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()):
        return {"optimizer": "adamw", "lr": 2e-3, "weight_decay": 0.02}
    batch = _schedule(subject)["batch"]
    return {"optimizer": "sgd", "lr": round(0.1 * math.sqrt(batch / 128), 4), "weight_decay": 5e-4}


def _head(subject: Subject) -> dict[str, Any]:
    """Some 250 augmented pictures in all: more add little, and each costs what training on it would."""
    passes = min(7, max(1, round(AUGMENTED / max(subject.n, 1))))
    return {**HEAD, "tune": "head", "epochs": HEAD_EPOCHS, "passes": passes}


def _fine_tuning(tune: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """It starts near its goal: a tenth of the rate, fewer epochs."""
    epochs, lr = max(5, settings["epochs"] // 3), round(settings["lr"] / 10, 5)
    return {"tune": tune, "epochs": epochs, "lr": lr, "early_rate": EARLY_RATE}


def _fast(subject: Subject, flip: bool) -> dict[str, Any]:
    """Eight passes over fifty thousand pictures in colour, two over grey ones, which tell less; more over fewer.

    After Jordan's recipe for CIFAR-10 (2024, arXiv:2404.00498, and "airbench94_muon"): Muon, label smoothing, rates
    that fall to zero on a straight line, shifts of two pixels, views mirrored and moved. What was tried and what it
    brought is in docs/speed.md.
    """
    passes = round((2 if subject.grey else 8) * (50_000 / max(subject.n, 1)) ** 0.25)
    passes = min(max(passes, 2), 100)
    return {
        "size": min(max(28, subject.side), SMALL),
        "network": {"width": 0.25 if subject.n < FAST_FEW else 0.5 if subject.grey else 1.0},
        "epochs": passes,
        "batch": min(max(passes * subject.n // FAST_STEPS, 64 if subject.n > 1000 else 16), 1000),
        "optimizer": "muon",
        "lr": 0.24,
        "momentum": 0.6,
        "weight_decay": 1.3e-3,
        "schedule": "triangular",
        "warmup": 0.0,
        "label_smoothing": 0.2,
        "views": ("mirror", "shift") if flip else ("shift",),
    }


def _lecture(model: str) -> dict[str, Any]:
    """The course's own settings: Adam at a constant rate and pictures as they are."""
    settings: dict[str, Any] = {
        "optimizer": "adam",
        "lr": 1e-3,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup": 0.0,
        "augment": False,
    }
    if model in ("mlp-course", "cnn-course"):
        settings |= {"size": 28, "resize": "stretch", "channels": 3, "epochs": 100, "batch": 30, "lr": 0.01}
    if is_code(model) or model.startswith("keras:"):
        settings |= {"batch": 32}  # what Keras' fit takes
    if model == "resnet18-narrow":
        settings |= {"epochs": 150, "batch": 128, "network": {"stem": "imagenet"}}
    return settings
