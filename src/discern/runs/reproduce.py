"""The command that trains the model of a run again: on the same data and machine, to the same bits."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discern.classical.features import EMBEDDING
from discern.models.external import is_user_code
from discern.settings import flatten, read_value
from discern.training.recipes import DataProfile, resolve

# The settings that have a flag; the others are given with --set.
FLAGS = ("model", "weights", "finetune", "features", "target", "search", "cv", "recipe", "epochs", "seed")
DEVICES = ("cpu", "cuda")  # a recipe chooses by it: what it would choose elsewhere is stated, too
COMPUTED = ("mean", "std")  # from the training images, which are the same again


def write_command(written: Mapping[str, Any]) -> str:
    """Return the command for a run from its config.json.

    It states what was requested, and all that the same command would not choose again by itself: weights that were
    found on this machine, what was measured here, what a recipe chooses by the device.
    """
    words, settings = ["discern", "train", written["data"]["origin"]], complete_settings(written)
    for name in sorted(settings, key=_rank):
        text = _to_word(settings[name])
        if name == "weights" and text == "official":
            words.append("--pretrained")
        else:
            words += [f"--{name}", text] if name in FLAGS else ["--set", f"{name}={text}"]
    return shlex.join(words)


def complete_settings(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that lead to the configuration in ``written``, the requested ones first."""
    requested = dict(written["requested"])
    if "profile" not in written:  # data and seed decide the rest of a classical model
        return requested
    stored = flatten(written["config"])
    stored |= stored.pop("model_args")
    if requested.get("weights") == "official" and requested["model"] != "auto":
        stored["weights"] = "official"
    if not is_user_code(requested["model"]):
        requested["model"] = stored["model"]
    stored["model"] = requested["model"]
    profiles = [dataclasses.replace(DataProfile(**written["profile"]), device=device) for device in DEVICES]
    # One at a time, as each may change what is chosen for others: with the weights, most of the rest follows.
    while missing := set[str]().union(*(_find_missing(requested, stored, profile) for profile in profiles)):
        name = min(missing, key=_rank)
        requested[name] = stored[name]
    return requested


def _find_missing(requested: Mapping[str, Any], stored: Mapping[str, Any], profile: DataProfile) -> set[str]:
    """Return the names of the settings that are not requested and would be chosen otherwise than they are stored."""
    config, _notices = resolve(requested, profile)
    chosen = flatten(config.model_dump(mode="json"))
    chosen |= chosen.pop("model_args")
    return {name for name, value in stored.items() if chosen.get(name) != value} - {*requested, *COMPUTED}


def _rank(name: str) -> tuple[int, str]:
    return (FLAGS.index(name) if name in FLAGS else len(FLAGS)), name


def make_absolute(requested: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose paths hold from every folder."""
    settings = dict(requested)
    if "weights" in settings:
        settings["weights"] = _resolve_path(settings["weights"])
    if is_user_code(settings.get("model", "")):
        file, colon, function = settings["model"].rpartition(":")
        settings["model"] = f"{_resolve_path(file)}{colon}{function}"
    if isinstance(features := settings.get("features"), str):
        names = features.split(",")
        settings["features"] = ",".join(
            EMBEDDING + _resolve_path(name.removeprefix(EMBEDDING)) if name.startswith(EMBEDDING) else name
            for name in names
        )
    return settings


def _resolve_path(text: str) -> str:
    return str(Path(text).resolve()) if Path(text).exists() else text


def _to_word(value: Any) -> str:
    """Return a value as the command line reads it back."""
    return value if isinstance(value, str) and read_value(value) == value else json.dumps(value, ensure_ascii=False)
