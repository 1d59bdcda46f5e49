"""Keras model files predict what Keras predicts, and bring no code in."""

from __future__ import annotations

import base64
import json
import marshal
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from discern.api.load import load
from discern.classifier import keras_file
from discern.classifier.bundle import CARD, read_bundle, write_bundle
from discern.classifier.classifier import Classifier
from discern.classifier.keras_file import convert_keras_file, write_keras_bundle
from discern.errors import ConfigError, DiscernError, ModelError, RunError
from discern.models.keras_model import import_keras

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:You are saving your model")
SUFFIXES = (".keras", ".h5")


def mlp() -> Any:
    """The lecture's."""
    layers = import_keras().layers
    return import_keras().Sequential(
        [
            import_keras().Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


def saved(model: Any, path: Path) -> Path:
    model.save(path)
    return path


def digit(path: Path, size: tuple[int, int] = (28, 28), mode: str = "L") -> Path:
    noise = np.random.default_rng(4).integers(0, 256, (*size[::-1], len(mode)), dtype=np.uint8).squeeze()
    Image.fromarray(noise).save(path)
    return path


def opened(path: Path, folder: Path) -> Classifier:
    """As `Classifier.load`, without the second process."""
    write_keras_bundle(path, folder)
    return Classifier.load(folder)


def compare(model: Any, classifier: Classifier, scale: float = 1 / 255, count: int = 5) -> None:
    """What Keras predicts for noise of the input's shape, and what the classifier does."""
    spec = classifier.card.preprocess
    pixels = np.random.default_rng(0).integers(0, 256, (count, *spec.shape), dtype=np.uint8)
    fed = (pixels * scale).astype(np.float32).reshape(count, *(side or spec.size for side in model.input_shape[1:]))
    wanted = model.predict(fed, verbose=0)
    assert classifier.probabilities(pixels) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("suffix", [".h5", pytest.param(".keras", marks=pytest.mark.slow)])
def test_the_lectures_digit(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = mlp()
    path, image = saved(model, tmp_path / f"model{suffix}"), digit(tmp_path / "Digit4.bmp", (60, 40), "RGB")
    classifier = load(path)
    assert classifier.classes == tuple("0123456789")
    with Image.open(image) as pil_image:
        x = np.asarray(pil_image.convert("L").resize((28, 28), Image.Resampling.BILINEAR), np.float32)[None] / 255
    found = classifier.predict(image, top_k=10)
    wanted = model.predict(x, verbose=0)[0]
    assert dict(found.top) == pytest.approx(dict(zip("0123456789", wanted.tolist(), strict=True)), abs=1e-5)
    compare(model, classifier)
    monkeypatch.setattr(keras_file.subprocess, "run", lambda *_a, **_k: pytest.fail("read again"))
    path.rename(tmp_path / f"moved{suffix}")
    assert load(tmp_path / f"moved{suffix}").card.model == "keras-config"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_convolutions_and_statistics(suffix: str, tmp_path: Path) -> None:
    layers = import_keras().layers
    images = import_keras().Input((32, 32, 3))
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", activation="relu")(images))
    y = layers.Conv2D(8, 1)(layers.ReLU(max_value=6)(x))
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    model = import_keras().Model(images, layers.Activation("softmax")(layers.Dense(4)(x)))
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.1, 1, np.shape(tensor)) for tensor in model.get_weights()])
    compare(model, opened(saved(model, tmp_path / f"model{suffix}"), tmp_path / "bundle"))


@pytest.mark.parametrize("first", ["Rescaling", "Normalization"])
def test_a_model_that_scales_takes_pixels(first: str, tmp_path: Path) -> None:
    layers = import_keras().layers
    scaling = layers.Rescaling(1 / 127.5, offset=-1) if first == "Rescaling" else None
    scaling = scaling or layers.Normalization(axis=-1, mean=[100.0, 120, 140], variance=[3000.0, 3500, 4000])
    model = import_keras().Sequential(
        [import_keras().Input((16, 16, 3)), scaling, layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    compare(model, opened(saved(model, tmp_path / "model.keras"), tmp_path / "bundle"), scale=1.0)


def scaled_model(place: str) -> Any:
    """A model that scales pixels at ``place``, or not at all."""
    keras, layers = import_keras(), import_keras().layers
    images = keras.Input((16, 16, 3))
    steps = {
        "augmented": lambda x: layers.Rescaling(1 / 255)(layers.RandomFlip()(x)),
        "inside": lambda x: keras.Sequential([layers.ZeroPadding2D(1), layers.Rescaling(1 / 127.5, offset=-1)])(x),
        "arithmetic": lambda x: x / 127.5 - 1,
        "centered": lambda x: x - np.array([103.9, 116.8, 123.7], np.float32),
        "from 0..1": lambda x: layers.Rescaling(2.0, offset=-1)(x),
        "nowhere": lambda x: keras.Sequential([layers.RandomFlip()])(x),
    }
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(steps[place](images)))
    return keras.Model(images, layers.Dense(3, activation="softmax")(x))


@pytest.mark.parametrize(
    ("place", "scale"),
    [("augmented", 1), ("inside", 1), ("arithmetic", 1), ("centered", 1), ("from 0..1", 1 / 255), ("nowhere", 1 / 255)],
)
def test_scaling_in_any_place(place: str, scale: float, tmp_path: Path) -> None:
    model = scaled_model(place)
    classifier = opened(saved(model, tmp_path / "model.keras"), tmp_path / "bundle")
    compare(model, classifier, scale)
    assert [notice.code for notice in classifier.notices] == ["classifier.keras_range"] * (scale != 1)


def test_models_inside_a_model(tmp_path: Path) -> None:
    """An .h5 file has the inner ones made first: their variables have other paths than in the model that was saved."""
    keras, layers = import_keras(), import_keras().layers
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, name="c"), layers.BatchNormalization()])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.Sequential([inner, layers.ReLU()], name="a"),
            keras.Sequential([layers.Conv2D(3, 3, name="c")], name="b"),
            keras.Sequential([layers.Flatten(), layers.Dense(4, activation="softmax", name="c")]),
        ]
    )
    compare(model, opened(saved(model, tmp_path / "model.h5"), tmp_path / "bundle"))


def test_the_reason_is_whole(tmp_path: Path) -> None:
    path = saved(mlp(), tmp_path / "model.keras")
    path = plant(path, lambda config: config["config"]["layers"][-1]["config"].update(groups=1))
    with pytest.raises(RunError, match=r"Unrecognized keyword arguments passed to Dense: \{'groups': 1\}\): save it"):
        write_keras_bundle(path, tmp_path / "bundle")


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1), (27,)])
def test_forms_of_input(shape: tuple[int, ...], tmp_path: Path) -> None:
    layers = import_keras().layers
    model = import_keras().Sequential(
        [import_keras().Input(shape), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    compare(model, opened(saved(model, tmp_path / "model.h5"), tmp_path / "bundle"))


def test_one_number_for_two_classes(tmp_path: Path) -> None:
    layers = import_keras().layers
    model = import_keras().Sequential(
        [import_keras().Input((8, 8)), layers.Flatten(), layers.Dense(1, activation="sigmoid")]
    )
    classifier = opened(saved(model, tmp_path / "model.h5"), tmp_path / "bundle")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    second = model.predict(pixels[..., 0] / np.float32(255), verbose=0)[:, 0]
    assert classifier.classes == ("0", "1")
    assert classifier.probabilities(pixels) == pytest.approx(np.stack([1 - second, second], axis=1), abs=1e-5)


def lambda_model() -> Any:
    layers = import_keras().layers
    return import_keras().Sequential(
        [
            import_keras().Input((8, 8)),
            layers.Lambda(lambda x: x * 2),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_code_is_refused(suffix: str, tmp_path: Path) -> None:
    path = saved(lambda_model(), tmp_path / f"model{suffix}")
    sentence = rf"model{suffix} contains code \(Lambda\) and is not opened: save the model without it"
    with pytest.raises(ModelError, match=sentence):
        write_keras_bundle(path, tmp_path / "bundle")
    with pytest.raises(RunError, match=sentence) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_a_class_of_ones_own_is_refused(tmp_path: Path) -> None:
    class Own(import_keras().Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.flatten, self.dense = import_keras().layers.Flatten(), import_keras().layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(self.flatten(x))

    model = Own()
    model(np.zeros((1, 8, 8), np.float32))
    with pytest.raises(ModelError, match=r"contains code \(Own\) and is not opened"):
        write_keras_bundle(saved(model, tmp_path / "model.keras"), tmp_path / "bundle")


def plant(path: Path, change: Any) -> Path:
    """Change the architecture inside a file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return path
    other = path.with_name(f"planted{path.suffix}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            target.writestr(name, data)
    return other


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("form", ["keras2", "keras3", "hidden"])
def test_marshalled_code_never_runs(suffix: str, form: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    source = f"(lambda x: (open({str(mark)!r}, 'w').close(), x)[1])"
    code = base64.b64encode(marshal.dumps(eval(source).__code__)).decode()
    function: Any = [code, None, None]
    if form != "keras2":
        function = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}
    layer = {"class_name": "Lambda", "config": {"name": "lambda", "function": function}}

    def change(config: dict[str, Any]) -> None:
        layers = config["config"]["layers"]
        if form == "hidden":
            layers[-1]["config"]["activation"] = function
        else:
            layers.insert(1, layer)

    path = plant(saved(mlp(), tmp_path / f"model{suffix}"), change)
    with pytest.raises(ModelError, match=r"contains code \((Lambda|__lambda__)\) and is not opened"):
        write_keras_bundle(path, tmp_path / "bundle")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_name": "Mine"}, "needs Mine, which is no layer of Keras's own: save the model as .keras"),
        ({"registered_name": "Custom>Mine"}, r"contains code \(Dense\)"),
        ({"module": "os"}, r"contains code \(Dense\)"),
        ({"module": "keras.utils", "class_name": "get_file"}, r"contains code \(get_file\)"),
        ({"class_name": "TorchModuleWrapper"}, r"contains code \(TorchModuleWrapper\)"),
        ({"class_name": "StringLookup"}, r"contains code \(StringLookup\)"),
        ({"config": {"units": "many"}}, "could not be read as a Keras model"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_strange_classes_are_refused(suffix: str, change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    path = saved(mlp(), tmp_path / f"model{suffix}")
    path = plant(path, lambda config: config["config"]["layers"][-1].update(change))
    with pytest.raises(DiscernError, match=sentence) as caught:
        write_keras_bundle(path, tmp_path / "bundle")
    assert "\n" not in str(caught.value)


def test_a_bundle_cannot_bring_code_either(tmp_path: Path) -> None:
    opened(saved(mlp(), tmp_path / "model.h5"), tmp_path / "bundle")
    card, tensors = read_bundle(tmp_path / "bundle")
    config = json.loads(json.dumps(card.model_args["config"]))
    config["config"]["layers"][-1]["class_name"] = "Lambda"
    write_bundle(tmp_path / "bad", card.model_copy(update={"model_args": {"config": config}}), tensors)
    with pytest.raises(ModelError, match=r"contains code \(Lambda\)"):
        Classifier.load(tmp_path / "bad")
    write_bundle(tmp_path / "bad", card.model_copy(update={"model_args": {"config": {}}}), tensors)
    with pytest.raises(ModelError, match="The architecture in the bundle cannot be built"):
        Classifier.load(tmp_path / "bad")
    with pytest.raises(ConfigError, match=r"--model-code net\.py:f does not go with"):
        Classifier.load(tmp_path / "bundle", model_code="net.py:f")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files(suffix: str, tmp_path: Path) -> None:
    path = saved(mlp(), tmp_path / f"model{suffix}")
    data = path.read_bytes()
    for bad in (b"", b"GIT binary patch", data[: len(data) // 2]):
        path.write_bytes(bad)
        with pytest.raises(RunError, match="is truncated or corrupt: copy it again"):
            write_keras_bundle(path, tmp_path / "bundle")


def test_weights_alone_and_links_are_refused(tmp_path: Path) -> None:
    mlp().save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(RunError, match="is truncated or corrupt"):
        write_keras_bundle(tmp_path / "model.weights.h5", tmp_path / "bundle")
    path = saved(mlp(), tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        file["model_weights"]["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(RunError, match="is truncated or corrupt"):
        write_keras_bundle(path, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("shape", "outputs", "sentence"),
    [
        ((8, 9, 3), 2, r"takes inputs of shape \(None, 8, 9, 3\): only square images"),
        ((8, 8, 2), 2, r"takes inputs of shape \(None, 8, 8, 2\)"),
        ((13,), 2, r"takes inputs of shape \(None, 13\)"),
        ((8, 8, 3), 0, r"has outputs of shape \(None, 8, 8, 3\): only one number per class"),
    ],
)
def test_what_is_no_classifier_of_images(shape: tuple[int, ...], outputs: int, sentence: str, tmp_path: Path) -> None:
    layers = import_keras().layers
    end = [layers.Flatten(), layers.Dense(outputs)] if outputs else [layers.ReLU()]
    model = import_keras().Sequential([import_keras().Input(shape), *end])
    with pytest.raises(RunError, match=sentence):
        write_keras_bundle(saved(model, tmp_path / "model.keras"), tmp_path / "bundle")


def test_the_other_process_may_die(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(mlp(), tmp_path / "model.h5")
    monkeypatch.setattr(keras_file.sys, "executable", "/bin/false")
    with pytest.raises(RunError, match=r"model.h5 could not be read as a Keras model: save it as .keras with Keras 3"):
        convert_keras_file(path)
    (tmp_path / "sleep").write_text("#!/bin/sh\nexec sleep 5\n")
    (tmp_path / "sleep").chmod(0o700)
    monkeypatch.setattr(keras_file, "TIMEOUT", 0.1)
    monkeypatch.setattr(keras_file.sys, "executable", str(tmp_path / "sleep"))
    with pytest.raises(RunError, match=r"model.h5 was not read within 0.1 seconds"):
        convert_keras_file(path)
    assert not list(tmp_path.rglob(CARD))
