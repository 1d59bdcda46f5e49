"""Published tables of networks as data, beside what is counted from the networks that run here.

Counting builds 26 networks, which takes minutes; the counts are stored here, and a test counts them again.

The first five numbers of a row are the lecture's (and those of Keras' page of applications, as it was in 2020, which is
where the depth comes from: no other edition of that page has these figures). Its parameters include the running mean
and variance of batch normalization, which training does not change by gradient. An EfficientNet moreover holds the
statistics of its input, which its normalization layer counts as seven: mean and variance of three colors, and how many
images they come from.

That page's depth cannot be counted again: it is the number of all layers with the input for VGG16 (23) and VGG19 (26),
the number in the name for a DenseNet, and a dash where nobody had counted. What is counted here is the number of layers
that hold numbers: convolutions, normalizations, fully connected ones; a separable convolution is one. It is what Keras'
page prints today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from discern.errors import ModelError, suggest
from discern.i18n import _
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BY_HAND = {"NASNetMobile": "nasnet-mobile"}  # Keras refuses to build its own on the torch backend
BYTES = 4  # of a number: float32, and the one integer of EfficientNet is as long


@dataclass(frozen=True)
class PublishedModel:
    """One network of a published table: name to depth as printed, trainable to layers as counted with 1000 classes.

    Examples
    --------
    >>> [(row.model, row.is_equal, row.bytes) for row in LECTURE[15:17]]
    [('keras:DenseNet201', True, 80971936), ('nasnet-mobile', True, 21306864)]
    """

    name: str
    size_mb: int  # megabytes of the weights file
    top1: float | None  # accuracy on ImageNet's validation images; None where there is none
    top5: float | None
    parameters: int
    depth: int | None  # None where a dash is
    size: int  # pixels a side that it was made for
    trainable: int  # numbers that training changes by gradient
    total: int
    layers: int  # those that hold numbers

    @property
    def model(self) -> str:
        """What builds it here: a name that `discern train --model` takes."""
        return BY_HAND.get(self.name, f"keras:{self.name}")

    @property
    def is_equal(self) -> bool:
        """Whether the parameters printed are those counted."""
        return self.parameters == self.total

    @property
    def bytes(self) -> int:
        """Size of all numbers in a weights file."""
        return self.total * BYTES


# fmt: off
LECTURE = (
    PublishedModel("Xception", 88, 0.790, 0.945, 22_910_480, 126, 299, 22_855_952, 22_910_480, 81),
    PublishedModel("VGG16", 528, 0.713, 0.901, 138_357_544, 23, 224, 138_357_544, 138_357_544, 16),
    PublishedModel("VGG19", 549, 0.713, 0.900, 143_667_240, 26, 224, 143_667_240, 143_667_240, 19),
    PublishedModel("ResNet50", 98, 0.749, 0.921, 25_636_712, None, 224, 25_583_592, 25_636_712, 107),
    PublishedModel("ResNet101", 171, 0.764, 0.928, 44_707_176, None, 224, 44_601_832, 44_707_176, 209),
    PublishedModel("ResNet152", 232, 0.766, 0.931, 60_419_944, None, 224, 60_268_520, 60_419_944, 311),
    PublishedModel("ResNet50V2", 98, 0.760, 0.930, 25_613_800, None, 224, 25_568_360, 25_613_800, 103),
    PublishedModel("ResNet101V2", 171, 0.772, 0.938, 44_675_560, None, 224, 44_577_896, 44_675_560, 205),
    PublishedModel("ResNet152V2", 232, 0.780, 0.942, 60_380_648, None, 224, 60_236_904, 60_380_648, 307),
    PublishedModel("InceptionV3", 92, 0.779, 0.937, 23_851_784, 159, 299, 23_817_352, 23_851_784, 189),
    PublishedModel("InceptionResNetV2", 215, 0.803, 0.953, 55_873_736, 572, 299, 55_813_192, 55_873_736, 449),
    PublishedModel("MobileNet", 16, 0.704, 0.895, 4_253_864, 88, 224, 4_231_976, 4_253_864, 55),
    PublishedModel("MobileNetV2", 14, 0.713, 0.901, 3_538_984, 88, 224, 3_504_872, 3_538_984, 105),
    PublishedModel("DenseNet121", 33, 0.750, 0.923, 8_062_504, 121, 224, 7_978_856, 8_062_504, 242),
    PublishedModel("DenseNet169", 57, 0.762, 0.932, 14_307_880, 169, 224, 14_149_480, 14_307_880, 338),
    PublishedModel("DenseNet201", 80, 0.773, 0.936, 20_242_984, 201, 224, 20_013_928, 20_242_984, 402),
    PublishedModel("NASNetMobile", 23, 0.744, 0.919, 5_326_716, None, 224, 5_289_978, 5_326_716, 389),
    PublishedModel("NASNetLarge", 343, 0.825, 0.960, 88_949_818, None, 331, 88_753_150, 88_949_818, 533),
    PublishedModel("EfficientNetB0", 29, None, None, 5_330_571, None, 224, 5_288_548, 5_330_571, 132),
    PublishedModel("EfficientNetB1", 31, None, None, 7_856_239, None, 240, 7_794_184, 7_856_239, 186),
    PublishedModel("EfficientNetB2", 36, None, None, 9_177_569, None, 260, 9_109_994, 9_177_569, 186),
    PublishedModel("EfficientNetB3", 48, None, None, 12_320_535, None, 300, 12_233_232, 12_320_535, 210),
    PublishedModel("EfficientNetB4", 75, None, None, 19_466_823, None, 380, 19_341_616, 19_466_823, 258),
    PublishedModel("EfficientNetB5", 118, None, None, 30_562_527, None, 456, 30_389_784, 30_562_527, 312),
    PublishedModel("EfficientNetB6", 166, None, None, 43_265_143, None, 528, 43_040_704, 43_265_143, 360),
    PublishedModel("EfficientNetB7", 256, None, None, 66_658_687, None, 600, 66_347_960, 66_658_687, 438),
)
# fmt: on

TABLES = {"lecture": LECTURE}


@dataclass(frozen=True)
class PublishedTable(Result):
    """A published table of networks in its own order, each row beside what is counted here."""

    figsize = (9.0, 6.0)

    name: str
    rows: tuple[PublishedModel, ...]

    def sentences(self) -> Sequence[str]:
        equal = _("Parameters as printed and total as counted are equal in {equal} of {n} rows.")
        return [
            equal.format(equal=sum(row.is_equal for row in self.rows), n=len(self.rows)),
            _(
                "Name to depth: as the lecture prints them. Model: what builds and runs here, and is counted with 1000 "
                "classes. Trainable: what training changes by gradient. Total: with the running mean and variance of "
                "batch normalisation, and in EfficientNet the 7 statistics of its input. Layers: those that hold "
                "numbers, a separable convolution being one."
            ),
        ]

    def tables(self) -> Sequence[Table]:
        columns = (_("name"), _("model"), _("MB"), _("top-1"), _("top-5"), _("parameters"), _("depth"))
        counted = (_("trainable"), _("total"), _("layers"), _("equal"))
        rows: list[tuple[Cell, ...]] = []
        for row in self.rows:
            accuracy = [value and f"{value:.3f}" for value in (row.top1, row.top5)]
            printed = (row.name, row.model, row.size_mb, *accuracy, row.parameters, row.depth)
            rows.append((*printed, row.trainable, row.total, row.layers, "=" if row.is_equal else "≠"))
        return [Table("", (*columns, *counted), rows, text_columns=2)]

    def plot(self, figure: Figure) -> None:
        ax = figure.subplots()
        for row in (row for row in self.rows if row.top1 is not None):
            ax.semilogx(row.parameters, row.top1, "o", color="tab:blue")
            point = (row.parameters, row.top1)
            ax.annotate(row.name, point, textcoords="offset points", xytext=(5, 4), fontsize=8)
        ax.set(xlabel=_("parameters"), ylabel=_("top-1 accuracy"))

    def to_json(self) -> dict[str, Any]:
        """Return every row with its model, the bytes of its weights, and whether printed and counted are equal."""
        rows = [{**asdict(row), "model": row.model, "bytes": row.bytes, "equal": row.is_equal} for row in self.rows]
        return {"name": self.name, "rows": rows}


def get_published_table(name: str) -> PublishedTable:
    """Return the table called ``name``; see `discern.published_table`."""
    if name not in TABLES:
        raise ModelError(_('Unknown table "{name}"{hint}.').format(name=name, hint=suggest(name, TABLES)))
    return PublishedTable(name, TABLES[name])
