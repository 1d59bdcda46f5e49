"""Data sets known by name: digits, iris, mnist, fashion-mnist, cifar10, cifar100. Looked up, else downloaded."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from discern.data.assemble import assemble
from discern.data.cifar import CIFAR10, CIFAR100, cifar_layout, open_cifar
from discern.data.dataset import Dataset, Part, Store
from discern.data.idx import idx_files, open_idx
from discern.data.parquet import open_parquet, parquet_files
from discern.data.rows import ANY, Question, open_rows
from discern.download import Remote, download
from discern.errors import DataError, DownloadError
from discern.files import cache_folder, data_folders
from discern.i18n import _
from discern.progress import Progress, silent

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _idx(mirrors: tuple[str, ...], checksums: tuple[str, ...]) -> tuple[Remote, ...]:
    return tuple(
        Remote(f"{name}.gz", checksum, tuple(f"{mirror}{name}.gz" for mirror in mirrors))
        for name, checksum in zip(_IDX, checksums, strict=True)
    )


REMOTES: dict[str, tuple[Remote, ...]] = {
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
        Remote(
            CIFAR10.archive,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            (
                f"https://www.cs.toronto.edu/~kriz/{CIFAR10.archive}",
                f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{CIFAR10.archive}",
            ),
        ),
    ),
    "cifar100": (
        Remote(
            CIFAR100.archive,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            (f"https://www.cs.toronto.edu/~kriz/{CIFAR100.archive}",),
        ),
    ),
}
CARRIED = ("digits", "iris")  # by scikit-learn
NAMES = (*CARRIED, *REMOTES)
CLASSES = {"fashion-mnist": _FASHION}


def open_named(name: str, progress: Progress = silent, question: Question = ANY) -> Dataset:
    """Open a data set by its name.

    ``digits`` and ``iris`` (a table of numbers) come with scikit-learn. The others are looked up as a folder of that
    name in `discern.files.data_folders`, with parquet files or the official ones in it, packed or not; else they are
    downloaded to the cache folder.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    progress : Progress
        Told of a download.
    question : Question
        Of a table of numbers.

    Raises
    ------
    DataError
        When it is not there and cannot be downloaded: the sentence says which files to put where.

    Examples
    --------
    >>> digits = open_named("digits")
    >>> len(digits), digits.classes[:3], digits.store.read(0).shape
    (1797, ('0', '1', '2'), (8, 8))
    """
    if name == "digits":
        return _digits()
    if name == "iris":
        return _iris(question)
    if (found := at_hand(name)) is not None:
        return found
    folder = cache_folder() / "data" / name
    try:
        for remote in REMOTES[name]:
            download(remote, folder, progress)
    except DownloadError as error:
        raise DownloadError(
            _(
                "{name} is not on this machine and could not be downloaded ({reason}): put {files} into {folder}."
            ).format(
                name=name,
                reason=error.reason,
                files=", ".join(remote.name for remote in REMOTES[name]),
                folder=folder,
            ),
            error.reason,
        ) from error
    opened = open_raw(folder, CLASSES.get(name, ()))
    if opened is None:
        raise DataError(
            _("{folder} lacks the files of {name}: delete it and try again.").format(folder=folder, name=name)
        )
    return replace(opened, name=name, origin=name)


def at_hand(name: str) -> Dataset | None:
    """The data set of that name where its files lie in one of the data folders; nothing is downloaded.

    Examples
    --------
    >>> at_hand("no such data") is None
    True
    """
    for folder in data_folders():
        found = open_raw(folder / name, CLASSES.get(name, ()))
        if found is not None:
            return replace(found, name=name, origin=name)
    return None


def open_raw(folder: Path, classes: tuple[str, ...] = ()) -> Dataset | None:
    """Open a folder by the files in it: parquet, IDX or CIFAR; None where it holds none of these."""
    if parquet_files(folder):
        return open_parquet(folder)
    if idx_files(folder):
        return open_idx(folder, classes)
    if cifar_layout(folder):
        return open_cifar(folder)
    return None


class DigitsStore(Store):
    """The 1797 handwritten digits that scikit-learn carries, 8 x 8 pixels."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def read(self, index: int) -> np.ndarray:
        return self._pixels[index]

    def path(self, index: int) -> str:
        return f"digits#{index}"

    def stamp(self) -> str:
        return f"digits {len(self)}"


def _digits() -> Dataset:
    found = _digit_rows()
    pixels = np.rint(found[:, :64].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)  # 0..16 -> 0..255
    return assemble(
        origin="digits",
        name="digits",
        classes=[str(number) for number in range(10)],
        labels=found[:, 64],
        given=np.full(len(pixels), Part.NONE),
        store=DigitsStore(pixels),
    )


def _digit_rows() -> np.ndarray:
    """The digits that scikit-learn carries: int64 (1797, 65), 8 x 8 cells of 0..16, then the label.

    Its file is read where it lies, for importing scikit-learn takes longer than many a training on them.
    """
    package = find_spec("sklearn")
    places = package.submodule_search_locations if package else None
    file = Path(places[0]) / "datasets" / "data" / "digits.csv.gz" if places else Path()
    if file.is_file():
        return np.loadtxt(file, delimiter=",", dtype=np.int64)
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.column_stack([found.data, found.target]).astype(np.int64)


def _iris(question: Question) -> Dataset:
    """The 150 flowers that Anderson measured and Fisher (1936, Annals of Eugenics 7:179) told apart, in centimetres."""
    from sklearn.datasets import load_iris

    found = load_iris()
    columns = [name.removesuffix(" (cm)") for name in found.feature_names]
    held = {name: [str(value) for value in column] for name, column in zip(columns, found.data.T, strict=True)}
    held["species"] = [str(found.target_names[label]) for label in found.target]
    return replace(open_rows(Path("iris"), held, question), origin="iris")
