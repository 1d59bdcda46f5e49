"""Networks of other libraries keep what networks of the table keep."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from discern.errors import ModelError
from discern.models.network import Model
from discern.models.registry import build_model, count_parameters, get_model_args, get_model_spec
from discern.models.weights import load_weights, save_weights
from discern.models.wrapped import classify_output, compute_stride

CLASSES = 4
MLP = str(Path(__file__).resolve().parents[2] / "docs" / "examples" / "keras_mlp.py")
NETWORKS = [  # name, channels, size
    ("timm:mobilenetv3_small_050", 3, 64),
    ("timm:vit_tiny_patch16_224", 1, 32),
    ("timm:convnext_atto", 3, 64),
    ("torchvision:squeezenet1_1", 1, 64),
    ("torchvision:shufflenet_v2_x0_5", 3, 64),
    (f"{MLP}:sequential", 1, 28),
    (f"{MLP}:functional", 3, 28),
    (f"{MLP}:subclass", 1, 28),
    pytest.param("torchvision:googlenet", 3, 64, marks=pytest.mark.slow),
    pytest.param("torchvision:vit_b_16", 3, 32, marks=pytest.mark.slow),
    pytest.param("timm:swin_tiny_patch4_window7_224", 3, 64, marks=pytest.mark.slow),
    pytest.param("keras:MobileNet", 1, 64, marks=pytest.mark.slow),
    pytest.param("keras:EfficientNetB0", 3, 64, marks=pytest.mark.slow),
]
every = pytest.mark.parametrize(("name", "channels", "size"), NETWORKS)
CONVOLUTIONS = """
import keras
from keras import layers

def batch_norm(classes, channels, size):
    return keras.Sequential([
        keras.Input((size, size, channels)), layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, strides=2, padding="same"), layers.BatchNormalization(), layers.ReLU(),
        layers.Conv2D(16, 3, strides=2, padding="same"), layers.ReLU(),
        layers.GlobalAveragePooling2D(), layers.Dense(classes), layers.Softmax(),
    ])

def function_at_the_end(classes, channels, size):
    images = keras.Input((size, size, channels))
    x = layers.Dense(classes)(layers.Flatten()(images))
    return keras.Model(images, keras.ops.softmax(x))

def map_at_the_end(classes, channels, size):
    images = keras.Input((size, size, channels))
    x = layers.Conv2D(6, 3, strides=2, activation="relu")(images)
    return keras.Model(images, layers.GlobalAveragePooling2D()(layers.Conv2D(classes, 1)(x)))

def seeded(classes, channels, size):
    return keras.Sequential([keras.Input((size, size)), layers.Flatten(), layers.Dropout(0.5, seed=1),
                             layers.Dense(classes, activation="sigmoid")])
"""
WRITTEN = """
from torch import nn

def probabilities(classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes), nn.Softmax(dim=1))

def logarithms(classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes), nn.LogSoftmax(dim=1))

def lazy(classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))

def added(classes):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LazyLinear(classes), nn.LazyLinear(classes)
        def forward(self, x):
            return {"map": x, "logits": self.a(x.flatten(1)) + self.b(x.flatten(1)).tanh()}
    return Two()

def three_classes():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))

def assumed(classes=7, channels=1, size=40):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))

def raising():
    raise LookupError("no such layer\\nand more")

def a_list(classes):
    return [classes]

def nothing():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(4), type("Hole", (nn.Module,), {"forward": lambda s, x: None})())

a_number = 3
"""


def made(name: str, channels: int = 3, size: int = 32, seed: int = 0, classes: int = CLASSES) -> Model:
    torch.manual_seed(seed)
    return build_model(name, classes, channels, size)


def images(channels: int = 3, size: int = 32, count: int = 4) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def convolutions(tmp_path: Path) -> Path:
    (tmp_path / "convolutions.py").write_text(CONVOLUTIONS)
    return tmp_path / "convolutions.py"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "written.py").write_text(WRITTEN)
    return tmp_path / "written.py"


@every
def test_learns_copies_saves_and_loads(name: str, channels: int, size: int, tmp_path: Path) -> None:
    network, other = made(name, channels, size), made(name, channels, size)
    assert all(torch.equal(tensor, other.state_dict()[key]) for key, tensor in network.state_dict().items())
    x = images(channels, size)
    outputs = network.train().forward_train(x)
    assert all(logits.shape == (len(x), CLASSES) for logits in outputs)
    sum(nn.functional.cross_entropy(logits, torch.arange(4)) for logits in outputs).backward()
    assert not [key for key, p in network.named_parameters() if p.requires_grad and p.grad is None]
    save_weights(network, tmp_path / "model.safetensors")
    load_weights(other, tmp_path / "model.safetensors")
    again = copy.deepcopy(network).eval()
    with torch.no_grad():
        logits = network.eval()(x)
        assert logits.shape == (len(x), CLASSES)
        assert torch.equal(logits, other.eval()(x))
        assert torch.equal(logits, again(x))
        torch.testing.assert_close(network.forward_head(network.forward_features(x)), logits)
        nn.init.zeros_(next(again.parameters()))
        assert torch.equal(logits, network(x))  # a copy is its own
        last = network.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
        torch.testing.assert_close(last, logits, rtol=1e-4, atol=1e-4)


@every
def test_stages_and_heads(name: str, channels: int, size: int) -> None:
    network, x = made(name, channels, size).eval(), images(channels, size)
    with torch.no_grad():
        maps = network.stages(x)
    assert all(map.dim() == 4 and len(map) == len(x) for map in maps.values())
    sides = [map.shape[-1] for map in maps.values()]
    assert sides == sorted(sides, reverse=True)
    assert all(any(key.startswith(f"{head}.") for key in network.state_dict()) for head in network.heads)
    other = made(name, channels, size, classes=9)
    load_weights(other, network.state_dict(), "another", new=other.heads)
    assert other.eval()(x).shape == (len(x), 9)


def test_stages_have_their_strides(convolutions: Path) -> None:
    with torch.no_grad():
        maps = made("timm:resnet18", size=64).eval().stages(images(size=64))
        assert {name: tuple(map.shape[1:]) for name, map in maps.items()} == {
            "stride2": (64, 32, 32),
            "stride4": (64, 16, 16),
            "stride8": (128, 8, 8),
            "stride16": (256, 4, 4),
            "stride32": (512, 2, 2),
        }
        maps = made(f"{convolutions}:batch_norm").eval().stages(images())
        assert {name: tuple(map.shape[1:]) for name, map in maps.items()} == {
            "stride2": (8, 16, 16),
            "stride4": (16, 8, 8),
        }
        assert list(made("torchvision:squeezenet1_1", size=64).stages(images(size=64))) == [
            "stride2",
            "stride4",
            "stride8",
            "stride16",
        ]
    assert compute_stride(224, 7) == 32


def test_state_dict_is_the_librarys() -> None:
    reference = torchvision.models.shufflenet_v2_x0_5(weights=None, num_classes=CLASSES).eval()
    network = made("torchvision:shufflenet_v2_x0_5", size=64).eval()
    assert list(network.state_dict()) == list(reference.state_dict())
    network.load_state_dict(reference.state_dict())
    with torch.no_grad():
        assert torch.equal(network(images(size=64)), reference(images(size=64)))


def test_facts_of_a_name(written: Path) -> None:
    assert count_parameters("torchvision:resnet18") == 11_689_512
    assert count_parameters("timm:resnet18") == 11_689_512
    assert [get_model_spec(f"{library}:inception_v3").size for library in ("torchvision", "timm")] == [299, 299]
    assert (get_model_spec("keras:Xception").size, get_model_spec("keras:MobileNet").size) == (299, 224)
    found = get_model_spec(f"{written}:assumed")
    assert (found.classes, found.channels, found.size) == (7, 1, 40)
    assert (get_model_spec(f"{written}:lazy").classes, get_model_spec(f"{written}:lazy").size) == (10, 224)
    assert get_model_args("timm:resnet18") == {}
    for name in ("timm:resnet18", f"{written}:lazy"):
        assert get_model_spec(name).family.idea().endswith(".")
        assert get_model_spec(name).family.year is None and get_model_spec(name).family.paper is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet81", r'Unknown timm model "resnet81" \(did you mean resnet18'),
        ("timm:resnet18.a9_in1k", r'Unknown timm model "resnet18.a9_in1k" \(did you mean resnet18.a'),
        ("torchvision:fcn_resnet50", r'Unknown torchvision model "fcn_resnet50" \(did you mean resnet50'),
        ("keras:MobilNet", r'Unknown keras model "MobilNet" \(did you mean MobileNet'),
        ("tim:resnet18", '"tim:resnet18" names no library: write timm:, torchvision:, keras: before a name'),
        ("nowhere/net.py:f", "nowhere/net.py does not exist: check the path"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        get_model_spec(name)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("torchvision:inception_v3", 64, "cannot be built for images of 64x64 pixels .* --set size=299"),
        ("torchvision:vit_b_16", 28, "cannot be built for images of 28x28 pixels .* --set size=224"),
        ("torchvision:alexnet", 28, "cannot be built for images of 28x28 pixels and 3 channels"),
        ("keras:MobileNet", 28, r"Input size must be at least 32x32.*its native size is 224: --set size=224"),
        ("keras:NASNetMobile", 64, "NASNetMobile is not available with the torch backend"),
    ],
)
def test_sizes_that_do_not_fit(name: str, size: int, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        build_model(name, CLASSES, 3, size)
    assert "\n" not in str(caught.value)


def test_a_file_made_for_colour_refuses_grey_images(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 10, 28), nn.Flatten())\n"
    )
    with pytest.raises(ModelError, match=r"1 channels .*--set size=224 --set channels=3"):
        build_model(f"{path}:net", classes=10, channels=1, size=28)
    assert build_model(f"{path}:net", classes=10, channels=3, size=28)(torch.zeros(2, 3, 28, 28)).shape == (2, 10)


def test_settings_are_none_and_shapes_are_checked() -> None:
    with pytest.raises(ModelError, match='timm:resnet18 has no setting "width"'):
        build_model("timm:resnet18", CLASSES, 3, 32, {"width": 0.5})
    with pytest.raises(ModelError, match="timm:resnet18 cannot have classes=0: it must be 1 or more"):
        build_model("timm:resnet18", 0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("gone", 'has no function "gone": choose one of '),
        ("addd", r'has no function "addd" \(did you mean added'),
        ("a_number", 'has no function "a_number"'),
        ("raising", r"raising failed with LookupError \(no such layer\): fix the function"),
        ("a_list", "returns a list: it must return a torch.nn.Module or a Keras model"),
        ("three_classes", "returns 3 numbers for an image, expected 4 .*: take their count as a parameter"),
        ("nothing", "returns no tensor: it must return one number for each class"),
    ],
)
def test_functions_that_do_not_do(written: Path, function: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        made(f"{written}:{function}")
    assert "\n" not in str(caught.value)


def test_files_that_do_not_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(ModelError, match=r"broken.py failed with SyntaxError \(.*\): fix the file"):
        get_model_spec(f"{broken}:f")
    broken.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(ModelError, match=r"broken.py failed with SystemExit \(3\): fix the file"):
        get_model_spec(f"{broken}:f")


def test_a_file_may_import_its_neighbours_and_change(tmp_path: Path) -> None:
    (tmp_path / "its_neighbour.py").write_text("WIDTH = 6\n")
    file = tmp_path / "net.py"
    code = (
        "from torch import nn\nfrom its_neighbour import WIDTH\ndef net(classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(WIDTH), nn.Linear(WIDTH, classes))\n"
    )
    file.write_text(code)
    assert made(f"{file}:net").head.in_features == 6
    file.write_text(code.replace("WIDTH, classes))", "WIDTH, classes, bias=False))"))
    assert made(f"{file}:net").head.bias is None


@pytest.mark.parametrize("function", ["probabilities", "logarithms"])
def test_probabilities_become_logits(written: Path, function: str) -> None:
    network, x = made(f"{written}:{function}").eval(), images()
    with torch.no_grad():
        plain = network.net[:2](x)
        torch.testing.assert_close(network(x).softmax(dim=1), plain.softmax(dim=1))
        torch.testing.assert_close(network.forward_head(network.forward_features(x)), network(x))
    assert classify_output(plain) == "logits"


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_what_follows_the_head_does_not_depend_on_its_weights(sign: float, tmp_path: Path) -> None:
    code = f"""
import torch, torchvision
def net(classes):
    net = torchvision.models.get_model("squeezenet1_1", weights=None, num_classes=classes)
    torch.nn.init.constant_(net.classifier[1].bias, {sign})
    return net
"""
    (tmp_path / "net.py").write_text(code)
    network, x = made(f"{tmp_path / 'net.py'}:net", classes=2).eval(), images()
    torch.nn.init.normal_(network.head.bias)
    with torch.no_grad():
        torch.testing.assert_close(network.forward_head(network.forward_features(x)), network(x))


def test_an_output_of_several_heads_cannot_be_tuned_alone(written: Path) -> None:
    network = made(f"{written}:added").eval()
    assert network(images()).shape == (4, CLASSES)
    with pytest.raises(
        ModelError, match="no last layer that can be trained alone: train all of it with --finetune all"
    ):
        network.forward_features(images())


def test_keras_statistics_move_in_training_only(convolutions: Path) -> None:
    network, x = made(f"{convolutions}:batch_norm"), images()
    assert not [name for name, _p in network.named_parameters() if "moving" in name]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.eval()(x)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    network.train()(x)
    moved = [name for name, tensor in network.state_dict().items() if not torch.equal(before[name], tensor)]
    assert moved == ["body.batch_normalization/moving_mean", "body.batch_normalization/moving_variance"]


def test_keras_images_come_normalised_and_logits_go_out(convolutions: Path) -> None:
    network, x = made(f"{convolutions}:batch_norm").eval(), images()
    with torch.no_grad():
        logits = network(x)
        assert network.output == "logits"
        keras_model = network._keras[0]
        hidden = keras_model.layers[1](x.permute(0, 2, 3, 1), training=False)  # after Rescaling, passed over
        for layer in keras_model.layers[2:-2]:
            hidden = layer(hidden, training=False)
        torch.testing.assert_close(network.head(hidden), logits)


@pytest.mark.parametrize(
    ("function", "output", "features"),
    [("function_at_the_end", "probabilities", (3072,)), ("map_at_the_end", "logits", (6, 15, 15))],
)
def test_keras_ends(convolutions: Path, function: str, output: str, features: tuple[int, ...]) -> None:
    network, x = made(f"{convolutions}:{function}").eval(), images()
    with torch.no_grad():
        assert network.output == output
        assert network.forward_features(x).shape[1:] == features
        torch.testing.assert_close(network.forward_head(network.forward_features(x)), network(x))


def test_keras_without_colour_and_with_a_seed_of_its_own(convolutions: Path) -> None:
    network = made(f"{convolutions}:seeded", channels=1).train()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = network(images(1))
    assert not torch.equal(first, network(images(1)))
    network.load_state_dict(state)
    assert torch.equal(first, copy.deepcopy(network)(images(1)))
    assert torch.equal(first, network(images(1)))  # a checkpoint goes on where it was
    with pytest.raises(ModelError, match="takes images of 32x32 without colour: use --set channels=1"):
        made(f"{convolutions}:seeded", channels=3)


def test_keras_missing_or_on_another_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    from discern.models.keras_model import import_keras

    monkeypatch.setattr(import_keras().config, "backend", lambda: "jax")
    with pytest.raises(ModelError, match="Keras was imported with the backend jax, expected torch"):
        get_model_spec("keras:MobileNet")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        ModelError, match=r"Keras is not installed: install it with pip install 'discern-vision\[keras\]'"
    ):
        get_model_spec("keras:MobileNet")
