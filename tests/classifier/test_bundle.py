from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from discern.classifier import bundle
from discern.classifier.bundle import CARD, WEIGHTS, ModelCard, read_bundle, write_bundle
from discern.errors import DiskError, RunError
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess

CLASSES = ("蘋果", "banana", "<b>")
SPEC = Preprocess(size=28, resize="pad", mean=(0.1, 1 / 3, 0.3), std=(0.2, 0.25, 1.0))


def make() -> tuple[ModelCard, dict[str, Tensor]]:
    network = build_model("cnn-course", len(CLASSES), 3, 28)
    card = ModelCard(model="cnn-course", classes=CLASSES, preprocess=SPEC, made_with={"discern": "0"})
    return card, dict(network.state_dict())


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The folder of a whole bundle."""
    write_bundle(tmp_path / "run", *make())
    return tmp_path / "run"


def change_card(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps({**card, **changes}), encoding="utf-8")


def refusal(path: Path) -> str:
    """The one sentence that reading ``path`` ends in."""
    with pytest.raises(RunError) as caught:
        read_bundle(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_bundle_comes_back_bit_for_bit(tmp_path: Path) -> None:
    card, tensors = make()
    tensors = {
        name: tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
        for name, tensor in tensors.items()
    }
    write_bundle(tmp_path, card, tensors)
    assert sorted(file.name for file in tmp_path.iterdir()) == [CARD, WEIGHTS]
    found_card, found = read_bundle(tmp_path)
    assert found_card.model_copy(update={"weights": ""}) == card
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("name", ["", CARD, WEIGHTS])
def test_the_folder_or_either_file_names_it(written: Path, name: str) -> None:
    assert read_bundle(written / name)[0].classes == CLASSES


def test_writing_again_replaces_it(written: Path) -> None:
    card, tensors = make()
    write_bundle(written, card.model_copy(update={"classes": ("a", "b", "c")}), tensors)
    assert read_bundle(written)[0].classes == ("a", "b", "c")


def test_a_bundle_that_is_missing(tmp_path: Path, written: Path) -> None:
    assert "does not exist: choose a run or a bundle" in refusal(tmp_path / "nowhere")
    assert "is not a run or a bundle: it needs model.json" in refusal(tmp_path)
    (written / WEIGHTS).unlink()
    assert "is not a run or a bundle" in refusal(written)


def test_a_run_whose_training_did_not_end(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert f"has no model yet: training is unfinished; resume with `discern train --resume {tmp_path}`" in refusal(
        tmp_path
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_weights_that_were_cut_short(written: Path, share: float) -> None:
    data = (written / WEIGHTS).read_bytes()
    (written / WEIGHTS).write_bytes(data[: int(share * len(data))])
    assert "model.safetensors is truncated or corrupt (its checksum differs)" in refusal(written)


def test_one_flipped_bit(written: Path) -> None:
    data = bytearray((written / WEIGHTS).read_bytes())
    data[-5] ^= 1
    (written / WEIGHTS).write_bytes(data)
    assert "checksum differs" in refusal(written)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_card_that_was_cut_short(written: Path, share: float) -> None:
    data = (written / CARD).read_bytes()
    (written / CARD).write_bytes(data[: int(share * len(data))])
    assert "model.json is damaged or from another version" in refusal(written)


@pytest.mark.parametrize("text", ["[]", "3", '{"architectures": ["ViT"]}', '"\ud800"'])
def test_a_card_of_another_program(written: Path, text: str) -> None:
    (written / CARD).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "model.json is damaged or from another version" in refusal(written)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 1},
        {"task": "detection"},
        {"tta": ["mirror"]},
        {"backbone": None},
        {"code": "print()"},
        {"classes": "abc"},
        {"preprocess": {"size": 0}},
        {"preprocess": None},
    ],
)
def test_a_card_of_another_version(written: Path, changes: dict[str, Any]) -> None:
    change_card(written, **changes)
    assert "from another version" in refusal(written)


def test_weights_that_are_no_safetensors(written: Path) -> None:
    data = b"\x80\x04\x95pickled"
    (written / WEIGHTS).write_bytes(data)
    change_card(written, weights=hashlib.sha256(data).hexdigest())
    assert "model.safetensors is not a safetensors file" in refusal(written)


def test_a_full_disk_leaves_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, value: object) -> None:
        raise DiskError("full")

    monkeypatch.setattr(bundle, "write_json", full)
    with pytest.raises(DiskError):
        write_bundle(tmp_path, *make())
    assert "is not a run or a bundle" in refusal(tmp_path)

    def no_space(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(DiskError, match="is full: free some space"):
        write_bundle(tmp_path / "other", *make())
    assert list((tmp_path / "other").iterdir()) == []
