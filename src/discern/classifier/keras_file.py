"""Keras model files, .keras and .h5: read once, in a process of their own, into a bundle in the cache folder.

python -m discern.classifier.keras_file FILE FOLDER
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from discern.classifier.bundle import CARD, ModelCard, write_bundle
from discern.data.workers import end_with
from discern.errors import DiscernError, RunError
from discern.files import cache_folder, read_errors, read_file
from discern.i18n import _, language
from discern.models.external import summarize_error
from discern.models.keras_config import KERAS_CONFIG, check_keras_config
from discern.models.keras_model import KerasModel, import_keras, takes_bytes
from discern.preprocess.spec import Preprocess

SUFFIXES = (".keras", ".h5", ".hdf5")
VERSION = 3  # of the bundles that are written; those of another are not read
TIMEOUT = 600  # seconds
DEFAULT_SIZE = 224  # pixels a side, where the file leaves the size open


def is_keras_file(path: str | os.PathLike[str]) -> bool:
    """Return whether the name is a Keras model file's, and there is a file.

    Examples
    --------
    >>> is_keras_file("runs/fruit")
    False
    """
    return Path(path).suffix.lower() in SUFFIXES and Path(path).is_file()


def convert_keras_file(path: str | os.PathLike[str]) -> Path:
    """Return the bundle of a Keras file: that of the cache folder, or one that another process writes now.

    A `RunError` says where it is damaged, carries code, or is no classifier of images; a `ModelError` that Keras is
    missing.
    """
    keras_path = Path(path)
    with read_errors(keras_path):
        digest = hashlib.sha256(read_file(keras_path)).hexdigest()[:32]
    folder = cache_folder() / "keras" / f"{digest}-{VERSION}"
    if (folder / CARD).is_file():
        return folder
    command = [sys.executable, "-m", "discern.classifier.keras_file", str(keras_path.resolve()), str(folder)]
    environment = os.environ | {"KERAS_BACKEND": "torch", "DISCERN_LANG": language()}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        message = _("{path} was not read within {seconds} seconds: it is not opened.")
        raise RunError(message.format(path=path, seconds=TIMEOUT)) from error
    if result.returncode:
        errors = [line for line in result.stdout.splitlines() if line.startswith("{")]
        if errors:
            raise RunError(json.loads(errors[-1])["error"].replace(str(keras_path.resolve()), str(path)))
        raise RunError(
            _("{path} could not be read as a Keras model: save it as .keras with Keras 3.").format(path=path)
        )
    return folder


def write_keras_bundle(path: Path, folder: Path) -> None:
    """Write what ``path`` holds as a bundle to ``folder``, in a process of its own; errors as `convert_keras_file`."""
    try:
        config = read_config(path)
    except (OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        message = _("{path} is truncated or corrupt: copy it again, or write it again with model.save.")
        raise RunError(message.format(path=path)) from error
    check_keras_config(config, str(path))
    try:
        model = import_keras().saving.load_model(path, safe_mode=True, compile=False)
    except Exception as error:  # Keras raises many kinds
        message = _("{path} could not be read as a Keras model ({reason}): save it as .keras with Keras 3.")
        raise RunError(message.format(path=path, reason=summarize_error(error))) from error
    spec, classes = _read_preprocess(model, path), _name_classes(model, path)
    architecture = json.loads(model.to_json())
    check_keras_config(architecture, str(path))
    network = KerasModel(str(path), lambda: model, len(classes), spec.channels, spec.size, first=model, rescale=True)
    card = ModelCard(
        model=KERAS_CONFIG,
        model_args={"config": architecture},
        classes=classes,
        preprocess=spec,
        made_with={"keras": import_keras().__version__},
    )
    write_bundle(folder, card, network.state_dict())


def read_config(path: Path) -> Any:
    """Read the architecture in a file, as data; refuse a file that has its weights in other files."""
    import h5py

    if not zipfile.is_zipfile(path):
        with h5py.File(path, "r") as file:
            _check_links(file)
            return json.loads(file.attrs["model_config"])
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".h5"):
                with h5py.File(io.BytesIO(archive.read(name)), "r") as file:
                    _check_links(file)
        return json.loads(archive.read("config.json"))


def _check_links(group: Any) -> None:
    """Refuse links: HDF5 can point into other files of this machine, and a model has no need to."""
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(name)
        member = group[name]
        if isinstance(member, h5py.Group):
            _check_links(member)
        elif member.external or member.is_virtual:
            raise ValueError(name)


def _read_preprocess(model: Any, path: Path) -> Preprocess:
    """Read from the input's shape, and what the model makes of pixels, what happens to images."""
    shape = getattr(model, "input_shape", None)
    height, width, channels = _read_shape(shape if isinstance(shape, tuple) else ())
    if height != width or channels not in (1, 3):
        message = _("{path} takes inputs of shape {shape}: only square images, grayscale or RGB, are supported.")
        raise RunError(message.format(path=path, shape=shape))
    scale = (1 / 255 if takes_bytes(model, (height, width, channels)) else 1.0,) * channels
    return Preprocess(size=height, resize="stretch", channels=channels, mean=(0.0,) * channels, std=scale)


def _read_shape(shape: tuple[Any, ...]) -> tuple[int, int, int]:
    """Return height, width and channels of an input; zeros for what is no image."""
    if any(isinstance(number, tuple) for number in shape):
        return 0, 0, 0
    sides = [number or DEFAULT_SIZE for number in shape[1:3]]
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        return shape[2] or DEFAULT_SIZE, shape[3] or DEFAULT_SIZE, shape[1]
    if len(shape) == 4:
        return sides[0], sides[1], shape[3] or 3
    if len(shape) == 3:
        return sides[0], sides[1], 1
    if len(shape) == 2 and shape[1]:
        for channels in (1, 3):
            side = math.isqrt(shape[1] // channels)
            if side * side * channels == shape[1]:
                return side, side, channels
    return 0, 0, 0


def _name_classes(model: Any, path: Path) -> tuple[str, ...]:
    """Name the classes ``0`` to ``n - 1``; one number between 0 and 1 separates two classes."""
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or not isinstance(shape[1], int):
        message = _("{path} has outputs of shape {shape}: only one number per class is supported.")
        raise RunError(message.format(path=path, shape=shape))
    return tuple(map(str, range(max(2, shape[1]))))


def main() -> None:
    """Convert, or print one line with the reason and leave with exit code 2."""
    end_with(os.getppid())
    path, folder = map(Path, sys.argv[1:])
    try:
        write_keras_bundle(path, folder)
    except DiscernError as error:
        print(json.dumps({"error": str(error)}))
        sys.exit(2)


if __name__ == "__main__":
    main()
