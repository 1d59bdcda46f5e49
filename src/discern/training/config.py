"""Everything that decides a training run, frozen and checked when it is made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError

from discern.errors import ConfigError
from discern.i18n import _
from discern.preprocess.augment import Augmentation
from discern.settings import refusal, unknown


class Config(Augmentation):
    """The settings of a run; ``--set NAME=VALUE`` reaches each of them.

    What is left out is filled in by the recipe (`discern.training.recipes`), which knows the network and the data.

    Attributes
    ----------
    model : str
        Name in the model table; auto chooses by the pictures and the machine.
    recipe : {"auto", "lecture", "fast"}
        Where the settings that were not given come from; ``fast`` is for small pictures.
    epochs, batch : int
        Passes over the training part; pictures a step, over all processes.
    accumulate : int
        Parts of a step's pictures whose gradients add up, one after the other: as many times less memory, and the same
        step but for what batch normalisation sees.
    optimizer : {"sgd", "adamw", "adam", "rmsprop", "gd", "muon"}
        ``sgd`` is Nesterov's; ``gd`` is plain gradient descent, the whole training part a step; ``muon`` is
        `discern.training.muon`.
    lr, momentum, weight_decay : float
        Learning rate at its highest; momentum of ``sgd`` and ``muon``; decay of the weights (not of biases and norms).
    schedule : {"cosine", "triangular", "onecycle", "step", "multistep", "constant"}
        What the learning rate does after ``warmup`` epochs; see `discern.training.schedule`.
    step_epochs, milestones, gamma
        For ``step`` (every so many epochs) and ``multistep`` (at these epochs): multiply by gamma.
    label_smoothing, class_weights, clip
        Of the loss; weigh classes by the inverse of their frequency; largest norm of the gradient (0: no limit).
    weights : str
        What the network starts from: ``official``, a file, a run or a bundle; random without it.
    tune : {"all", "head", "head+all"}
        Train everything, the head alone on features that the frozen backbone makes once, or one after the other.
    passes : int
        Augmented passes of the frozen backbone over the training part, beside the one over the pictures as they are.
    head_epochs : int
        Of the head in ``head+all``; in ``head`` it is ``epochs`` that counts.
    early_rate : float
        Share of the learning rate that the first layer gets; it grows layer by layer to 1 in the head.
    ema : float
        Decay a step of the averaged weights that are then validated and kept (0: none).
    patience : int
        Stop after so many epochs without a better validation accuracy (0: never).
    views : tuple of {"mirror", "shift"}
        How a picture is looked at besides as it is when it is predicted; the answers are averaged.
    size, resize, interpolation, channels, mean, std
        Of `discern.preprocess.spec.Preprocess`; without mean and std they are the training part's.
    augment : bool
        False switches every augmentation off.
    flip, shift, rotation, zoom, jitter, erase, mixup, cutmix
        Of `discern.preprocess.augment.Augmentation`.
    train_limit : int
        Most training pictures to use, drawn by the seed (0: all).
    validation, test : float
        Fractions cut from data that comes without parts.
    network : dict
        The network's own settings, such as ``width`` or ``stem``; ``--set width=0.5`` lands here.
    cache : {"pixels", "stream"}
        Decode each picture once and keep its pixels in the cache folder, or decode it whenever it is needed, which
        takes no disk and the processors' time in every epoch. The weights are the same; but ``wds:`` sources stream in
        an order of their own, `discern.data.shard_order`.
    seed : int
        Decides the split, the first weights, the order and the augmentation.
    checkpoint_seconds : float
        Save at the end of an epoch when the last checkpoint is this old, and inside an epoch at 20 times this.
    precision, layout, device
        ``auto`` measures (`discern.training.probe`) or looks.
    compile : {"auto", "yes", "no"}
        Training steps by torch.compile; ``auto`` where a whole run gets shorter by it (`discern.training.compiling`).

    Examples
    --------
    >>> Config(model="lenet", epochs=3).epochs
    3
    """

    model: str = "auto"
    recipe: Literal["auto", "lecture", "fast"] = "auto"
    epochs: int = Field(20, ge=1, le=100_000)
    batch: int = Field(128, ge=1, le=1_000_000)
    accumulate: int = Field(1, ge=1, le=1_000_000)
    optimizer: Literal["sgd", "adamw", "adam", "rmsprop", "gd", "muon"] = "sgd"
    lr: float = Field(0.1, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0)
    schedule: Literal["cosine", "triangular", "onecycle", "step", "multistep", "constant"] = "cosine"
    warmup: float = Field(1.0, ge=0)
    step_epochs: int = Field(30, ge=1)
    milestones: tuple[int, ...] = ()
    gamma: float = Field(0.1, gt=0, le=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    class_weights: bool = False
    clip: float = Field(0.0, ge=0)
    weights: str = ""
    tune: Literal["all", "head", "head+all"] = "all"
    passes: int = Field(3, ge=0, le=1000)
    head_epochs: int = Field(50, ge=1, le=100_000)
    early_rate: float = Field(1.0, gt=0, le=1)
    ema: float = Field(0.0, ge=0, lt=1)
    patience: int = Field(0, ge=0)
    views: tuple[Literal["mirror", "shift"], ...] = ()
    size: int = Field(32, ge=8, le=4096)
    resize: Literal["crop", "pad", "stretch"] = "crop"
    interpolation: Literal["bilinear", "nearest", "bicubic", "lanczos"] = "bilinear"
    channels: Literal[1, 3] = 3
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    augment: bool = True
    train_limit: int = Field(0, ge=0)
    validation: float = Field(0.1, gt=0, lt=0.9)
    test: float = Field(0.2, ge=0, lt=0.9)
    network: dict[str, bool | int | float | str | list[int]] = Field({})
    cache: Literal["pixels", "stream"] = "pixels"
    seed: int = Field(0, ge=0)
    checkpoint_seconds: float = Field(15.0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    layout: Literal["auto", "contiguous", "channels_last"] = "auto"
    compile: Literal["auto", "yes", "no"] = "auto"
    device: str = "auto"

    @property
    def augmentation(self) -> Augmentation:
        """The augmentation these settings ask for."""
        if not self.augment:
            return Augmentation()
        return Augmentation(**{name: getattr(self, name) for name in Augmentation.model_fields})


def make_config(settings: Mapping[str, Any], network_settings: Iterable[str] = ()) -> Config:
    """A `Config` of ``settings``, or one sentence about the first that is wrong.

    Names among ``network_settings`` go to ``Config.network``.

    Raises
    ------
    ConfigError
        Names the setting, the value and what is allowed.

    Examples
    --------
    >>> make_config({"smoothing": 3})
    Traceback (most recent call last):
    discern.errors.ConfigError: There is no setting 'smoothing'. Did you mean label_smoothing?
    """
    own = {name: value for name, value in settings.items() if name in Config.model_fields}
    network = {name: value for name, value in settings.items() if name in network_settings}
    for name in (name for name in settings if name not in own and name not in network):
        raise unknown(name, [*Config.model_fields, *network_settings])
    inner = own.get("network", {})
    if isinstance(inner, Mapping):
        own["network"] = {**inner, **network}
    try:
        return Config.model_validate(own)
    except ValidationError as error:
        raise ConfigError(refusal(error, own)) from error


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """``["lr=0.1", "flip=false"]`` as a dictionary; values are JSON where they can be, else words.

    Raises
    ------
    ConfigError
        When a pair has no ``=``.

    Examples
    --------
    >>> parse_settings(["lr=0.1", "flip=false", "optimizer=sgd"])
    {'lr': 0.1, 'flip': False, 'optimizer': 'sgd'}
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigError(_("--set takes NAME=VALUE, for example --set lr=0.05, not '{pair}'.").format(pair=pair))
        try:
            settings[name.strip()] = json.loads(value)
        except json.JSONDecodeError:
            settings[name.strip()] = value.strip()
    return settings
