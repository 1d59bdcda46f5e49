"""Everything that decides the training of a network, frozen and checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from discern.data.config import DataConfig
from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.models.registry import TABLE, get_model_args
from discern.preprocess.augment import Augmentation
from discern.preprocess.spec import Preprocess
from discern.settings import Config, Group, canonical, setting, unknown_setting

ANY_MODEL = ("width", "stem")  # arguments of the networks that auto chooses among


class OptimConfig(Group):
    """How the weights are fitted."""

    epochs: int = setting(20, N_("Number of epochs."), ge=1, le=100_000)
    batch_size: int = setting(128, N_("Images of a step, over all processes."), ge=1, le=1_000_000)
    # As many times less memory, and the same step but for what batch normalization sees.
    accumulate_grad: int = setting(
        1, N_("Micro-batches whose gradients add up to one step, which then needs less memory."), ge=1, le=1_000_000
    )
    # "gd" is plain gradient descent, the whole training split a step; "muon" is `discern.training.optimizers`.
    optimizer: Literal["sgd", "adamw", "adam", "rmsprop", "gd", "muon"] = setting(
        "sgd", N_("Optimizer: sgd is Nesterov's, gd takes all images in one step.")
    )
    lr: float = setting(0.1, N_("Learning rate at its highest."), gt=0)
    momentum: float = setting(0.9, N_("Momentum of sgd and muon."), ge=0, lt=1)
    weight_decay: float = setting(5e-4, N_("Decay of the weights; biases and norms do not decay."), ge=0)
    schedule: Literal["cosine", "triangular", "onecycle", "step", "multistep", "constant"] = setting(
        "cosine", N_("How the learning rate changes after the warm-up.")
    )
    warmup: float = setting(1.0, N_("Linear warm-up of the learning rate."), unit=N_("epochs"), ge=0)
    step_epochs: int = setting(
        30, N_("Schedule step: multiply the learning rate by gamma after every so many."), unit=N_("epochs"), ge=1
    )
    milestones: tuple[int, ...] = setting((), N_("Schedule multistep: the epochs at which gamma multiplies it."))
    gamma: float = setting(0.1, N_("Factor of the schedules step and multistep."), gt=0, le=1)
    label_smoothing: float = setting(0.0, N_("Label smoothing of the loss."), ge=0, lt=1)
    class_weights: bool = setting(False, N_("Weigh the classes of the loss by the inverse of their frequency."))
    grad_clip_norm: float = setting(0.0, N_("Largest norm of the gradient (0: no limit)."), ge=0)
    ema: float = setting(
        0.0, N_("Decay per step of the averaged weights that are then validated (0: none)."), ge=0, lt=1
    )
    early_stopping_patience: int = setting(
        0, N_("Stop after so many epochs without a better validation accuracy (0: never)."), ge=0
    )


class FinetuneConfig(Group):
    """What a network starts from, and how it goes on from there."""

    weights: str = setting("", N_("What the network starts from: official, a file, a run or a bundle; else random."))
    finetune: Literal["all", "head", "head+all"] = setting(
        "all", N_("Train all layers, the head alone on the features of the frozen backbone, or one after the other.")
    )
    augmented_copies: int = setting(
        3, N_("Augmented versions of each image that the head is trained on, beside the original."), ge=0, le=1000
    )
    head_epochs: int = setting(50, N_("Epochs of the head in head+all."), ge=1, le=100_000)
    first_layer_lr_scale: float = setting(
        1.0, N_("Factor on the learning rate of the first layer; it grows layer by layer to 1 in the head."), gt=0, le=1
    )


class RuntimeConfig(Group):
    """Where and how the arithmetic runs."""

    device: str = setting("auto", N_("Device, such as cpu, cuda or mps; auto chooses."))
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", N_("Number format; auto measures which is fastest."))
    memory_format: Literal["auto", "contiguous", "channels_last"] = setting(
        "auto", N_("Memory format of the images; auto measures which is fastest.")
    )
    compile: Literal["auto", "yes", "no"] = setting(
        "auto", N_("Compile the training steps with torch.compile; auto where the run gets shorter by it.")
    )
    checkpoint_seconds: float = setting(
        15.0, N_("Save at the end of an epoch when the last checkpoint is this old."), unit=N_("seconds"), ge=0
    )


class TrainConfig(Config):
    """The settings of a run of a network; what is left out is filled in by a recipe (`discern.training.recipes`).

    Examples
    --------
    >>> config = make_config(model="lenet", epochs=3)
    >>> config.model, config.optim.epochs
    ('lenet', 3)
    """

    inner: ClassVar[tuple[str, ...]] = ("model_args",)

    model: str = setting("auto", N_("Name of the model; auto chooses by the images and the machine."))
    model_args: dict[str, bool | int | float | str | list[int]] = setting({}, N_("Arguments of the network itself."))
    recipe: Literal["auto", "lecture", "fast"] = setting(
        "auto", N_("What chooses the settings not given; fast is for images up to 64 pixels, lecture is the course's.")
    )
    seed: int = setting(0, N_("Random seed of the split, the first weights, the order and the augmentation."), ge=0)
    tta: tuple[Literal["flip", "shift"], ...] = setting(
        (), N_("Test-time augmentation: further views of an image whose predictions are averaged.")
    )
    data: DataConfig = DataConfig()
    preprocess: Preprocess = Preprocess()
    augmentation: Augmentation = Augmentation()
    optim: OptimConfig = OptimConfig()
    finetune: FinetuneConfig = FinetuneConfig()
    runtime: RuntimeConfig = RuntimeConfig()


def make_config(**settings: Any) -> TrainConfig:
    """Build a `TrainConfig` from settings by name, those of the network among them.

    A `ConfigError` names the first setting that is wrong, its value and what is allowed; `ModelError` when the
    model is unknown.

    Examples
    --------
    >>> make_config(model="resnet18", width=0.5, learning_rate=0.1).model_args
    {'width': 0.5}
    """
    settings = read_settings(settings)
    own = {name: value for name, value in settings.items() if name in TrainConfig.settings() or name == "model_args"}
    inner = {name: value for name, value in settings.items() if name not in own}
    if isinstance(args := own.get("model_args", {}), Mapping):
        own["model_args"] = {**args, **inner}
    return TrainConfig.compose(own)


def read_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` under discern's names; those of the network are among them.

    Raises `ConfigError` or `ModelError` when a name is unknown; the message suggests what was meant.

    Examples
    --------
    >>> read_settings({"learning-rate": 0.1, "imgsz": 64})
    {'lr': 0.1, 'size': 64}
    >>> read_settings({"label_smooth": 0.1})
    Traceback (most recent call last):
    discern.errors.ConfigError: Unknown setting "label_smooth" (did you mean label_smoothing, label?).
    """
    model = settings.get("model", "auto")
    named = isinstance(model, str) and model != "auto"
    known = [*TrainConfig.settings(), "model_args", *(get_model_args(model) if named else ANY_MODEL)]
    settings = canonical(settings, known)
    for name in (name for name in settings if name not in known):
        raise _unknown(name, known, model if named else "")
    return settings


def _unknown(name: str, known: list[str], model: str) -> ConfigError:
    """Return the error for ``name``, which may be an argument of other networks."""
    owners = [each for each, spec in TABLE.items() if name in spec.model_args]
    if not owners:
        return unknown_setting(name, known, listed="discern train --settings")
    message = _('{model} has no setting "{name}"; these models have it: {owners}.')
    if not model:
        message = _('"{name}" is a setting of these models, choose one with --model: {owners}.')
    return ConfigError(message.format(model=model, name=name, owners=", ".join(owners)))
