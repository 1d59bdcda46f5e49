"""From the bytes of a file to what a person sees, as RGB or gray: decoded here and nowhere else.

Orientation tags, palettes, transparency, ink colors and 16-bit depths are settled on the way; embedded color profiles
are not applied (a transform costs more than the decoding).
"""

from __future__ import annotations

import functools
import io
import os
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from discern.data.file_kind import describe_unsupported
from discern.errors import ImageError
from discern.i18n import _

MAX_PIXELS = 120_000_000  # about 0.5 GB while it is decoded; the largest cameras make 100 million
# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".jp2", ".j2k", ".ico",
    ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif",  # HEIC cannot be decoded: taken so that the audit says so
})
# fmt: on
# Only raster formats that Pillow decodes itself: EPS, for one, would start a program on the file.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO")
_COMMON = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_SIGNATURES = (*_COMMON, b"GIF8", b"BM", b"II*\0", b"MM\0*")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_ORIENTATION = 0x0112
_PHOTOMETRIC = 262  # TIFF: 0 means that white is zero
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's remarks on odd metadata would interleave with the progress display; size is judged here, by MAX_PIXELS.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def is_image_name(path: str | os.PathLike[str]) -> bool:
    """Return whether the name ends like an image's, in any letter case.

    Examples
    --------
    >>> is_image_name("Train/Apple/12_100.JPG"), is_image_name("Thumbs.db")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a million names: no Path objects


def decode(data: bytes | np.ndarray | Image.Image) -> Image.Image:
    """Decode an image as a person sees it, with every pixel.

    Parameters
    ----------
    data : bytes, numpy.ndarray or PIL.Image.Image
        An encoded file, pixels as uint8 (H, W), (H, W, 3) or (H, W, 4), or an image of any mode.

    Returns
    -------
    PIL.Image.Image
        Of mode ``RGB``, or ``L`` where the file is gray. Upright; of an animation the first frame; transparency over
        white.

    Raises
    ------
    ImageError
        When it is empty, not an image, truncated, damaged, or larger than `MAX_PIXELS`; ``kind`` says which.

    Examples
    --------
    >>> decode(np.zeros((2, 3), np.uint8)).size
    (3, 2)
    >>> decode(b"")
    Traceback (most recent call last):
    discern.errors.ImageError: the file is empty: copy it again from where it came.
    """
    return decode_reduced(data, 0)[0]


def decode_reduced(data: bytes | np.ndarray | Image.Image, min_side: int) -> tuple[Image.Image, Box]:
    """Decode an image as `decode` does, a JPEG perhaps at a fraction of its size: for whoever shrinks it anyway.

    Parameters
    ----------
    data : bytes, numpy.ndarray or PIL.Image.Image
        As for `decode`, which raises the same errors.
    min_side : int
        A JPEG is decoded at 1/2, 1/4 or 1/8 of its size as long as both sides stay at least this many pixels: each
        block of 8 x 8 becomes 4 x 4, 2 x 2 or its mean, which saves the transform, the colors and most of the
        resizing (not the reading of the codes: about half the time of a full decoding). 0 decodes every pixel.

    Returns
    -------
    image : PIL.Image.Image
        As of `decode`.
    box : tuple of float
        (left, top, right, bottom) of the part that shows the file's content, for ``Image.resize(box=...)``. 375 columns
        at 1/8 are 46.875: the last of 47 shows less than the others, and a box of 47 would shift the image.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> Image.new("L", (375, 500), 7).save(file, "JPEG")
    >>> image, box = decode_reduced(file.getvalue(), 40)
    >>> image.size, box
    ((47, 63), (0, 0, 46.875, 62.5))
    """
    if isinstance(data, np.ndarray):
        image = _to_rgb_or_gray(_from_array(data))
        return image, (0, 0, *image.size)
    if isinstance(data, Image.Image):
        try:
            data.load()
            image = _to_rgb_or_gray(_turn_upright(data, (0, 0, *data.size))[0])
        except Exception as error:  # Pillow reads the file only now
            raise _describe_damage(b"", error) from error
        return image, (0, 0, *image.size)
    with _open(data) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise _too_large(width, height)
        try:
            drafted = image.draft(None, (min_side, min_side)) if min_side else None
            image.load()
            upright, box = _turn_upright(image, drafted[1] if drafted else (0, 0, *image.size))
            return _to_rgb_or_gray(upright), box
        except Image.DecompressionBombError as error:  # a frame or an icon larger than the header said
            raise _too_large(width, height) from error
        except Exception as error:  # damaged bytes make the decoders raise nearly everything
            raise _describe_damage(data, error) from error


def _from_array(data: np.ndarray) -> Image.Image:
    has_channels = data.shape[2:] in ((), (3,), (4,))
    if data.dtype != np.uint8 or data.ndim not in (2, 3) or not has_channels or not data.size:
        message = _("expected an array of uint8 (H, W), (H, W, 3) or (H, W, 4), got {dtype} {shape}.")
        raise ImageError(message.format(shape=data.shape, dtype=data.dtype), "not_an_image")
    return Image.fromarray(np.ascontiguousarray(data))


def _open(data: bytes) -> Image.Image:
    if not data:
        raise ImageError(_("the file is empty: copy it again from where it came."), "empty")
    try:
        return Image.open(io.BytesIO(data), formats=_formats(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = _("it claims to be larger than {limit} million pixels: make it smaller.")
        raise ImageError(message.format(limit=MAX_PIXELS // 1_000_000), "decompression_bomb") from error
    except Exception as error:
        if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
            raise ImageError(_("HEIC images are not supported: save it as JPEG or PNG."), "unreadable") from error
        if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
            raise _describe_damage(data, error) from error
        message = _("it is not an image: save it as JPEG or PNG, or keep it elsewhere.")
        raise ImageError(message, "not_an_image") from error


def _formats(data: bytes) -> tuple[str, ...]:
    """Return the format that the first bytes tell, for Pillow loads all its plug-ins to look for the others."""
    return next(((name,) for signature, name in _COMMON.items() if data.startswith(signature)), None) or _all_formats()


@functools.cache
def _all_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _too_large(width: int, height: int) -> ImageError:
    message = _("it is {width} x {height} pixels, more than {limit} million: make it smaller.")
    limit = MAX_PIXELS // 1_000_000
    return ImageError(message.format(width=width, height=height, limit=limit), "decompression_bomb")


def _describe_damage(data: bytes, error: Exception) -> ImageError:
    if _is_truncated(data) or "truncated" in str(error).lower():
        return ImageError(_("the file is truncated: copy it again from where it came."), "truncated")
    is_unnamed = isinstance(error, UnidentifiedImageError)  # its text is a memory address
    kind = describe_unsupported(data, is_opened=not is_unnamed)
    if kind:
        message = _("this kind of file is not supported ({kind}): save it as PNG, or as TIFF of 8 or 16 bits.")
        return ImageError(message.format(kind=kind), "unreadable")
    message = _("the file is damaged ({reason}): copy it again from where it came.")
    reason = _("unknown header") if is_unnamed else str(error).strip(" .") or type(error).__name__
    return ImageError(message.format(reason=reason), "unreadable")


def _is_truncated(data: bytes) -> bool:
    """Return whether the end mark that the format prescribes, or the length that it states, is missing."""
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in data[-4096:]
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-4096:]
    if data.startswith(b"GIF8"):
        return not data.rstrip(b"\0").endswith(b";")
    if data.startswith(b"RIFF"):
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if data.startswith(b"BM"):
        return int.from_bytes(data[2:6], "little") > len(data)
    return False


def _turn_upright(image: Image.Image, box: Box) -> tuple[Image.Image, Box]:
    """Turn the image as its orientation tag says, and the box with it."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
        turn = _UPRIGHT.get(orientation)
    except Exception:  # a damaged tag does not spoil the pixels
        return image, box
    if turn is None:
        return image, box
    image = image.transpose(turn)
    left, top, right, bottom = box
    if orientation >= 5:  # these four swap rows and columns, and then may mirror
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 6, 7):
        left, right = image.width - right, image.width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = image.height - bottom, image.height - top
    return image, (left, top, right, bottom)


def _to_rgb_or_gray(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB or gray; see `decode`."""
    mode = image.mode
    is_transparent = "transparency" in image.info and _is_transparency_valid(image)
    if mode in ("L", "RGB") and not is_transparent:
        return image
    if mode == "P":
        return _convert_palette(image, is_transparent)
    if mode in ("1", "L") and is_transparent:
        return _flatten_over_white(image.convert("LA"))
    if mode in ("LA", "La"):
        return _flatten_over_white(image.convert("LA"))
    if mode in ("RGBA", "RGBa", "PA") or is_transparent:
        return _flatten_over_white(image.convert("RGBA"))
    if mode == "1":
        return image.convert("L")
    if mode == "F" or mode.startswith("I"):
        gray = _reduce_to_8_bits(np.asarray(image), mode, image.format)
        return Image.fromarray(255 - gray if _is_white_zero(image) else gray)
    return image.convert("RGB")  # CMYK and YCCK (which Pillow inverts as Adobe writes them), YCbCr, LAB, HSV, RGBX


def _is_white_zero(image: Image.Image) -> bool:
    """Return whether deep values count from white (X-rays, scans): Pillow inverts those of 8 bits only."""
    return image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def _is_transparency_valid(image: Image.Image) -> bool:
    """Return whether the transparent color is one of this mode: 16-bit colors were reduced to 8 bits, it was not."""
    color = image.info["transparency"]
    if isinstance(color, tuple):
        return image.mode == "RGB" and max(color) < 256
    return image.mode == "P" or (image.mode in ("1", "L") and isinstance(color, int) and color < 256)


def _convert_palette(image: Image.Image, is_transparent: bool) -> Image.Image:
    """Convert a palette image: to gray where every palette entry in use is gray."""
    rgb = _flatten_over_white(image.convert("RGBA")) if is_transparent else image.convert("RGB")
    entries = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    used = np.flatnonzero(image.histogram())
    entries = entries[used[used < len(entries)]]
    is_gray = bool((entries[:, :1] == entries).all())
    return rgb.getchannel(0) if is_gray else rgb


def _flatten_over_white(image: Image.Image) -> Image.Image:
    """Flatten LA to L, or RGBA to RGB, over a white page."""
    opaque = image.mode[:-1]
    page = Image.new(opaque, image.size, "white")
    page.paste(image.convert(opaque), mask=image.getchannel("A"))
    return page


def _reduce_to_8_bits(values: np.ndarray, mode: str, format: str | None) -> np.ndarray:
    """Reduce deep gray values (H, W) to uint8.

    16-bit values keep their scale (65535 is white). 32-bit integers and floats have no agreed white: floats within 0..1
    or 0..255 are taken at their word, everything else is stretched from its smallest to its largest value.
    """
    if mode.startswith("I;16") or format == "PPM" or (format == "PNG" and mode == "I"):
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif mode == "F" and low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    return np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
