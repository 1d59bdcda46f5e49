from __future__ import annotations

import struct

import numpy as np
import pytest

from discern.data.image import decode
from discern.errors import ImageError


def tiff(values: np.ndarray, photometric: int = 1, numbers: int = 1, order: str = "<") -> bytes:
    """A TIFF of one uncompressed strip: values (H, W) or (H, W, bands), of any type."""
    height, width, bands = (*values.shape, 1)[:3]
    body = values.astype(values.dtype.newbyteorder(order)).tobytes()
    bits = values.dtype.itemsize * 8
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: bands, 278: height}
    entries = sorted((tags | {279: len(body), 339: numbers}).items())
    directory = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    start = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(body))
    return start + body + struct.pack(f"{order}H", len(entries)) + directory + bytes(4)


@pytest.mark.parametrize(("kind", "order"), [(np.uint8, "<"), (np.uint8, ">"), (np.uint16, "<")])
def test_white_is_zero_at_every_depth(kind: type, order: str) -> None:
    values = np.array([[0, 1], [2, 3]], kind) * (np.iinfo(kind).max // 3)
    black = np.asarray(decode(tiff(values, 1, order=order)))
    assert black.tolist() == [[0, 85], [170, 255]]
    assert np.array_equal(np.asarray(decode(tiff(values, 0, order=order))), 255 - black)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (tiff(np.zeros((4, 4)), numbers=3), "TIFF, 1 x 64 bit, float"),
        (tiff(np.zeros((4, 4), np.uint16), 0, order=">"), "TIFF, 1 x 16 bit, unsigned, big-endian, white is zero"),
        (tiff(np.zeros((4, 4, 5), np.uint8)), "TIFF, 5 x 8 bit, unsigned"),
        (tiff(np.zeros((4, 4, 3), np.float32), 2, 3, ">"), "TIFF, 3 x 32 bit, float"),
        (bytes.fromhex("ffd8 ffc3 000b 08 0010 0010 01 011100 ffd9"), "JPEG, lossless, 8 bit"),
        (bytes.fromhex("ffd8 ffc1 000b 0c 0010 0010 01 011100 ffd9"), "JPEG, 12 bit"),
    ],
)
def test_a_valid_kind_that_is_not_decoded_is_named(data: bytes, kind: str) -> None:
    with pytest.raises(ImageError, match=kind) as caught:
        decode(data)
    assert "damaged" not in str(caught.value)


def test_no_memory_address_in_a_sentence() -> None:
    with pytest.raises(ImageError, match="damaged") as caught:
        decode(b"MM\0*" + b"\xff" * 60)
    assert "0x" not in str(caught.value)


def test_damage_is_told_from_a_kind_that_is_not_decoded() -> None:
    plain, lzw = (struct.pack("<HHII", 259, 4, 1, compression) for compression in (1, 5))
    broken = tiff(np.ones((8, 8), np.float32), numbers=3).replace(plain, lzw)  # Pillow reads 32-bit floats
    with pytest.raises(ImageError, match="damaged"):
        decode(broken)
