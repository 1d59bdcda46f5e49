from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from discern.errors import ConfigError, ModelError
from discern.preprocess.augment import Augmentation
from discern.training.config import TrainConfig, make_config, read_settings


def test_a_config_is_frozen_and_json() -> None:
    config = make_config(epochs=3, milestones=[1, 2], width=0.5)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 4  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        config.optim.epochs = 4  # type: ignore[misc]


def test_a_config_comes_back_from_its_settings() -> None:
    config = make_config(model="lenet", epochs=3, flip=True, tta=["flip"], precision="bf16")
    assert make_config(**config.flat()) == config
    assert config.stated >= {"model", "epochs", "flip", "tta", "precision"}


def test_the_networks_arguments_go_to_the_network() -> None:
    config = make_config(lr=0.5, width=0.25, model_args={"stem": "small"})
    assert config.model_args == {"stem": "small", "width": 0.25}
    assert config.optim.lr == 0.5


@pytest.mark.parametrize(
    "given, name, value",
    [
        ({"learning_rate": 0.1}, "lr", 0.1),
        ({"lr0": 0.1}, "lr", 0.1),
        ({"batch": 4}, "batch_size", 4),
        ({"batch-size": 4}, "batch_size", 4),
        ({"bs": 4}, "batch_size", 4),
        ({"imgsz": 64}, "size", 64),
        ({"image_size": 64}, "size", 64),
        ({"img-size": 64}, "size", 64),
        ({"patience": 3}, "early_stopping_patience", 3),
        ({"num_epochs": 3}, "epochs", 3),
        ({"weight-decay": 0.1}, "weight_decay", 0.1),
        ({"optimizer": "AdamW"}, "optimizer", "adamw"),
        ({"optimizer": "SGD"}, "optimizer", "sgd"),
        ({"milestones": "10,20"}, "milestones", (10, 20)),
        ({"tta": "flip,shift"}, "tta", ("flip", "shift")),
    ],
    ids=str,
)
def test_names_of_other_tools_are_understood(given: dict[str, Any], name: str, value: Any) -> None:
    assert make_config(**given).flat()[name] == value


@pytest.mark.parametrize(
    "given, message",
    [
        ({"workers": 4}, "discern chooses by itself how many processes decode images: leave workers out."),
        ({"num-workers": 4}, "discern chooses by itself"),
        ({"dropout": 0.5}, r'"dropout" is a setting of these models, choose one with --model: .*alexnet'),
        ({"model": "lenet", "dropout": 0.5}, r'lenet has no setting "dropout"; these models have it: .*alexnet'),
        ({"label_smooth": 1}, r'^Unknown setting "label_smooth" \(did you mean label_smoothing.*\?\)\.$'),
        ({"epoch": 1}, r'^Unknown setting "epoch" \(did you mean epochs.*\?\)\.$'),
        ({"model": "resnet18", "wdith": 1}, r'^Unknown setting "wdith" \(did you mean width.*\?\)\.$'),
        ({"zzz": 1}, r'^Unknown setting "zzz": `discern train --settings` lists them all\.$'),
        ({"lr": 1, "learning_rate": 2}, "lr and learning_rate are the same setting: give one of them"),
    ],
    ids=str,
)
def test_other_names_get_an_answer(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(given)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ModelError, match=r"resnet81.*resnet18"):
        make_config(model="resnet81")


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
        ("model_args", 5, "settings by name"),
        ("width", {"a": 1}, "a number, a word or a list of whole numbers"),
        ("width", [1.5], "a number, a word or a list of whole numbers"),
        ("width", None, "a number, a word or a list of whole numbers"),
        ("validation", 0.0, "above 0.0"),
    ],
)
def test_a_wrong_value_names_the_setting_the_value_and_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    sentence = f"{name}={value} is not allowed: {allowed}."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make_config(**{name: value})


@pytest.mark.parametrize("model", [None, 5])
def test_a_model_is_a_word(model: Any) -> None:
    with pytest.raises(ConfigError, match=f"^model={model} is not allowed: a word.$"):
        make_config(model=model)


def test_a_wrong_value_inside_model_args_is_named_too() -> None:
    with pytest.raises(ConfigError, match=r"^stem=None is not allowed: a number, a word or a list of whole numbers\.$"):
        make_config(model_args={"stem": None}, width=0.5)


def test_mean_and_std_fit_the_channels() -> None:
    with pytest.raises(
        ConfigError, match=r"^mean=\(0.5,\) and std=\(\) do not fit: give 3 finite numbers each, std above 0"
    ):
        make_config(mean=[0.5])


def test_augmentation_is_what_is_requested_or_nothing() -> None:
    config = make_config(flip=True, mixup=0.2)
    assert config.augmentation.effective == Augmentation(flip=True, mixup=0.2)
    assert config.replace(augment=False).augmentation.effective == Augmentation()


def test_every_setting_says_what_it_is() -> None:
    settings = TrainConfig.settings()
    assert "model_args" not in settings and settings["lr"].group == "optim"
    for name, setting in settings.items():
        assert setting.text.endswith("."), name
    assert settings["optimizer"].allowed == "sgd, adamw, adam, rmsprop, gd, muon"
    assert (settings["gamma"].allowed, settings["augment"].allowed) == ("> 0, ≤ 1", "false, true")
    assert settings["warmup"].text.endswith("In epochs.")
