"""The settings of the data: how much of it is held out, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from discern.i18n import N_
from discern.settings import Config, Group, canonical, setting, unknown_setting


class DataConfig(Group):
    """How a data set is split and read.

    Examples
    --------
    >>> DataConfig(validation=0.2).test
    0.2
    """

    validation: float = setting(
        0.1,
        N_("Fraction of the images held out for validation, where the data come without such a split."),
        gt=0,
        lt=0.9,
    )
    test: float = setting(
        0.2, N_("Fraction of the images held out for the test, where the data come without such a split."), ge=0, lt=0.9
    )
    train_limit: int = setting(0, N_("Most training images to use, randomly drawn (0: all)."), ge=0)
    image: str = setting("", N_("Column of a table that holds paths of images; found by its name unless given."))
    label: str = setting("", N_("Column that holds the classes of images; found by its name unless given."))
    split: str = setting("", N_("Column that holds the splits of images; found by its name unless given."))
    group: str = setting(
        "",
        N_(
            "What must not be divided between splits (a patient, a camera): a column, or a regular expression over the "
            "path whose parentheses hold its name, for example patient_(.*?)_."
        ),
    )
    duplicates: Literal["near", "exact", "off"] = setting(
        "near",
        N_(
            "Which images count as copies of others and share a split: near ones (recompressed, resized, recolored, "
            "mirrored, turned by quarters, but not cropped or turned otherwise), identical files, or none."
        ),
    )
    duplicate_threshold: float = setting(
        0.014,  # `discern.data.likeness.LIMIT`
        N_(
            "Largest difference that makes near duplicates: 1 minus the correlation of their thumbnails, relative to "
            "what is not background."
        ),
        ge=0.0,
        le=1.0,
    )
    class_depth: int = setting(
        0,
        N_("Depth of the class folders: 1 in the folder given, 2 one further in (0: found by the names of folders)."),
        ge=0,
        le=20,
    )
    # "wds:" sources stream in an order of their own (`discern.data.epoch_order`).
    cache: Literal["pixels", "stream"] = setting(
        "pixels",
        N_("Decode every image once and keep its pixels on disk, or decode it whenever it is needed, which is slower."),
    )


class TableConfig(Group):
    """What is learned of a table of numbers."""

    target: str = setting("", N_("Column of a table to learn; chosen by its name unless given."))
    task: Literal["auto", "classification", "regression"] = setting(
        "auto", N_("Whether that column holds classes or numbers; chosen by its values unless given.")
    )


class ReadConfig(Config):
    """How a data set is read where nothing is trained."""

    seed: int = setting(0, N_("Random seed of the split."), ge=0)
    data: DataConfig = DataConfig()
    table: TableConfig = TableConfig()


def make_read_config(settings: Mapping[str, Any]) -> ReadConfig:
    """Build a `ReadConfig` from settings by name; a `ConfigError` names the first that is wrong.

    Examples
    --------
    >>> make_read_config({"test": 0.3}).data.test
    0.3
    """
    known = list(ReadConfig.settings())
    settings = canonical(settings, known)
    for name in settings:
        if name not in known:
            raise unknown_setting(name, known)
    return ReadConfig.compose(settings)
