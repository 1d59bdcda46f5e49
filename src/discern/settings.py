"""Settings, each described once: from that come ``--set``, Python keywords, tables, docs and forms.

A configuration is composed of groups, each of them a frozen pydantic class in the room that uses it. A person never
types a group: names are unique over all groups of a configuration, so ``--set lr=0.1`` is enough.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from discern.errors import ConfigError, suggest
from discern.i18n import N_, _

# What other tools call a setting.
NAMES_ELSEWHERE = {
    "lr": "learning_rate lr0 base_lr",
    "batch_size": "batch bs train_batch_size",
    "epochs": "n_epochs num_epochs max_epochs num_train_epochs",
    "size": "imgsz image_size img_size input_size",
    "early_stopping_patience": "patience",
    "optimizer": "opt",
    "weight_decay": "wd decay",
    "schedule": "scheduler lr_scheduler sched",
    "warmup": "warmup_epochs",
    "label_smoothing": "smoothing",
    "ema": "ema_decay",
    "grad_clip_norm": "clip_grad clip_grad_norm gradient_clip_val max_grad_norm",
    "accumulate_grad": "accumulate accumulate_grad_batches gradient_accumulation_steps",
    "flip": "fliplr hflip horizontal_flip",
    "rotation": "degrees",
    "zoom": "scale_jitter",
    "random_erasing": "erasing reprob",
    "seed": "random_state",
    "validation": "val_split validation_split",
    "test": "test_size",
    "n_neighbors": "k",
    "n_clusters": "k",
    "n_estimators": "n_trees",
    "pca": "n_components",
}
KNOWN_NAMES: dict[str, tuple[str, ...]] = {  # name elsewhere -> the settings it may stand for
    other: tuple(name for name, others in NAMES_ELSEWHERE.items() if other in others.split())
    for others in NAMES_ELSEWHERE.values()
    for other in others.split()
}
# Settings of other tools that discern has no use for, and why.
ANSWERS: dict[str, str] = {
    name: answer
    for names, answer in {
        "workers num_workers dataloader_num_workers": N_(
            "discern chooses by itself how many processes decode images: leave {name} out."
        ),
        "settings": N_("Settings are keywords: pass lr=0.05, not {name}={{...}}."),
        "n_jobs": N_("discern uses all cores by itself: leave {name} out."),
        "amp fp16 half": N_(
            "discern measures which precision is fastest: leave {name} out, or choose with precision=bf16."
        ),
        "num_classes classes": N_("The number of classes is that of the data: leave {name} out."),
        "loss": N_("The loss is always cross-entropy: leave {name} out; label_smoothing and class_weights change it."),
    }.items()
    for name in names.split()
}
# The groups of a configuration, and of the settings that stand at its top (""), as titles.
GROUP_TITLES: dict[str, str] = {
    "": N_("General"),
    "data": N_("Data"),
    "table": N_("Tables"),
    "preprocess": N_("Preprocessing"),
    "augmentation": N_("Augmentation"),
    "optim": N_("Optimization"),
    "finetune": N_("Transfer learning"),
    "runtime": N_("Computation"),
    "model_args": N_("Arguments of the network"),
    "estimator": N_("Arguments of the estimator"),
}


def setting(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """Declare a setting: its default, what it is (marked with `N_`), its unit, and pydantic's bounds."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)


@dataclass(frozen=True)
class Setting:
    """One setting, as a person reads it."""

    name: str  # what a person types
    group: str  # empty where it stands at the top
    default: Any  # what it is unless given, chosen by a recipe or measured
    description: str = ""  # one phrase, not yet translated
    unit: str = ""  # pixels, epochs and the like; empty where there is none
    allowed: str = ""  # the choices or the range

    @property
    def text(self) -> str:
        """Return the description in the language of the reader, with its unit."""
        text = _(self.description) if self.description else ""
        return _("{text} In {unit}.").format(text=text, unit=_(self.unit)) if self.unit else text


class Group(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _read_words(cls, value: Any, info: Any) -> Any:
        """Read ``AdamW`` as ``adamw`` where that is the choice, and ``10,20`` as a list where one is wanted."""
        if not isinstance(value, str):
            return value
        kind = cls.model_fields[info.field_name].annotation
        if get_origin(kind) is tuple:
            return [read_value(word.strip()) for word in value.split(",") if word.strip()]
        return value.lower() if value.lower() in _choices(kind) else value

    @classmethod
    def describe(cls, group: str = "") -> dict[str, Setting]:
        """Return the settings of this class by name; those of the groups in it are not among them."""
        return {
            name: Setting(name, group, field.default, field.description or "", _unit(field), _allowed_values(field))
            for name, field in cls.model_fields.items()
            if not _is_group(field)
        }


class Config(Group):
    """A configuration composed of groups: attributes whose class is a `Group`."""

    # Fields that are no settings: those that hold arguments of the model itself, and those it has no use for.
    inner: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def groups(cls) -> dict[str, type[Group]]:
        """Return the groups by name."""
        return {name: field.annotation for name, field in cls.model_fields.items() if _is_group(field)}  # type: ignore[misc]

    @classmethod
    def settings(cls) -> dict[str, Setting]:
        """Return every setting by its name, those of the groups too."""
        every = cls.describe() | {k: v for group, kind in cls.groups().items() for k, v in kind.describe(group).items()}
        return {name: each for name, each in every.items() if name not in cls.inner}

    @classmethod
    def compose(cls, values: Mapping[str, Any]) -> Self:
        """Build the configuration from settings by name, all of them known.

        A `ConfigError` names the first setting with a wrong value, the value and what is allowed.
        """
        groups: dict[str, dict[str, Any]] = {}
        own = cls.settings()
        for name, value in values.items():
            group = own[name].group if name in own else ""
            groups.setdefault(group, {})[name] = value
        try:
            return cls.model_validate({**groups.pop("", {}), **groups})
        except ValidationError as error:
            raise ConfigError(describe_error(error, values)) from error

    @property
    def stated(self) -> set[str]:
        """Return the names of the settings that were given, and are not defaults."""
        names = set(self.model_fields_set - self.groups().keys())
        return names.union(*(getattr(self, group).model_fields_set for group in self.groups()))

    def flat(self) -> dict[str, Any]:
        """Return the values of all settings by name."""
        flat = {name: value for name, value in self if name not in self.groups()}
        for group in self.groups():
            flat |= dict(getattr(self, group))
        return flat

    def replace(self, **values: Any) -> Self:
        """Return a copy with other values of settings, by name; they are not checked again."""
        known, update = self.settings(), {}
        for name, value in values.items():
            if (group := known[name].group if name in known else "") == "":
                update[name] = value
            else:
                update[group] = update.get(group, getattr(self, group)).model_copy(update={name: value})
        return self.model_copy(update=update)


def flatten(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by name of a configuration as config.json holds it.

    Examples
    --------
    >>> flatten({"model": "lenet", "optim": {"lr": 0.1}, "model_args": {"width": 1}})
    {'model': 'lenet', 'lr': 0.1, 'model_args': {'width': 1}}
    """
    flat: dict[str, Any] = {}
    for name, value in stored.items():
        is_group = name in GROUP_TITLES and name not in ("model_args", "estimator") and isinstance(value, Mapping)
        flat |= value if is_group else {name: value}
    return flat


def canonical(settings: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return ``settings`` under discern's names; what is in no way known keeps its own.

    Hyphens are underscores, letter case does not count, and `KNOWN_NAMES` are other tools' names. Raises `ConfigError`
    when two names stand for one setting.

    Examples
    --------
    >>> canonical({"learning-rate": 0.1, "Batch": 64, "C": 1}, ["lr", "batch_size", "C"])
    {'lr': 0.1, 'batch_size': 64, 'C': 1}
    """
    known = list(known)
    names: dict[str, str] = {}
    for given in settings:
        name = canonical_name(given, known)
        if name in names:
            message = _("{first} and {second} are the same setting: give one of them.")
            raise ConfigError(message.format(first=names[name], second=given))
        names[name] = given
    return {name: settings[given] for name, given in names.items()}


def canonical_name(given: str, known: Sequence[str]) -> str:
    """Return the name among ``known`` that ``given`` stands for, else ``given``."""
    if given in known:
        return given
    name = given.strip().replace("-", "_")
    by_lower = {each.lower(): each for each in known}
    for each in (name.lower(), *KNOWN_NAMES.get(name.lower(), ())):
        if each in by_lower:
            return by_lower[each]
    return name


def unknown_setting(name: str, known: Sequence[str], owner: str = "", listed: str = "") -> ConfigError:
    """Return the error for a setting that does not exist, or that ``owner`` does not take.

    ``listed`` is the command that lists those ``known``, where they are too many for a sentence.
    """
    if name in ANSWERS:
        return ConfigError(_(ANSWERS[name]).format(name=name))
    # A name that stands for a setting elsewhere must not be answered with one that only looks like it.
    hint = suggest(name, known, listed) if name not in KNOWN_NAMES else ""
    message = _('{owner} has no setting "{name}"{hint}.') if owner else _('Unknown setting "{name}"{hint}.')
    return ConfigError(message.format(owner=owner, name=name, hint=hint))


def describe_error(error: ValidationError, values: Mapping[str, Any]) -> str:
    """Return one sentence about the first of ``values`` that is wrong; names inside a mapping are settings, too."""
    errors = error.errors()
    path = [part for part in errors[0]["loc"] if isinstance(part, str)]
    name = next((part for part in path if part in values), None)
    if name is None:  # about several settings together
        return str(errors[0].get("ctx", {}).get("error", errors[0]["msg"]))
    value, inside = values[name], path[path.index(name) + 1 :]
    if isinstance(value, Mapping) and inside:
        name, value = inside[0], value[inside[0]]
        allowed = _("a number, a word or a list of whole numbers")
    else:  # a setting of two kinds, a word or a number, has an error of each
        allowed = _(" or ").join(dict.fromkeys(_allowed(each) for each in errors if name in each["loc"]))
    return _("{name}={value} is not allowed: {allowed}.").format(name=name, value=value, allowed=allowed)


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``["lr=0.1", "flip=false"]`` as a dictionary; values are JSON where they can be, else words.

    Raises `ConfigError` when a pair has no ``=``.

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
        settings[name.strip()] = read_value(value)
    return settings


def read_value(text: str) -> Any:
    """Read a number, true, false, a list; a word where it is none of them."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()


def format_setting(value: Any) -> str:
    """Format a value as it is typed; a dash where there is none.

    Examples
    --------
    >>> format_setting(True), format_setting([10, 20]), format_setting(0.5), format_setting([])
    ('true', '10,20', '0.5', '–')
    """
    if value in (None, "", (), [], {}):
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _allowed(error: Any) -> str:
    """Return what pydantic says is allowed, as a translated phrase."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return _("one of {choices}").format(choices=str(context["expected"]).replace("'", "").replace(" or ", ", "))
    bounds = {
        "greater_than": _("above {x}"),
        "greater_than_equal": _("{x} or more"),
        "less_than": _("below {x}"),
        "less_than_equal": _("at most {x}"),
    }
    if error["type"] in bounds:
        return bounds[error["type"]].format(x=next(iter(context.values())))
    kinds = {
        "bool": _("true or false"),
        "int": _("a whole number"),
        "float": _("a number"),
        "finite": _("a number"),
        "tuple": _("a list"),
        "dict": _("settings by name"),
    }
    return kinds.get(error["type"].split("_")[0], _("a word"))


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Group)


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _choices(kind: Any) -> tuple[Any, ...]:
    """Return the values of a `Literal`, in whatever it stands; none of other kinds."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for inner in get_args(kind) if inner is not NoneType for choice in _choices(inner))


def _allowed_values(field: FieldInfo) -> str:
    """Return the choices of a field, or its range: ``crop, pad``, ``> 0, ≤ 1``, ``false, true``."""
    if choices := _choices(field.annotation):
        return ", ".join(map(str, choices)) + (_(" or a number") if float in get_args(field.annotation) else "")
    if field.annotation is bool:
        return "false, true"
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return ", ".join(
        f"{sign} {getattr(bound, name):,}"
        for bound in field.metadata
        for name, sign in signs.items()
        if hasattr(bound, name)
    )
