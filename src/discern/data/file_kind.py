"""What a valid file is that Pillow does not decode: read from its header, so that it is not called damaged."""

from __future__ import annotations

import io

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from discern.i18n import N_, _

_BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _SAMPLES, _FORMAT = 258, 259, 262, 273, 277, 339
_COMPRESSIONS = {  # those that a build of Pillow may lack
    34712: "JPEG 2000",
    34887: "LERC",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
}
_NUMBERS = {1: N_("unsigned"), 2: N_("signed"), 3: N_("float"), 5: N_("complex integer"), 6: N_("complex")}
_BASELINE = (0xC0, 0xC1, 0xC2)  # the frames that Pillow's decoder knows: baseline, extended, progressive


def describe_unsupported(data: bytes, is_opened: bool = False) -> str | None:
    """Return in a few words what kind of JPEG or TIFF this is, where Pillow does not decode the kind; None otherwise.

    A TIFF that Pillow opened (``is_opened``) is of a kind that it knows, but for the compression.

    Source: ITU-T T.81, table B.1 (JPEG frames); TIFF 6.0, section 8.

    Examples
    --------
    >>> describe_unsupported(bytes.fromhex("ffd8 ffc3 000b 08 0010 0010 01 011100"))
    'JPEG, lossless, 8 bit'
    >>> describe_unsupported(b"GIF89a") is None
    True
    """
    if data.startswith(b"\xff\xd8"):
        return _describe_jpeg(data)
    if data.startswith((b"II*\0", b"MM\0*")):
        return _describe_tiff(data, is_opened)
    return None


def _describe_jpeg(data: bytes) -> str | None:
    at = 2
    while at + 5 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # those three are tables
            bits = data[at + 4]
            if marker in _BASELINE and bits == 8:
                return None
            message = _("JPEG, lossless, {bits} bit") if marker == 0xC3 else _("JPEG, {bits} bit")
            return message.format(bits=bits)
        at += 2 + length
    return None


def _describe_tiff(data: bytes, is_opened: bool) -> str | None:
    """Describe bands, bits, numbers and compression; None where 1 to 4 plain bands say that the file is damaged."""
    try:
        file = io.BytesIO(data)
        directory = ImageFileDirectory_v2(data[:8])
        file.seek(directory.next)
        directory.load(file)
        bands, bits = int(directory.get(_SAMPLES, 1)), int(directory.get(_BITS, (1,))[0])
        white_is_zero = directory.get(_PHOTOMETRIC) == 0
        numbers, compression = int(directory.get(_FORMAT, (1,))[0]), int(directory.get(_COMPRESSION, 1))
        first = int(directory.get(_STRIPS, (0,))[0])
    except Exception:  # damaged tags: nothing can be named
        return None
    inner = _describe_jpeg(data[first:]) if compression == 7 else _COMPRESSIONS.get(compression)
    is_reversed = data.startswith(b"MM") and bits == 16 and white_is_zero  # Pillow has no mode for it
    is_plain = bands <= 4 and bits in (1, 8, 16) and numbers == 1 and not is_reversed
    if not inner and (is_plain or is_opened):
        return None
    words = [
        "TIFF",
        _("{bands} x {bits} bit").format(bands=bands, bits=bits),
        _(_NUMBERS[numbers]) if numbers in _NUMBERS else str(numbers),
        *([inner] if inner else []),
        *([_("big-endian, white is zero")] if is_reversed else []),
    ]
    return ", ".join(words)
