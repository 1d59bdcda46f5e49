"""Taiwan's national ID number: a person encoded by a rule, with a check digit that is worked out term by term.

A letter for the county of first registration, a digit for the sex, seven digits in order and a check digit. The letter
counts as two digits; the eleven digits times their weights must sum to a multiple of ten.

Source: the household registration rules of Taiwan's Ministry of the Interior; since 2021 foreign residents' numbers
have the same form, with 8 and 9 for the sex.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _
from discern.labs.drawing import draw_matrix
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CODES = {letter: code for code, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", start=10)}
WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
GONE = "LRSY"  # letters that are no longer given out
FORM = re.compile("[A-Z][1289][0-9]{8}")


@dataclass(frozen=True)
class NationalId(Result):
    """The sum behind a number.

    Attributes
    ----------
    number : str
        The letter and the nine digits.
    digits, products : numpy.ndarray
        int64 (11,): the letter's two digits and the nine, and each times its weight.
    total : int
        Sum of the products.
    valid : bool
        Whether that is a multiple of ten.
    right : str
        The number with the check digit that makes it one.
    unnoticed : tuple of str
        For each of the ten characters, what could stand in its place with the same remainder.
    made : tuple of str
        Other valid numbers, drawn.
    """

    number: str
    digits: np.ndarray
    products: np.ndarray
    total: int
    valid: bool
    right: str
    unnoticed: tuple[str, ...]
    generated: tuple[str, ...]

    figsize = (9.0, 3.6)

    def sentences(self) -> Sequence[str]:
        lines = {"number": self.number, "total": self.total, "rest": self.total % 10, "right": self.right}
        if self.valid:
            verdict = _("{number} is valid: the sum {total} is a multiple of 10.")
        else:
            verdict = _(
                "{number} is not valid: the sum {total} is {rest} over a multiple of 10; with the right check digit it "
                "would be {right}."
            )
        letter, sex = self.number[0], self.number[1]
        women, foreign = sex in "29", sex in "89"
        meaning = {
            (False, False): _("{letter} is {county}, {sex} a man."),
            (True, False): _("{letter} is {county}, {sex} a woman."),
            (False, True): _("{letter} is {county}, {sex} a man who is a foreign resident."),
            (True, True): _("{letter} is {county}, {sex} a woman who is a foreign resident."),
        }[women, foreign]
        return [
            verdict.format(**lines),
            meaning.format(letter=letter, county=_counties()[letter], sex=sex),
            _(
                "A wrong digit is always noticed where its weight has no factor in common with 10; elsewhere those of "
                "the last column would pass as well."
            ),
            _(
                "Two neighbouring digits that changed places are always noticed but for the last two, whose weights "
                "are both 1."
            ),
            _("A number that passes has the right form; whether it is anybody's, arithmetic cannot say."),
        ]

    def tables(self) -> Sequence[Table]:
        letter = self.number[0]
        written = [letter, letter, *self.number[1:]]
        unnoticed = ["", *self.unnoticed]
        rows: list[tuple[Cell, ...]] = [
            (written[i], int(self.digits[i]), WEIGHTS[i], int(self.products[i]), unnoticed[i] or "-")
            for i in range(len(WEIGHTS))
        ]
        rows.append((_("sum"), "", "", self.total, ""))
        titles = (_("written"), _("digit"), _("weight"), _("product"), _("would pass as well"))
        tables = [Table(_("{letter} counts as {code}").format(letter=letter, code=CODES[letter]), titles, rows)]
        if self.generated:
            drawn = [(number, _counties()[number[0]]) for number in self.generated]
            tables.append(Table(_("Valid numbers, drawn"), (_("number"), _("letter")), drawn))
        return tables

    def plot(self, figure: Figure) -> None:
        titles = (_("digits"), _("weights"), _("products, sum {total}").format(total=self.total))
        rows = (self.digits, np.array(WEIGHTS), self.products)
        marks = [self.number[0], self.number[0], *self.number[1:]]
        for ax, title, row in zip(figure.subplots(3, 1), titles, rows, strict=True):
            draw_matrix(ax, row[None].astype(float), title, framed=[(0, len(row) - 1)])
            ax.set_xticks(range(len(row)), marks)


def check(number: str, make: int, seed: int) -> NationalId:
    """Work out the sum of a number, and draw others.

    Raises
    ------
    ConfigError
        When it is not a letter, a digit for the sex and eight more digits.

    Examples
    --------
    >>> found = check("A234567890", 0, 0)
    >>> found.total, found.valid, found.right
    (157, False, 'A234567893')
    """
    written = number.strip().upper()
    if not FORM.fullmatch(written):
        message = _(
            "{number} has not the form of an ID number: write a letter, then 1 or 2 (8 or 9 for foreign residents), "
            "then eight digits, such as A123456789."
        )
        raise ConfigError(message.format(number=repr(number)))
    digits = digits_of(written)
    products = digits * WEIGHTS
    total = int(products.sum())
    own = remainder(written)
    others = []
    for i, character in enumerate(written):
        pool = [other for other in (CODES if i == 0 else "0123456789") if other != character]
        others.append("".join(other for other in pool if remainder(written[:i] + other + written[i + 1 :]) == own))
    random = np.random.default_rng(seed)
    generated = tuple(draw(random) for _turn in range(make))
    return NationalId(written, digits, products, total, own == 0, completed(written[:9]), tuple(others), generated)


def digits_of(number: str) -> np.ndarray:
    """Return the eleven digits of a letter and nine digits.

    Examples
    --------
    >>> digits_of("A123456789").tolist()
    [1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    return np.array([*divmod(CODES[number[0]], 10), *map(int, number[1:])])


def remainder(number: str) -> int:
    """Return what the sum is over a multiple of ten.

    Examples
    --------
    >>> remainder("A123456789")
    0
    """
    return int(digits_of(number) @ WEIGHTS) % 10


def completed(start: str) -> str:
    """Complete a letter and eight digits with their check digit.

    Examples
    --------
    >>> completed("A12345678")
    'A123456789'
    """
    return f"{start}{-remainder(start + '0') % 10}"


def draw(random: np.random.Generator) -> str:
    """Draw a valid number of a county of today."""
    letter = random.choice([letter for letter in CODES if letter not in GONE])
    return completed(f"{letter}{random.integers(1, 3)}{random.integers(10**7):07d}")


def _counties() -> dict[str, str]:
    return {
        "A": _("Taipei City"),
        "B": _("Taichung City"),
        "C": _("Keelung City"),
        "D": _("Tainan City"),
        "E": _("Kaohsiung City"),
        "F": _("New Taipei City"),
        "G": _("Yilan County"),
        "H": _("Taoyuan City"),
        "I": _("Chiayi City"),
        "J": _("Hsinchu County"),
        "K": _("Miaoli County"),
        "L": _("Taichung County (until 2010)"),
        "M": _("Nantou County"),
        "N": _("Changhua County"),
        "O": _("Hsinchu City"),
        "P": _("Yunlin County"),
        "Q": _("Chiayi County"),
        "R": _("Tainan County (until 2010)"),
        "S": _("Kaohsiung County (until 2010)"),
        "T": _("Pingtung County"),
        "U": _("Hualien County"),
        "V": _("Taitung County"),
        "W": _("Kinmen County"),
        "X": _("Penghu County"),
        "Y": _("Yangmingshan (until 1974)"),
        "Z": _("Lienchiang County"),
    }
