from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageFilter

from discern.classifier import inference as module
from discern.classifier.bundle import WEIGHTS, ModelCard, read_bundle, write_bundle
from discern.classifier.classifier import Classifier
from discern.classifier.prediction import PredictionList, RegressionPrediction
from discern.data.batches import Batches
from discern.data.image import decode_reduced
from discern.data.open import open_data
from discern.data.pixel_cache import decode_all
from discern.data.scan import scan_images
from discern.errors import ConfigError, ImageError, ModelError, RunError
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess

CLASSES = ("ant", "bee", "蜂")
SPECS = [
    Preprocess(size=28, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3)),
    Preprocess(size=40, resize="pad", interpolation="bicubic"),
    Preprocess(size=28, resize="stretch", channels=1, mean=(0.5,), std=(0.25,)),
]


def photo(seed: int, size: tuple[int, int]) -> Image.Image:
    """Smooth colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))


def save(pil_image: Image.Image, path: Path, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pil_image.save(path, **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One image of every kind that needs something done before it is what a person sees."""
    root = tmp_path_factory.mktemp("images")
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = photo(5, (50, 70))
    clear.putalpha(Image.linear_gradient("L").resize((50, 70)))
    save(photo(0, (400, 300)), root / "ant" / "large.jpg")  # decoded at a part of its size
    save(photo(1, (90, 60)), root / "ant" / "turned.jpg", exif=turned)
    save(photo(2, (60, 60)).quantize(16), root / "ant" / "palette.png")
    save(photo(3, (64, 48)).convert("CMYK"), root / "bee" / "ink.jpg")
    save(photo(4, (33, 77)).convert("L"), root / "bee" / "grey.png")
    save(clear, root / "bee" / "clear.png")
    deep = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
    save(Image.fromarray(deep), root / "蜂" / "deep.png")
    save(photo(6, (40, 40)), root / "蜂" / "moving.gif", save_all=True, append_images=[photo(7, (40, 40))])
    save(photo(8, (28, 28)), root / "蜂" / "蜂 1.webp")
    return root


def make(spec: Preprocess = SPECS[0]) -> Classifier:
    torch.manual_seed(0)
    network = build_model("cnn-course", len(CLASSES), spec.channels, spec.size)
    return Classifier(ModelCard(model="cnn-course", classes=CLASSES, preprocess=spec), network)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.resize)
def test_training_evaluation_and_prediction_see_the_same_bytes(folder: Path, spec: Preprocess) -> None:
    dataset, classifier = open_data(folder), make(spec)
    assert dataset.classes == CLASSES
    rows = np.arange(len(dataset))
    cached = decode_all(dataset, rows, scan_images(dataset), spec)
    trained, _labels = Batches(cached, dataset.labels, rows, size=4).take(torch.from_numpy(rows))
    for row in rows:
        path = folder / dataset.store.path(row)
        seen = classifier.pixels(path)
        assert np.array_equal(seen, spec.apply(*decode_reduced(path.read_bytes(), spec.min_side))), path.name
        assert np.array_equal(seen, cached[row]), path.name
        assert np.array_equal(seen, trained[row].numpy()), path.name
        assert np.array_equal(seen, classifier.pixels(path.read_bytes())), path.name
        assert np.array_equal(seen, classifier.pixels(str(path))), path.name


def test_a_pillow_image_is_what_its_file_is(folder: Path) -> None:
    classifier = make()
    for path in files(folder):
        if path.name == "large.jpg":
            continue  # from the file it is decoded at a part of its size
        with Image.open(path) as pil_image:
            assert np.array_equal(classifier.pixels(pil_image), classifier.pixels(path)), path.name


def test_an_array_is_pixels(folder: Path) -> None:
    classifier = make()
    with Image.open(folder / "bee" / "grey.png") as pil_image:
        array = np.asarray(pil_image)
    assert np.array_equal(classifier.pixels(array), classifier.pixels(folder / "bee" / "grey.png"))
    colour = np.repeat(array[..., None], 3, axis=-1)
    assert np.array_equal(classifier.pixels(colour), classifier.pixels(array))


def test_probabilities_are_the_softmax_of_the_network(folder: Path) -> None:
    classifier = make()
    batch = np.stack([classifier.pixels(path) for path in files(folder)])
    found = classifier.probabilities(batch)
    assert found.dtype == np.float32
    assert found.shape == (9, 3)
    x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.2, 0.3]).view(3, 1, 1)
    with torch.no_grad():
        wanted = classifier.network(x).softmax(dim=1).numpy()
    assert found == pytest.approx(wanted, abs=1e-5)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_rows_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "eval_batch_size", lambda *_arguments: 4)
    classifier = make()
    batch = np.random.default_rng(0).integers(0, 256, (11, 28, 28, 3), dtype=np.uint8)
    told: list[tuple[int, int]] = []
    whole = classifier.probabilities(batch, progress=lambda what, done, total: told.append((done, total)))
    assert told == [(4, 11), (8, 11), (11, 11)]
    rows = np.array([7, 0, 7, 10])
    assert classifier.probabilities(batch, rows) == pytest.approx(whole[rows], abs=1e-6)
    assert classifier.probabilities(batch, []).shape == (0, 3)


def test_predicting_changes_nothing_and_keeps_no_gradients(folder: Path) -> None:
    classifier = make()
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    first, second = (classifier.predict(folder / "ant" / "large.jpg") for _time in range(2))
    assert first == second
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.network.state_dict().items())
    assert not classifier.network.training


def test_a_prediction_names_the_classes_most_probable_first(folder: Path) -> None:
    found = make().predict(folder / "ant" / "large.jpg", top_k=2)
    assert len(found.top) == 2
    assert found.top[0][1] >= found.top[1][1]
    assert (found.label, found.probability) == found.top[0]
    assert found.path == str(folder / "ant" / "large.jpg")
    value = json.loads(json.dumps(found.to_json()))
    assert list(value) == ["path", "label", "probability", "top"]
    assert value["top"][0] == {"label": found.label, "probability": found.probability}
    assert make().predict((folder / "ant" / "large.jpg").read_bytes()).path == ""
    assert [len(make().predict(folder / "ant" / "large.jpg", top_k=top).top) for top in (0, 1, 9)] == [1, 1, 3]


def test_a_list_of_images_gives_a_list_of_predictions(folder: Path) -> None:
    classifier, paths = make(), files(folder)
    found = classifier.predict([paths[0], paths[1].read_bytes(), str(paths[2])], top_k=2)
    assert isinstance(found, PredictionList) and len(found) == 3
    assert [each.path for each in found] == [str(paths[0]), "", str(paths[2])]
    assert [len(each.top) for each in found] == [2, 2, 2]
    assert found[0].label == classifier.predict(paths[0]).label
    assert found[:2].items == found.items[:2]
    assert found.sentences()[0].startswith(f"{paths[0]}  {found[0].label} 0.")
    assert found.to_json()["predictions"][2]["path"] == str(paths[2])
    assert len(classifier.predict(())) == 0
    with pytest.raises(ImageError, match="cannot be opened"):
        classifier.predict([paths[0], "gone.jpg"])


def test_what_is_one_image_is_said(folder: Path) -> None:
    classifier, paths = make(), files(folder)
    for wrong in (paths[:2], 3, None):
        with pytest.raises(ImageError, match=r"Expected an image \(path, bytes, array or Pillow image\), got"):
            classifier.pixels(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"discern\.load"):
        classifier.explain(paths[0])


def test_a_prediction_is_a_result(folder: Path, tmp_path: Path) -> None:
    found, figure = make().predict(folder / "ant" / "large.jpg"), Figure()
    found.plot(figure)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()][-1] == found.label
    found.save(tmp_path / "prediction.json")
    assert json.loads((tmp_path / "prediction.json").read_text(encoding="utf-8")) == found.to_json()
    number = RegressionPrediction("t.csv#1", "price", 12.5)
    assert number.sentences() == ["t.csv#1  price 12.5"] and number.to_json()["value"] == 12.5


def test_a_loaded_classifier_explains_with_what_it_was_given(tmp_path: Path) -> None:
    write_bundle(tmp_path, make().card, make().network.state_dict())
    calls = []
    loaded = Classifier.load(tmp_path, explainer=lambda *arguments, **options: calls.append((arguments, options)))
    loaded.explain("a.jpg", method="cam")
    assert calls == [((loaded, "a.jpg"), {"method": "cam"})] and loaded.source == tmp_path
    assert loaded.count_parameters() == sum(p.numel() for p in loaded.network.parameters())
    assert loaded.probabilities(loaded.dummy_batch(4)).shape == (4, 3)


def test_many_images_one_answer_each_in_order(folder: Path, tmp_path: Path) -> None:
    classifier = make()
    (tmp_path / "note.jpg").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    paths = files(folder)
    mixed = [paths[0], tmp_path / "note.jpg", paths[1], tmp_path / "gone.jpg", tmp_path / "empty.png", *paths[2:]]
    answers = list(classifier.predict_many(mixed, batch_size=4))
    errors = [path.name for path, answer in zip(mixed, answers, strict=True) if isinstance(answer, ImageError)]
    assert errors == ["note.jpg", "gone.jpg", "empty.png"]
    for path, answer in zip(mixed, answers, strict=True):
        if not isinstance(answer, ImageError):
            alone = classifier.predict(path)
            assert (answer.path, answer.label) == (str(path), alone.label)
            assert answer.probability == pytest.approx(alone.probability, abs=1e-5)


def test_a_image_that_is_not_there_or_none(tmp_path: Path) -> None:
    classifier = make()
    for path, sentence in ((tmp_path / "gone.jpg", "cannot be opened: check the name"), (tmp_path, "is a folder")):
        with pytest.raises(ImageError, match=sentence):
            classifier.predict(path)
    with pytest.raises(ImageError, match="not an image"):
        classifier.predict(b"GIT binary patch")
    whole = io.BytesIO()
    photo(0, (80, 80)).save(whole, "PNG")
    half = whole.getvalue()[: len(whole.getvalue()) // 2]
    with pytest.raises(ImageError) as caught:
        classifier.predict(half)
    assert caught.value.kind == "truncated"
    with Image.open(io.BytesIO(half)) as pil_image, pytest.raises(ImageError) as caught:
        classifier.predict(pil_image)
    assert caught.value.kind == "truncated"


def test_a_bundle_predicts_the_same_after_loading(folder: Path, tmp_path: Path) -> None:
    classifier = make()
    write_bundle(tmp_path, classifier.card, classifier.network.state_dict())
    loaded = Classifier.load(tmp_path)
    assert loaded.classes == CLASSES
    for path in files(folder):
        assert loaded.predict(path) == classifier.predict(path)


def test_a_network_with_settings_of_its_own(tmp_path: Path) -> None:
    settings = {"hidden": [8, 4], "dropout": 0.5}
    network = build_model("mlp-course", 3, 3, 28, {"hidden": [8, 4], "dropout": 0.5})
    card = ModelCard(model="mlp-course", model_args=settings, classes=CLASSES, preprocess=SPECS[0])
    write_bundle(tmp_path, card, network.state_dict())
    batch = np.zeros((2, 28, 28, 3), dtype=np.uint8)
    assert np.array_equal(
        Classifier.load(tmp_path).probabilities(batch), Classifier(card, network).probabilities(batch)
    )


def test_weights_of_another_network(tmp_path: Path) -> None:
    card = make().card
    write_bundle(tmp_path, card, build_model("mlp-course", 3, 3, 28).state_dict())
    with pytest.raises(RunError, match="do not fit the network cnn-course: copy the bundle again, or train again"):
        Classifier.load(tmp_path)
    write_bundle(tmp_path, card.model_copy(update={"model": "resnet81"}), read_bundle(tmp_path)[1])
    with pytest.raises(ModelError, match="resnet81"):
        Classifier.load(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(RunError, match="is not a run or a bundle"):
        Classifier.load(tmp_path)
