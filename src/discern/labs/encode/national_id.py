"""Taiwan's national ID number: a person encoded by a rule, with a check digit that is computed term by term.

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
OBSOLETE = "LRSY"  # letters of counties that no longer exist
PATTERN = re.compile("[A-Z][1289][0-9]{8}")


@dataclass(frozen=True)
class NationalId(Result):
    """The check sum of an ID number."""

    number: str  # the letter and the nine digits
    digits: np.ndarray  # int64 (11,): the letter's two digits and the nine
    products: np.ndarray  # int64 (11,): each digit times its weight
    total: int  # sum of the products
    is_valid: bool  # whether that is a multiple of ten
    corrected: str  # the number with the check digit that makes it one
    undetected: tuple[str, ...]  # for each of the ten characters, those that leave the remainder as it is
    generated: tuple[str, ...]  # other valid numbers, drawn at random

    figsize = (9.0, 3.6)

    def sentences(self) -> Sequence[str]:
        verdict = _("{number} is valid: the sum {total} is a multiple of 10.")
        if not self.is_valid:
            verdict = _(
                "{number} is invalid: the sum {total} leaves a remainder of {remainder} when divided by 10; with the "
                "correct check digit it is {corrected}."
            )
        letter, sex = self.number[0], self.number[1]
        meaning = {
            "1": _("{letter} is {county}, {sex} a man."),
            "2": _("{letter} is {county}, {sex} a woman."),
            "8": _("{letter} is {county}, {sex} a man who is a foreign resident."),
            "9": _("{letter} is {county}, {sex} a woman who is a foreign resident."),
        }[sex]
        remainder = self.total % 10
        return [
            verdict.format(number=self.number, total=self.total, remainder=remainder, corrected=self.corrected),
            meaning.format(letter=letter, county=_counties()[letter], sex=sex),
            _(
                "A wrong digit is always detected where its weight shares no factor with 10; elsewhere the digits in "
                "the last column go undetected."
            ),
            _("A swap of two adjacent digits is always detected, except of the last two, whose weights are both 1."),
            _("A valid number has the correct form; whether it belongs to anybody, arithmetic cannot tell."),
        ]

    def tables(self) -> Sequence[Table]:
        letter = self.number[0]
        undetected = (None, *(others or None for others in self.undetected))
        characters = letter + self.number  # the letter stands for two digits
        cells = (characters, self.digits.tolist(), WEIGHTS, self.products.tolist(), undetected)
        rows: list[tuple[Cell, ...]] = list(zip(*cells, strict=True))
        rows.append((_("sum"), "", "", self.total, ""))  # the last row is never folded away
        columns = (_("character"), _("digit"), _("weight"), _("product"), _("undetected replacements"))
        tables = [Table(_("{letter} counts as {code}").format(letter=letter, code=CODES[letter]), columns, rows)]
        if self.generated:
            numbers = [(number, _counties()[number[0]]) for number in self.generated]
            title = _("Valid numbers, drawn at random")
            tables.append(Table(title, (_("number"), _("letter")), numbers, text_columns=2, max_rows=10))
        return tables

    def plot(self, figure: Figure) -> None:
        titles = (_("digits"), _("weights"), _("products, sum {total}").format(total=self.total))
        rows = (self.digits, np.array(WEIGHTS), self.products)
        for ax, title, row in zip(figure.subplots(3, 1), titles, rows, strict=True):
            draw_matrix(ax, row[None].astype(float), title, framed=[(0, len(row) - 1)])
            ax.set_xticks(range(len(row)), self.number[0] + self.number)


def check_number(number: str, generate: int, seed: int) -> NationalId:
    """Compute the check sum of a number, and draw ``generate`` others.

    Raises `ConfigError` when it is not a letter, a digit for the sex and eight more digits.

    Examples
    --------
    >>> result = check_number("A234567890", 0, 0)
    >>> result.total, result.is_valid, result.corrected
    (157, False, 'A234567893')
    """
    text = number.strip().upper()
    if not PATTERN.fullmatch(text):
        message = _(
            "Expected an ID number, a letter, then 1 or 2 (8 or 9 for foreign residents), then eight digits, such as "
            "A123456789, got {number}."
        )
        raise ConfigError(message.format(number=repr(number)))
    digits = to_digits(text)
    products = digits * WEIGHTS
    total = int(products.sum())
    remainder = compute_remainder(text)
    undetected = []
    for i, character in enumerate(text):
        candidates = [other for other in (CODES if i == 0 else "0123456789") if other != character]
        passing = (c for c in candidates if compute_remainder(text[:i] + c + text[i + 1 :]) == remainder)
        undetected.append("".join(passing))
    random = np.random.default_rng(seed)
    generated = tuple(draw_number(random) for _number in range(generate))
    corrected = add_check_digit(text[:9])
    return NationalId(text, digits, products, total, remainder == 0, corrected, tuple(undetected), generated)


def to_digits(number: str) -> np.ndarray:
    """Return the eleven digits of a letter and nine digits.

    Examples
    --------
    >>> to_digits("A123456789").tolist()
    [1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    return np.array([*divmod(CODES[number[0]], 10), *map(int, number[1:])])


def compute_remainder(number: str) -> int:
    """Compute the weighted sum of the digits modulo ten.

    Examples
    --------
    >>> compute_remainder("A123456789")
    0
    """
    return int(to_digits(number) @ WEIGHTS) % 10


def add_check_digit(start: str) -> str:
    """Complete a letter and eight digits with their check digit.

    Examples
    --------
    >>> add_check_digit("A12345678")
    'A123456789'
    """
    return f"{start}{-compute_remainder(start + '0') % 10}"  # the check digit has weight 1


def draw_number(random: np.random.Generator) -> str:
    """Draw a valid number of a county that exists today."""
    letter = random.choice([letter for letter in CODES if letter not in OBSOLETE])
    return add_check_digit(f"{letter}{random.integers(1, 3)}{random.integers(10**7):07d}")


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
