"""Everything that decides a classical run, frozen and checked when it is made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from discern.classical.features import EMBEDDING, check_features
from discern.classical.table import CLASSICAL, Kind, Setting
from discern.errors import ConfigError
from discern.i18n import _
from discern.settings import refusal, unknown

SMALL = 64  # pictures up to this side are seen at their own size
FLAT = 32  # pixels a side of larger pictures where every pixel is a feature
REDUCED = 100  # principal components for models that do not bear many features


class ClassicalConfig(BaseModel):
    """The settings of a classical run; ``--set NAME=VALUE`` reaches each of them and the estimator's own.

    Attributes
    ----------
    model : str
        Name in the table of classical models.
    features : tuple of str
        What it sees of pictures: pixels, color, hog, hand, embedding:NET or embedding:RUN; several are joined.
    pca : int
        Principal components to reduce the features to (0: none).
    scale : {"auto", "standard", "none"}
        Whether features are made to have mean 0 and spread 1.
    labelled : float
        Share of the training part whose labels are used; ``label-spreading`` learns from the rest without.
    train_limit : int
        Most training pictures to use, drawn by the seed (0: all).
    size, resize, interpolation, channels
        Of `discern.preprocess.spec.Preprocess`; 0 chooses the size by the pictures.
    validation, test : float
        Shares of the pictures where the data set gives no such part.
    target : str
        Of a table, the column to learn; chosen by its name unless given.
    task : {"auto", "classification", "regression"}
        Of a table, whether the column names classes or is a number; by what stands in it unless given.
    search : {"none", "grid"}
        Whether every combination of ``ranges`` is tried by cross-validation on the training part.
    cv : int
        Folds of the cross-validation.
    seed : int
        What all randomness follows from.
    estimator : dict
        The estimator's own settings by name.
    ranges : dict
        The values to try of each setting; those of the model's row unless a setting is given several, or one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    features: tuple[str, ...] = ("pixels",)
    pca: int = Field(0, ge=0)
    scale: Literal["auto", "standard", "none"] = "auto"
    labelled: float = Field(1.0, gt=0, le=1)
    train_limit: int = Field(0, ge=0)
    size: int = Field(0, ge=0, le=4096)
    resize: Literal["crop", "pad", "stretch"] = "crop"
    interpolation: Literal["bilinear", "nearest", "bicubic", "lanczos"] = "bilinear"
    channels: Literal[1, 3] = 3
    validation: float = Field(0.1, gt=0, lt=0.9)
    test: float = Field(0.2, ge=0, lt=0.9)
    target: str = ""
    task: Literal["auto", "classification", "regression"] = "auto"
    search: Literal["none", "grid"] = "none"
    cv: int = Field(5, ge=2)
    seed: int = Field(0, ge=0)
    estimator: dict[str, Setting] = Field({})
    ranges: dict[str, tuple[Setting, ...]] = Field({})

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The networks and runs that ``features`` name."""
        return tuple(name.removeprefix(EMBEDDING) for name in self.features if name.startswith(EMBEDDING))


def make_classical(settings: Mapping[str, Any]) -> ClassicalConfig:
    """A `ClassicalConfig` of ``settings``, or one sentence about the first that is wrong.

    Raises
    ------
    ConfigError
        Names the setting, the value and what is allowed.

    Examples
    --------
    >>> make_classical({"model": "knn", "k": 5, "features": "color,hog"}).estimator
    {'k': 5}
    """
    kind = CLASSICAL[settings["model"]]
    fields = ClassicalConfig.model_fields
    for name in (name for name in settings if name not in fields and name not in kind.settings):
        raise unknown(name, [*fields, *kind.settings], owner=kind.name)
    stated, single = _several(settings, kind)
    own = {name: value for name, value in single.items() if name in fields}
    named = own.get("features")
    if isinstance(named, str | list | tuple):
        own["features"] = check_features(named if isinstance(named, str) else ",".join(map(str, named)))
    inner = own.get("estimator", {})
    if isinstance(inner, Mapping):
        own["estimator"] = {**inner, **{name: value for name, value in single.items() if name in kind.settings}}
    if stated:
        own["ranges"] = {**own.get("ranges", {}), **stated}
    try:
        config = ClassicalConfig.model_validate(own)
    except ValidationError as error:
        raise ConfigError(refusal(error, own)) from error
    if config.labelled < 1 and kind.name != "label-spreading":
        sentence = _("labelled={share} goes with label-spreading, not with {model}: leave it out.")
        raise ConfigError(sentence.format(share=config.labelled, model=kind.name))
    return _with_ranges(config, kind)


def _several(settings: Mapping[str, Any], kind: Kind) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The settings of a search that are given several values (a list, or commas between), and the others."""
    several, single = {}, {}
    for name, value in settings.items():
        searched = name in kind.settings or name == "pca"
        if searched and isinstance(value, list | tuple):
            several[name] = list(value)
        elif searched and isinstance(value, str) and "," in value:
            several[name] = [_value(word.strip()) for word in value.split(",")]
        else:
            single[name] = value
    return several, single


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except json.JSONDecodeError:
        return word


def _with_ranges(config: ClassicalConfig, kind: Kind) -> ClassicalConfig:
    """``config`` with what a search tries: what was stated, else the row's range of what was not given."""
    stated = config.ranges
    if config.search == "none":
        for name, values in stated.items():
            sentence = _("{name}={values} is several values: add --search grid to try each, or give one.")
            raise ConfigError(sentence.format(name=name, values=",".join(map(str, values))))
        if "cv" in config.model_fields_set:
            raise ConfigError(_("--cv says how a search judges settings: add --search grid, or leave it out."))
        return config
    for name in (name for name in stated if name not in (*kind.settings, "pca")):
        raise unknown(name, [*kind.settings, "pca"], owner=kind.name)
    for name, values in stated.items():
        if not values or (name == "pca" and not all(isinstance(each, int) and each >= 0 for each in values)):
            sentence = _("{name}={values} is not allowed: {allowed}.")
            allowed = _("whole numbers, 0 or more, with commas between") if values else _("at least one value")
            raise ConfigError(sentence.format(name=name, values=",".join(map(str, values)), allowed=allowed))
    rest = {name: values for name, values in kind.ranges.items() if name not in config.estimator}
    ranges = {**rest, **stated}
    if math.prod(len(values) for values in ranges.values()) < 2:
        sentence = _("There is nothing to search: give a setting of {model} several values, for example {example}.")
        name, values = next(iter(kind.ranges.items()))
        example = f"--set {name}={','.join(map(str, values))}"
        raise ConfigError(sentence.format(model=kind.name, example=example))
    return config.model_copy(update={"ranges": ranges})


def complete_classical(config: ClassicalConfig, side: int, grey: bool) -> ClassicalConfig:
    """What was asked for, and the answer for everything else by the pictures: ``side`` pixels, ``grey`` or not.

    Raises
    ------
    ConfigError
        When colour is asked of grey pictures.
    """
    if grey and "color" in config.features and "channels" not in config.model_fields_set:
        raise ConfigError(_("These pictures have no colour: take --features hog, hand or pixels."))
    settings: dict[str, Any] = {}
    if not config.size:
        most = FLAT if "pixels" in config.features else SMALL
        settings["size"] = side if side <= SMALL else most
    if "channels" not in config.model_fields_set:
        settings["channels"] = 1 if grey else 3
    if config.scale == "auto":
        alike = config.features == ("pixels",) or not CLASSICAL[config.model].scaled
        settings["scale"] = "none" if alike else "standard"
    return config.model_copy(update=settings)


def reduce(config: ClassicalConfig, features: int, examples: int) -> tuple[ClassicalConfig, list[str]]:
    """``config`` with principal components where the model does not bear so many features; and what to tell."""
    most = CLASSICAL[config.model].most
    if not most or features <= most or "pca" in config.model_fields_set:
        return config, []
    pca = min(REDUCED, max(1, examples // 2))
    sentence = _("{model} does not bear {features} features: they are reduced to {pca} principal components.")
    told = sentence.format(model=config.model, features=features, pca=pca)
    return config.model_copy(update={"pca": pca}), [told]
