"""Everything that decides the training of a classical model, frozen and checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ValidationError

from discern.classical.estimators import CLASSICAL, Arg, ClassicalSpec
from discern.classical.features import EMBEDDING, check_features
from discern.data.config import DataConfig, TableConfig
from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.notices import Notice
from discern.preprocess.spec import Preprocess
from discern.settings import Config, canonical, describe_error, read_value, setting, unknown_setting

SMALL = 64  # images up to this side are used at their own size
FLAT = 32  # pixels a side of larger images where every pixel is a feature
REDUCED = 100  # principal components for models that cannot take many features


class ClassicalConfig(Config):
    """The settings of a classical run; those of the estimator itself are in ``estimator``."""

    inner: ClassVar[tuple[str, ...]] = ("estimator", "ranges", "mean", "std")

    model: str = setting("knn", N_("Name of the model."))
    seed: int = setting(0, N_("Random seed of the split and of the estimator."), ge=0)
    features: tuple[str, ...] = setting(
        ("pixels",), N_("What the model takes of an image: pixels, color, hog, handcrafted, embedding:NET or :RUN.")
    )
    pca: int = setting(0, N_("Principal components that the features are reduced to (0: no reduction)."), ge=0)
    scale: Literal["auto", "standard", "none"] = setting(
        "auto", N_("Whether features are standardized to mean 0 and standard deviation 1.")
    )
    labeled_fraction: float = setting(
        1.0, N_("Fraction of the training labels that are used; the model learns from the rest without."), gt=0, le=1
    )
    search: Literal["none", "grid"] = setting("none", N_("Whether settings are chosen by cross-validation."))
    cv: int = setting(5, N_("Folds of the cross-validation of a search."), ge=2)
    estimator: dict[str, Arg] = setting({}, N_("Settings of the estimator itself."))
    ranges: dict[str, tuple[Arg, ...]] = setting({}, N_("Values of each setting that a search tries."))
    data: DataConfig = DataConfig()
    table: TableConfig = TableConfig()
    preprocess: Preprocess = Preprocess()

    @property
    def embeddings(self) -> tuple[str, ...]:
        """The networks and runs that ``features`` name."""
        return tuple(name.removeprefix(EMBEDDING) for name in self.features if name.startswith(EMBEDDING))


def make_classical_config(**settings: Any) -> ClassicalConfig:
    """Build a `ClassicalConfig` from settings by name, those of the estimator among them.

    A `ConfigError` names the first setting that is wrong, its value and what is allowed.

    Examples
    --------
    >>> make_classical_config(model="knn", k=5, features="color,hog").estimator
    {'n_neighbors': 5}
    """
    settings = read_classical_settings(settings)
    spec = CLASSICAL[settings["model"]]
    several, single = _separate_ranges(settings, spec)
    args = {name: value for name, value in single.items() if name in spec.args.model_fields}
    own = {name: value for name, value in single.items() if name not in args}
    features = own.get("features")
    if isinstance(features, str | list | tuple):
        own["features"] = check_features(features if isinstance(features, str) else ",".join(map(str, features)))
    if isinstance(estimator := own.get("estimator", {}), Mapping):
        own["estimator"] = _check_args({**estimator, **args}, spec)
    if several:
        own["ranges"] = {**own.get("ranges", {}), **several}
    config = ClassicalConfig.compose(own)
    if config.labeled_fraction < 1 and not spec.is_semi_supervised:
        message = _("labeled_fraction={fraction} needs a semi-supervised model, which {model} is not: use {models}.")
        able = ", ".join(name for name, each in CLASSICAL.items() if each.is_semi_supervised)
        raise ConfigError(message.format(fraction=config.labeled_fraction, model=spec.name, models=able))
    return _with_ranges(config, spec)


def read_classical_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``settings`` under discern's names; those of the estimator are among them.

    Raises `ConfigError` when a name is unknown; the message suggests what was meant.
    """
    spec = CLASSICAL[settings["model"]]
    known = [*ClassicalConfig.settings(), "estimator", "ranges", *spec.args.model_fields]
    settings = canonical(settings, known)
    for name in (name for name in settings if name not in known):
        raise unknown_setting(name, known, spec.name, f"discern train --model {spec.name} --settings")
    return settings


def resolve_classical(config: ClassicalConfig, side: int, is_gray: bool) -> ClassicalConfig:
    """Return ``config`` with what was not requested chosen by the images: ``side`` pixels, gray or not.

    Raises `ConfigError` when colors are requested of gray images.
    """
    if is_gray and "color" in config.features and "channels" not in config.stated:
        raise ConfigError(_("These images have no color: use --features hog, handcrafted or pixels."))
    settings: dict[str, Any] = {}
    if "size" not in config.stated:
        largest = FLAT if "pixels" in config.features else SMALL
        settings["size"] = side if side <= SMALL else largest
    if "channels" not in config.stated:
        settings["channels"] = 1 if is_gray else 3
    if config.scale == "auto":
        is_uniform = config.features == ("pixels",) or not CLASSICAL[config.model].needs_scaling
        settings["scale"] = "none" if is_uniform else "standard"
    return config.replace(**settings)


def reduce_features(config: ClassicalConfig, features: int, examples: int) -> tuple[ClassicalConfig, list[Notice]]:
    """Return ``config`` with principal components where the model cannot take so many features, and a notice on it."""
    max_features = CLASSICAL[config.model].max_features
    if not max_features or features <= max_features or "pca" in config.stated:
        return config, []
    pca = min(REDUCED, max(1, examples // 2))
    notice = Notice("classical.reduced", {"model": config.model, "features": features, "pca": pca})
    return config.replace(pca=pca), [notice]


def _check_args(args: Mapping[str, Any], spec: ClassicalSpec) -> dict[str, Any]:
    """Return the estimator's settings, each of its kind and in its range."""
    try:
        return spec.args.model_validate(args).model_dump(include=set(args))
    except ValidationError as error:
        raise ConfigError(describe_error(error, args)) from error


def _separate_ranges(settings: Mapping[str, Any], spec: ClassicalSpec) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the settings that are given several values (a list, or commas between), and the others."""
    several, single = {}, {}
    for name, value in settings.items():
        is_searchable = name in spec.args.model_fields or name == "pca"
        if is_searchable and isinstance(value, list | tuple):
            several[name] = list(value)
        elif is_searchable and isinstance(value, str) and "," in value:
            several[name] = [read_value(word.strip()) for word in value.split(",")]
        else:
            single[name] = value
    return several, single


def _with_ranges(config: ClassicalConfig, spec: ClassicalSpec) -> ClassicalConfig:
    """Return ``config`` with what a search tries: the ranges given, else those of the row for what was not given."""
    if config.search == "none":
        for name, values in config.ranges.items():
            message = _("{name}={values} is several values: add --search grid to try each, or give one.")
            raise ConfigError(message.format(name=name, values=",".join(map(str, values))))
        if "cv" in config.stated:
            raise ConfigError(_("--cv sets the folds of a search: add --search grid, or leave it out."))
        return config
    given = {name: _check_range(name, values, spec) for name, values in config.ranges.items()}
    ranges = {name: values for name, values in spec.ranges.items() if name not in config.estimator} | given
    if math.prod(len(values) for values in ranges.values()) < 2:
        message = _("There is nothing to search: give a setting of {model} several values, for example {example}.")
        name, values = next(iter(spec.ranges.items()))
        example = f"--set {name}={','.join(map(str, values))}"
        raise ConfigError(message.format(model=spec.name, example=example))
    return config.replace(ranges=ranges)


def _check_range(name: str, values: tuple[Any, ...], spec: ClassicalSpec) -> tuple[Arg, ...]:
    """Return the values of one setting that a search tries, each checked."""
    if name not in (*spec.args.model_fields, "pca"):
        raise unknown_setting(name, [*spec.args.model_fields, "pca"], owner=spec.name)
    if not values or (name == "pca" and not all(isinstance(each, int) and each >= 0 for each in values)):
        message = _("{name}={values} is not allowed: {allowed}.")
        allowed = _("whole numbers, 0 or more, with commas between") if values else _("at least one value")
        raise ConfigError(message.format(name=name, values=",".join(map(str, values)), allowed=allowed))
    return values if name == "pca" else tuple(_check_args({name: value}, spec)[name] for value in values)
