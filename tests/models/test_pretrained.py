from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
import torchvision
from torchvision.models import ResNet18_Weights

from discern.errors import DownloadError, ModelError
from discern.files import cache_folder
from discern.models.pretrained import (
    IMAGENET,
    SYMMETRIC,
    InputSpec,
    fetch_weights,
    find_official,
    get_input_spec,
    guess_architecture,
)
from discern.models.registry import TABLE
from discern.preprocess.spec import Preprocess
from tests.hub import hub

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILE = f"resnet18-{DIGEST[:8]}.pth"
TIMMS = "/timm/mobilenetv1_100.ra4_e3600_r224_in1k/resolve/main/model.safetensors"
CACHED = "mobilenetv1_100.ra4_e3600_r224_in1k.safetensors"


def move(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let torchvision say that its ResNet-18 is at ``url``."""
    monkeypatch.setattr(ResNet18_Weights.DEFAULT.value, "url", url)


def test_torchvisions_file_is_fetched_once(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[tuple[str, int, int]] = []
    with hub({f"/models/{FILE}": CONTENT}) as (address, asked):
        move(monkeypatch, f"{address}/models/{FILE}")
        path, input_spec = fetch_weights("resnet18", lambda *report: reports.append(report))
        assert path == cache_folder() / "weights" / FILE
        assert path.read_bytes() == CONTENT
        assert input_spec == InputSpec(224, *IMAGENET)
        assert reports[-1] == (f"downloading {FILE}", len(CONTENT), len(CONTENT))
        assert fetch_weights("torchvision:resnet18")[0] == path
        assert asked == [("GET", f"/models/{FILE}")]
    monkeypatch.setenv("DISCERN_OFFLINE", "1")
    assert fetch_weights("resnet18") == (path, input_spec)


def test_timms_file_is_fetched_once_and_checked_by_the_hubs_checksum(
    online: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub({TIMMS: CONTENT}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", f"{address}/")
        path, input_spec = fetch_weights("timm:mobilenetv1_100")
        assert path == cache_folder() / "weights" / CACHED
        assert path.read_bytes() == CONTENT
        assert input_spec == InputSpec(224, *SYMMETRIC, "bicubic")
        assert asked == [("HEAD", TIMMS), ("GET", TIMMS)]
        fetch_weights("timm:mobilenetv1_100")
        assert len(asked) == 2


def test_what_does_not_have_its_checksum_is_not_kept(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = CONTENT[:-1] + b"!"
    with hub({f"/{FILE}": other, TIMMS: other}, {TIMMS: f'"{DIGEST}"'}) as (address, _asked):
        move(monkeypatch, f"{address}/{FILE}")
        monkeypatch.setenv("HF_ENDPOINT", address)
        for name in ("resnet18", "timm:mobilenetv1_100"):
            with pytest.raises(DownloadError, match="its checksum is wrong"):
                fetch_weights(name)
    assert list((cache_folder() / "weights").iterdir()) == []


def test_a_hub_that_states_no_checksum_is_not_believed(online: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub({TIMMS: CONTENT}, {TIMMS: ""}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(DownloadError, match="states no checksum"):
            fetch_weights("timm:mobilenetv1_100")
    assert asked == [("HEAD", TIMMS)]


@pytest.mark.parametrize("name", ["resnet18", "timm:mobilenetv1_100"])
def test_an_unreachable_hub_is_one_sentence_with_the_file_the_folder_and_the_address(
    online: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    move(monkeypatch, f"http://127.0.0.1:1/models/{FILE}")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadError) as caught:
        fetch_weights(name)
    message, official = str(caught.value), find_official(name)
    assert official is not None
    assert message.startswith(f"The weights of {name} could not be downloaded (")
    assert f"put {official.file} from {official.url} into {cache_folder() / 'weights'}" in message
    assert "refused" in caught.value.reason and "\n" not in message


def test_offline_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match=r"\(DISCERN_OFFLINE is set\): put resnet18-f37072fd\.pth from"):
        fetch_weights("resnet18")


@pytest.mark.parametrize("name, file", [("resnet18", FILE), ("timm:mobilenetv1_100", CACHED)])
@pytest.mark.parametrize("place", ["chosen", "beside the data", "cache"])
def test_a_local_file_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str, place: str
) -> None:
    move(monkeypatch, f"http://127.0.0.1:1/{FILE}")
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path / "data"))
    folders = {"beside the data": tmp_path / "weights", "cache": cache_folder() / "weights"}
    folder = folders.get(place, tmp_path / "chosen")
    if place == "chosen":
        monkeypatch.setenv("DISCERN_WEIGHTS", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(b"as it is")
    assert fetch_weights(name)[0] == folder / file


@pytest.mark.parametrize(
    "name", ["lenet", "mobilenet-0.25", "resnet18-narrow", "keras:MobileNet", "timm:mobilenetv1_1000", "mine.py:net"]
)
def test_a_network_without_official_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCERN_DATA", raising=False)  # weights may lie beside the images
    assert find_official(name) is None
    with pytest.raises(ModelError, match=f"no official weights for {name}: specify a file with --weights, or choose"):
        fetch_weights(name)


def test_the_nearest_that_has_weights_is_named() -> None:
    with pytest.raises(ModelError, match=r"for example .*resnet18") as caught:
        fetch_weights("resnet18-narrow")
    assert "resnet18-narrow," not in str(caught.value).split("for example")[1]


@pytest.mark.parametrize("name", [name for name in TABLE if find_official(name) is not None])
def test_every_official_file_can_be_checked_and_has_its_input(name: str) -> None:
    official = find_official(name)
    assert official is not None
    assert official.url.startswith("http") and official.url.endswith((official.file, "model.safetensors"))
    assert official.sha256 or "huggingface.co" in official.url
    assert official.input_spec.size == TABLE[name].size
    spec = Preprocess(
        size=official.input_spec.size,
        mean=official.input_spec.mean,
        std=official.input_spec.std,
        interpolation=official.input_spec.interpolation,
    )  # what the hub says is allowed here
    assert get_input_spec(name) == official.input_spec
    assert len(spec.mean) == 3


def test_what_torchvision_does_inside_is_in_the_input_spec() -> None:
    """With official weights torchvision's GoogLeNet turns images normalized as all others into -1..1."""
    pixels = torch.rand(2, 3, 8, 8)
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in IMAGENET)
    net = torchvision.models.googlenet(weights=None, init_weights=False, transform_input=True)
    inside = net._transform_input((pixels - mean) / std)
    mean, std = (
        torch.tensor(numbers).view(3, 1, 1)
        for numbers in (get_input_spec("googlenet").mean, get_input_spec("googlenet").std)
    )
    assert torch.allclose((pixels - mean) / std, inside, atol=1e-5)


def test_a_network_without_a_hub_takes_what_its_makers_gave_it() -> None:
    assert get_input_spec("mobilenet-0.5") == InputSpec(224, *SYMMETRIC)
    assert get_input_spec("resnet18-narrow") == InputSpec(TABLE["resnet18-narrow"].size, *IMAGENET)


@pytest.mark.parametrize("name", [name for name in TABLE if "mobilenet" in name and "nasnet" not in name])
def test_the_layout_of_keras_gives_the_width(name: str) -> None:
    filters = round(32 * float(TABLE[name].model_args["width"]))  # type: ignore[arg-type]
    assert guess_architecture(Path("x.safetensors"), {"conv1/kernel": (3, 3, 3, filters)}) == name
    assert guess_architecture(Path("x.safetensors"), {"conv1/kernel": (3, 3, 3, 5)}) is None


@pytest.mark.parametrize(
    "file, name",
    [
        ("resnet50-11ad3fa6.pth", "resnet50"),
        ("resnet18.safetensors", "resnet18"),
        ("ResNet18-narrow_of_mine.safetensors", "resnet18-narrow"),
        ("vgg11_bn-6002323d.pth", "vgg11-bn"),
        ("squeezenet1_0-b66bff10.pth", "squeezenet1.0"),
        ("googlenet-1378be20.pth", "googlenet"),
        ("resnet180.pth", None),
        ("model.safetensors", None),
    ],
)
def test_a_file_name_gives_the_network(file: str, name: str | None) -> None:
    assert guess_architecture(Path("somewhere") / file, {"fc.weight": (3, 4)}) == name


def test_keras_weights_at_hand_are_official_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("DISCERN_DATA", raising=False)
    with pytest.raises(ModelError, match=r"no official weights for mobilenet-0\.5"):
        fetch_weights("mobilenet-0.5")
    file = tmp_path / "mobilenet_v1_0.5_224_imagenet.safetensors"
    file.touch()
    path, input_spec = fetch_weights("mobilenet-0.5")
    assert path == file
    assert input_spec.mean == (0.5, 0.5, 0.5)
