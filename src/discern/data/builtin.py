"""The built-in data sets: digits, iris, mnist, fashion-mnist, cifar10, cifar100; bundled, or downloaded once."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset
from discern.data.cifar import CIFAR10, CIFAR100, find_cifar_layout, open_cifar
from discern.data.columns import AUTO, ColumnSpec
from discern.data.dataset import Dataset, ImageDataset, Split, Store, TableDataset
from discern.data.hub_layout import find_hub_files
from discern.data.idx import find_idx_files, open_idx
from discern.data.parquet import open_parquet
from discern.data.tabular import build_table_dataset
from discern.download import RemoteFile, download
from discern.errors import DataError, DownloadError
from discern.files import cache_folder
from discern.i18n import _
from discern.progress import Progress, ignore_progress

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _idx(mirrors: tuple[str, ...], checksums: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(f"{name}.gz", checksum, tuple(f"{mirror}{name}.gz" for mirror in mirrors))
        for name, checksum in zip(_IDX, checksums, strict=True)
    )


REMOTES: dict[str, tuple[RemoteFile, ...]] = {
    "mnist": _idx(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion-mnist": _idx(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    "cifar10": (
        RemoteFile(
            CIFAR10.archive,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            (
                f"https://www.cs.toronto.edu/~kriz/{CIFAR10.archive}",
                f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{CIFAR10.archive}",
            ),
        ),
    ),
    "cifar100": (
        RemoteFile(
            CIFAR100.archive,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            (f"https://www.cs.toronto.edu/~kriz/{CIFAR100.archive}",),
        ),
    ),
}
BUNDLED = ("digits", "iris")  # with scikit-learn
BUILTIN_NAMES = (*BUNDLED, *REMOTES)
CLASSES = {"fashion-mnist": _FASHION}  # where the files hold numbers only


def open_builtin(name: str, progress: Progress = ignore_progress, column_spec: ColumnSpec = AUTO) -> Dataset:
    """Open one of `BUILTIN_NAMES`: ``digits`` and ``iris`` come with scikit-learn, the others are downloaded once.

    A `DataError` says, where one cannot be downloaded, which files to put where.

    Examples
    --------
    >>> digits = open_builtin("digits")
    >>> len(digits), digits.classes[:3], digits.store.read(0).shape
    (1797, ('0', '1', '2'), (8, 8))
    """
    if name == "digits":
        return _open_digits()
    if name == "iris":
        return _open_iris(column_spec)
    folder = cache_folder() / "data" / name
    try:
        for remote in REMOTES[name]:
            download(remote, folder, progress)
    except DownloadError as error:
        files = ", ".join(remote.name for remote in REMOTES[name])
        message = _("{name} is not on this machine and could not be downloaded ({reason}): put {files} into {folder}.")
        message = message.format(name=name, reason=error.reason, files=files, folder=folder)
        raise DownloadError(message, error.reason) from error
    dataset = open_official(folder, name, column_spec)
    if dataset is None:
        message = _("{folder} lacks the files of {name}: delete it and try again.")
        raise DataError(message.format(folder=folder, name=name))
    return replace(dataset, name=name, origin=name)


def is_download_interrupted(folder: Path, name: str) -> bool:
    """Return whether ``folder`` holds some of the files that are downloaded for ``name``, but not all."""
    exists = [(folder / remote.name).exists() for remote in REMOTES[name]]
    return folder.parent == cache_folder() / "data" and any(exists) and not all(exists)


def open_official(folder: Path, name: str, column_spec: ColumnSpec = AUTO) -> Dataset | None:
    """Open the parquet, IDX or CIFAR files in ``folder``; None where it has none. ``name`` may give class names."""
    if find_hub_files(folder):
        return open_parquet(folder, column_spec)
    if find_idx_files(folder):
        return open_idx(folder, CLASSES.get(name, ()))
    return open_cifar(folder) if find_cifar_layout(folder) else None


class DigitsStore(Store):
    """The 1797 handwritten digits that come with scikit-learn, 8 x 8 pixels."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def read(self, index: int) -> np.ndarray:
        return self._pixels[index]

    def path(self, index: int) -> str:
        return f"digits#{index}"

    def version_key(self) -> str:
        return f"digits {len(self)}"


def _open_digits() -> ImageDataset:
    rows = _read_digits()
    pixels = np.rint(rows[:, :64].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)  # 0..16 -> 0..255
    return build_dataset(
        origin="digits",
        name="digits",
        classes=[str(number) for number in range(10)],
        labels=rows[:, 64],
        given_split=np.full(len(pixels), Split.NONE),
        store=DigitsStore(pixels),
    )


def _read_digits() -> np.ndarray:
    """Read scikit-learn's digits: int64 (1797, 65), 8 x 8 cells of 0..16, then the label.

    The file is read directly, for importing scikit-learn takes longer than many a training on them.
    """
    package = find_spec("sklearn")
    places = package.submodule_search_locations if package else None
    file = Path(places[0]) / "datasets" / "data" / "digits.csv.gz" if places else Path()
    if file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack([digits.data, digits.target]).astype(np.int64)


def _open_iris(column_spec: ColumnSpec) -> TableDataset:
    """Open the 150 flowers that Anderson measured and Fisher (1936, Annals of Eugenics 7:179) classified, in cm."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    names = [name.removesuffix(" (cm)") for name in iris.feature_names]
    cells = {name: [str(value) for value in column] for name, column in zip(names, iris.data.T, strict=True)}
    cells["species"] = [str(iris.target_names[label]) for label in iris.target]
    return replace(build_table_dataset(Path("iris"), cells, column_spec), origin="iris")
