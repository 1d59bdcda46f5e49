from __future__ import annotations

import subprocess
import sys

import pytest

from discern.errors import ModelError
from discern.models.registry import TABLE, build_model, count_parameters, get_model_args, get_model_spec

PUBLISHED = {
    "mlp-course": 1_369_347,  # 2352-512-256-128-3 with biases, SYLLABUS section 1
    "feed-forward": 407_050,  # 784-512-10 with biases, SYLLABUS section 3
    "lenet": 61_706,  # 156 + 2416 + 48120 + 10164 + 850: the paper's 60,000 with C3 connected to all six maps
    "sample": 62_006,  # the PyTorch tutorial's network
    "resnet18": 11_689_512,  # torchvision
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "mobilenet": 4_231_976,  # Keras: 4,253,864 with 21,888 running statistics
    "mobilenet-0.75": 2_585_560,  # Keras: 2,601,976 with 16,416
    "mobilenet-0.5": 1_331_592,  # Keras: 1,342,536 with 10,944
    "mobilenet-0.25": 470_072,  # Keras: 475,544 with 5,472
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published(name: str) -> None:
    assert count_parameters(name) == PUBLISHED[name]


def test_reading_the_table_loads_no_torch() -> None:
    read = "from discern.models.registry import get_model_spec; get_model_spec('lenet').family.idea()"
    code = f"import sys; {read}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name, near", [("resnet81", "resnet18"), ("LeNet5", "lenet"), ("mobilnet", "mobilenet")])
def test_unknown_name_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ModelError, match=rf'Unknown model "{name}" \(did you mean .*{near}'):
        get_model_spec(name)


def test_name_like_no_other_says_how_to_list_them() -> None:
    with pytest.raises(ModelError, match="`discern models` lists them all"):
        get_model_spec("qqqqqq")


def test_arguments_replace_the_rows_own() -> None:
    network = build_model("mobilenet", classes=10, size=96, model_args={"width": 0.25, "stem": "small"})
    assert network.get_submodule("conv1").weight.shape[0] == 8
    assert network.get_submodule("conv1").stride == (1, 1)
    assert build_model("mlp-course", 3, model_args={"hidden": [64, 32]}).head.in_features == 32
    assert get_model_args("resnet18-narrow") == {
        "blocks": (2, 2, 2, 2),
        "bottleneck": False,
        "width": 0.1,
        "stem": "auto",
    }


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("lenet", {"width": 0.5}, r'lenet has no setting "width"\.'),
        ("resnet18", {"depth": 3}, 'resnet18 has no setting "depth" .did you mean width'),
        ("resnet18", {"width": "wide"}, "width='wide' is not allowed: use a value like 1.0"),
        ("resnet18", {"width": True}, "width=True is not allowed"),
        ("resnet18", {"width": 0.0}, "must be above 0"),
        ("resnet18", {"stem": "tiny"}, "choose one of auto, imagenet, small"),
        ("resnet18", {"blocks": (1, 1)}, "give four numbers"),
        ("resnet18", {"blocks": (1, 1, 1, 0.5)}, "is not allowed"),
        ("mlp-course", {"dropout": 1}, "at least 0 and below 1"),
        ("mlp-course", {"hidden": (0,)}, "each needs a neuron"),
    ],
)
def test_wrong_setting_is_named(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_model(name, 10, model_args=settings)


@pytest.mark.parametrize("what, shape", [("classes", (0, 3, 32)), ("channels", (2, 0, 32)), ("size", (2, 3, 0))])
def test_shape_below_one_is_refused(what: str, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ModelError, match=f"{what}=0"):
        build_model("cnn-course", *shape)


def test_image_too_small_for_sample() -> None:
    with pytest.raises(ModelError, match="sample needs images of at least 16x16 pixels, got 15x15"):
        build_model("sample", 10, size=15)


def test_size_is_native_unless_given() -> None:
    assert build_model("sample", 10).get_submodule("fc1").in_features == 400
    assert TABLE["lenet"].build(10, 1).get_submodule("c5").in_features == 400
