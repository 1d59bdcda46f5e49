from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from discern.errors import ConfigError
from discern.preprocess.augment import Augmentation
from discern.training.config import Config, make_config, parse_settings


def test_a_config_is_frozen_and_json() -> None:
    config = make_config({"epochs": 3, "milestones": [1, 2], "width": 0.5}, ["width"])
    assert Config.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 4  # type: ignore[misc]


def test_the_networks_settings_go_to_the_network() -> None:
    config = make_config({"lr": 0.5, "width": 0.25, "network": {"stem": "small"}}, ["width", "stem"])
    assert config.network == {"stem": "small", "width": 0.25}
    assert config.lr == 0.5


@pytest.mark.parametrize("name, near", [("smoothing", "label_smoothing"), ("wdith", "width"), ("epoch", "epochs")])
def test_an_unknown_setting_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=rf"^There is no setting '{name}'\. Did you mean .*{near}.*\?$"):
        make_config({name: 1}, ["width"])


def test_an_unknown_setting_like_no_other_gives_them_all() -> None:
    with pytest.raises(ConfigError, match=r"^There is no setting 'zzz'\. There are: flip, shift,.*device, width\.$"):
        make_config({"zzz": 1}, ["width"])


@pytest.mark.parametrize(
    "name, value, allowed",
    [
        ("optimizer", "sdg", "one of sgd, adamw, adam, rmsprop, gd, muon"),
        ("channels", 4, "one of 1, 3"),
        ("schedule", 3, "one of cosine, triangular, onecycle, step, multistep, constant"),
        ("epochs", 0, "1 or more"),
        ("epochs", "many", "a whole number"),
        ("epochs", 2.5, "a whole number"),
        ("lr", 0, "above 0.0"),
        ("lr", "fast", "a number"),
        ("lr", float("nan"), "a number"),
        ("lr", float("inf"), "a number"),
        ("momentum", 1, "below 1.0"),
        ("momentum", -0.1, "0.0 or more"),
        ("rotation", 181, "at most 180.0"),
        ("flip", "maybe", "true or false"),
        ("milestones", 3, "a list"),
        ("milestones", ["x"], "a whole number"),
        ("device", 5, "a word"),
        ("model", None, "a word"),
        ("network", 5, "settings by name"),
        ("width", {"a": 1}, "a number, a word or a list of whole numbers"),
        ("hidden", [1.5], "a number, a word or a list of whole numbers"),
        ("width", None, "a number, a word or a list of whole numbers"),
    ],
)
def test_a_wrong_value_names_the_setting_the_value_and_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    sentence = f"{name}={value} is not allowed: {allowed}."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make_config({name: value}, ["width", "hidden"])


def test_a_wrong_value_given_inside_network_is_named_too() -> None:
    with pytest.raises(ConfigError, match=r"^stem=None is not allowed: a number, a word or a list of whole numbers\.$"):
        make_config({"network": {"stem": None}, "width": 0.5}, ["width", "stem"])


def test_augmentation_is_what_is_asked_for_or_nothing() -> None:
    config = Config(flip=True, mixup=0.2)
    assert config.augmentation == Augmentation(flip=True, mixup=0.2)
    assert config.model_copy(update={"augment": False}).augmentation == Augmentation()


@pytest.mark.parametrize("name", Augmentation.model_fields)
def test_every_augmentation_is_a_setting_with_the_same_limits(name: str) -> None:
    here, there = Config.model_fields[name], Augmentation.model_fields[name]
    assert (here.annotation, here.default, here.metadata) == (there.annotation, there.default, there.metadata)


VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.lists(st.integers(), max_size=3))


@given(st.dictionaries(st.sampled_from(["lr", "flip", "milestones", "stem"]), VALUES))
def test_pairs_come_back_as_values(settings: dict[str, Any]) -> None:
    assert parse_settings([f"{name}={json.dumps(value)}" for name, value in settings.items()]) == settings


def test_words_need_no_quotes_and_may_hold_an_equals_sign() -> None:
    assert parse_settings(["optimizer=sgd", " stem = small ", "name=a=b"]) == {
        "optimizer": "sgd",
        "stem": "small",
        "name": "a=b",
    }


@pytest.mark.parametrize("pair", ["lr", "=3", ""])
def test_a_pair_without_a_name_or_value(pair: str) -> None:
    with pytest.raises(ConfigError, match=rf"--set takes NAME=VALUE, for example --set lr=0\.05, not '{pair}'"):
        parse_settings([pair])
