"""Settings as they are typed, and the names that stand for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discern.classical.config import ClassicalConfig
from discern.classical.estimators import CLASSICAL
from discern.errors import ConfigError
from discern.models.registry import TABLE
from discern.settings import ANSWERS, KNOWN_NAMES, flatten, parse_settings
from discern.training.config import TrainConfig

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


def test_a_stored_configuration_is_read_flat() -> None:
    for config in (TrainConfig(), ClassicalConfig()):
        assert flatten(config.model_dump()) == {
            name: value for name, value in config.flat().items() if name in flatten(config.model_dump())
        }
        assert flatten(config.model_dump()).keys() == config.flat().keys()


def test_names_are_unique_over_all_groups() -> None:
    for kind in (TrainConfig, ClassicalConfig):
        names = [name for group in kind.groups().values() for name in group.model_fields]
        own = [name for name in kind.model_fields if name not in kind.groups()]
        assert len({*names, *own}) == len(names) + len(own)


def test_a_known_name_of_another_tool_is_no_setting_here_and_stands_for_one() -> None:
    args = {name for spec in CLASSICAL.values() for name in spec.args.model_fields}
    settings = {*TrainConfig.settings(), *ClassicalConfig.settings(), *args}
    assert not settings & {*KNOWN_NAMES, *ANSWERS}
    assert {name for names in KNOWN_NAMES.values() for name in names} <= settings
    assert not {name for spec in TABLE.values() for name in spec.model_args} & {*KNOWN_NAMES, *ANSWERS}
