from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from discern.data.image import IMAGE_SUFFIXES, MAX_PIXELS, decode, decode_reduced, is_image_name
from discern.errors import ImageError

RED = (200, 30, 20)


def encoded(pil_image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    pil_image.save(file, format, **options)
    return file.getvalue()


def colors(height: int = 20, width: int = 30, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def problem(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        decode(data)
    sentence = str(caught.value)
    assert sentence.endswith(".") and ": " in sentence
    return caught.value.kind


# --- what a person sees --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_exact_formats_keep_every_value(format: str, mode: str) -> None:
    pil_image = colors().convert(mode)
    if (format, mode) == ("GIF", "RGB"):
        pil_image = pil_image.quantize(256).convert("RGB")
    seen = decode(encoded(pil_image, format))
    assert seen.mode == mode
    np.testing.assert_array_equal(np.asarray(seen), np.asarray(pil_image))


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "JPEG2000"])
def test_lossy_formats_come_close(format: str) -> None:
    seen = decode(
        encoded(colors(64, 96), format, quality=95) if format != "JPEG2000" else encoded(colors(64, 96), format)
    )
    assert seen.mode == "RGB"
    assert np.abs(np.asarray(seen, np.int16) - np.asarray(colors(64, 96), np.int16)).mean() < 6


def test_gray_jpeg_stays_gray_and_equal_channels_stay_color() -> None:
    gray = colors().convert("L")
    assert decode(encoded(gray, "JPEG")).mode == "L"
    assert decode(encoded(gray.convert("RGB"), "PNG")).mode == "RGB"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(format: str, orientation: int) -> None:
    upright = Image.new("RGB", (64, 32), "black")
    upright.paste((255, 255, 255), (0, 0, 32, 16))  # the upper left corner is white
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that stores it as the tag says
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = decode(encoded(stored, format, exif=exif))
    assert seen.size == (64, 32)
    assert np.abs(np.asarray(seen, np.int16) - np.asarray(upright, np.int16)).mean() < 4


def test_transparent_palette_lies_over_white() -> None:
    pil_image = Image.new("P", (4, 4), 0)
    pil_image.putpalette([0, 0, 0, *RED])
    pil_image.paste(1, (0, 0, 2, 4))
    seen = np.asarray(decode(encoded(pil_image, "PNG", transparency=0)))
    np.testing.assert_array_equal(seen[0], [RED, RED, (255, 255, 255), (255, 255, 255)])


def test_partly_transparent_palette() -> None:
    pil_image = Image.new("P", (2, 1), 0)
    pil_image.putpalette([0, 0, 0, *RED])
    seen = np.asarray(decode(encoded(pil_image, "PNG", transparency=bytes([128, 255]))))
    np.testing.assert_array_equal(seen[0, 0], [127, 127, 127])


def test_gray_palette_is_grey() -> None:
    gray = colors().convert("L").quantize(64, dither=Image.Dither.NONE)
    assert decode(encoded(gray, "PNG")).mode == "L"
    assert decode(encoded(colors().quantize(64), "PNG")).mode == "RGB"


@given(st.integers(0, 255), st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_alpha_lies_over_white(value: int, alpha: int) -> None:
    expected = value * alpha / 255 + 255 * (1 - alpha / 255)
    color = decode(encoded(Image.new("RGBA", (1, 1), (value, 0, 0, alpha)), "PNG"))
    gray = decode(encoded(Image.new("LA", (1, 1), (value, alpha)), "PNG"))
    assert (color.mode, gray.mode) == ("RGB", "L")
    assert abs(np.asarray(color)[0, 0, 0] - expected) <= 1
    assert abs(np.asarray(gray)[0, 0] - expected) <= 1


@pytest.mark.parametrize(("mode", "color"), [("L", 7), ("RGB", (7, 8, 9)), ("1", 0)])
def test_one_transparent_colour_becomes_white(mode: str, color: Any) -> None:
    seen = decode(encoded(Image.new(mode, (2, 2), color), "PNG", transparency=color))
    assert seen.mode == ("RGB" if mode == "RGB" else "L")
    assert (np.asarray(seen) == 255).all()


def test_one_bit() -> None:
    pil_image = Image.new("1", (2, 1), 0)
    pil_image.putpixel((1, 0), 1)
    assert np.asarray(decode(encoded(pil_image, "PNG"))).tolist() == [[0, 255]]


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_inks_darken(format: str) -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = np.asarray(decode(encoded(cyan, format)))[8, 8]
    assert red < 10 and green > 245 and blue > 245


def test_ycck_as_adobe_writes_it() -> None:
    inks = Image.new("RGB", (16, 16), tuple(255 - value for value in RED))  # cyan, magenta, yellow; no black
    bands = [band.point(lambda value: 255 - value) for band in inks.convert("YCbCr").split()]  # saving inverts again
    data = bytearray(encoded(Image.merge("CMYK", [*bands, Image.new("L", (16, 16), 0)]), "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = 2  # declares the four numbers to be Y, Cb, Cr, K
    np.testing.assert_allclose(np.asarray(decode(bytes(data)))[8, 8], RED, atol=3)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_gray_keeps_its_scale(format: str) -> None:
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    seen = decode(encoded(Image.fromarray(deep), format))
    assert (seen.mode, np.asarray(seen).tolist()) == ("L", [[0, 1, 128, 255]])


def deep_png(values: np.ndarray) -> bytes:
    """A PNG with 16 bits a channel, which Pillow reads but does not write: values (H, W, 3)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width, _three = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bit_color() -> None:
    seen = decode(deep_png(np.array([[[0, 32896, 65535]]], np.uint16)))
    assert (seen.mode, np.asarray(seen).tolist()) == ("RGB", [[[0, 128, 255]]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0.0, 0.5, 1.0]], [[0, 128, 255]]),
        ([[0.0, 100.0, 255.0]], [[0, 100, 255]]),
        ([[-10.0, 0.0, 10.0]], [[0, 128, 255]]),
        ([[0.0, float("nan"), 1.0]], [[0, 0, 255]]),
        ([[3.0, 3.0, 3.0]], [[3, 3, 3]]),
    ],
)
def test_floats(values: list[list[float]], expected: list[list[int]]) -> None:
    seen = decode(encoded(Image.fromarray(np.array(values, np.float32)), "TIFF"))
    assert (seen.mode, np.asarray(seen).tolist()) == ("L", expected)


def test_long_integers_are_stretched() -> None:
    seen = decode(encoded(Image.fromarray(np.array([[-5, 0, 5]], np.int32)), "TIFF"))
    assert np.asarray(seen).tolist() == [[0, 128, 255]]


def test_lab() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    pil_image = ImageCms.profileToProfile(Image.new("RGB", (4, 4), RED), srgb, lab, outputMode="LAB")
    assert pil_image is not None
    assert np.abs(np.asarray(decode(encoded(pil_image, "TIFF")))[0, 0].astype(int) - RED).max() < 6


def test_ycbcr_tiff() -> None:
    pil_image = Image.new("YCbCr", (4, 4), (128, 128, 128))
    assert np.asarray(decode(encoded(pil_image, "TIFF")))[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animation_shows_its_first_frame(format: str) -> None:
    frames = [Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), "blue")]
    red, _green, blue = np.asarray(decode(encoded(frames[0], format, save_all=True, append_images=frames[1:])))[8, 8]
    assert red > 150 and blue < 80


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_pixels_pass_through(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(decode(pixels)), pixels)
    np.testing.assert_array_equal(np.asarray(decode(pixels[:, ::-1])), pixels[:, ::-1])


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 3)), np.zeros((3, 4, 5), np.uint8), np.zeros((1, 4, 4, 3), np.uint8), np.zeros((0, 0), np.uint8)],
)
def test_an_array_that_is_no_image(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"expected an array of uint8 \(H, W\), \(H, W, 3\) or \(H, W, 4\)"):
        decode(pixels)


def test_pixels_with_alpha_lie_over_white() -> None:
    assert np.asarray(decode(np.zeros((1, 1, 4), np.uint8))).tolist() == [[[255, 255, 255]]]


# --- decoding less ---------------------------------------------------------------------------------------------------


@given(st.integers(8, 300), st.integers(8, 300), st.integers(0, 128))
@settings(max_examples=40, deadline=None)
def test_both_sides_stay_at_least(width: int, height: int, min_side: int) -> None:
    seen, box = decode_reduced(encoded(colors(height, width), "JPEG"), min_side)
    assert box[:2] == (0, 0) and 0 <= seen.width - box[2] < 1 and 0 <= seen.height - box[3] < 1
    assert box[2] * height == box[3] * width
    if min_side == 0 or min(width, height) < 2 * min_side:
        assert seen.size == (width, height)
    assert all(side >= min(min_side, whole) for side, whole in zip(seen.size, (width, height), strict=True))


def test_a_large_jpeg_is_decoded_small() -> None:
    pil_image, box = decode_reduced(encoded(colors(512, 1024), "JPEG"), 64)
    assert (pil_image.size, box) == ((128, 64), (0, 0, 128, 64))


@pytest.mark.parametrize("image", [np.zeros((40, 50, 3), np.uint8), Image.new("L", (50, 40)), "PNG"])
def test_what_is_no_jpeg_is_decoded_whole(image: Any) -> None:
    data = encoded(colors(40, 50), image) if isinstance(image, str) else image
    pil_image, box = decode_reduced(data, 4)
    assert (pil_image.size, box) == ((50, 40), (0, 0, 50, 40))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_box_of_a_reduced_image_turns_with_it(orientation: int) -> None:
    """A ramp ends within the last block of 8: only the box says where, whichever way the image is turned."""
    ramp = np.tile(np.linspace(0, 255, 203).astype(np.uint8), (195, 1))  # 195 x 203: 24.375 x 25.375 at 1/8
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(ramp), "JPEG", exif=exif, quality=95)
    pil_image, box = decode_reduced(data, 16)
    width, height = (24.375, 25.375) if orientation >= 5 else (25.375, 24.375)
    assert (pil_image.size, box[2] - box[0], box[3] - box[1]) == (
        (26, 25) if orientation < 5 else (25, 26),
        width,
        height,
    )
    small = np.asarray(pil_image.resize((16, 16), Image.Resampling.BILINEAR, box=box), np.int16)
    whole = np.asarray(decode(data).resize((16, 16), Image.Resampling.BILINEAR), np.int16)
    assert np.abs(small - whole).mean() < 0.6


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_empty() -> None:
    assert problem(b"") == "empty"


@pytest.mark.parametrize("data", [b"\0", b"hello, this is text" * 50, b"<svg></svg>", b"%PDF-1.7", b"\0" * 1000])
def test_not_a_image(data: bytes) -> None:
    assert problem(data) == "not_an_image"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated(format: str, kept: float) -> None:
    data = encoded(colors(200, 300), format)
    assert problem(data[: int(len(data) * kept)]) == "truncated"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP"])
def test_truncated_in_its_header(format: str) -> None:
    assert problem(encoded(colors(), format)[:14]) == "truncated"


def test_damaged() -> None:
    data = bytearray(encoded(colors(), "PNG"))
    middle = data.index(b"IDAT") + 20
    data[middle : middle + 40] = bytes(40)
    assert problem(bytes(data)) == "unreadable"


def bomb(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("L", (1, 1)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize("side", [12_000, 100_000])
def test_bomb(side: int) -> None:
    assert side**2 > MAX_PIXELS
    assert problem(bomb(side, side)) == "decompression_bomb"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_claim_just_above_the_limit_is_refused_before_decoding() -> None:
    assert problem(bomb(MAX_PIXELS // 1000 + 1, 1000)) == "decompression_bomb"


def test_heic_is_named() -> None:
    with pytest.raises(ImageError, match="HEIC"):
        decode(b"\0\0\0\x18ftypheic" + bytes(100))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_orientation_does_not_spoil_the_image() -> None:
    pil_image = colors()
    assert decode(encoded(pil_image, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")).size == pil_image.size


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"]), st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_gives_a_image_or_a_sentence(format: str, draw: st.DataObject) -> None:
    data = bytearray(encoded(colors(), format))
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, min(len(data), 300) - 1))] = draw.draw(st.integers(0, 255))
    try:
        assert decode_reduced(bytes(data), draw.draw(st.sampled_from([0, 8])))[0].mode in ("L", "RGB")
    except ImageError as error:
        assert error.kind in ("not_an_image", "truncated", "decompression_bomb", "unreadable")


def test_the_kind_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ImageError("why.", "decompression_bomb")))
    assert (str(error), error.kind) == ("why.", "decompression_bomb")


# --- names -----------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(IMAGE_SUFFIXES)))
def test_image_names_in_any_letter_case(suffix: str) -> None:
    assert is_image_name(f"水果/蘋果{suffix.upper()}") and is_image_name(Path(f"a{suffix}"))


@pytest.mark.parametrize("name", ["Thumbs.db", ".DS_Store", "readme.txt", "jpg", "a.jpg.part", ".jpg"])
def test_other_names(name: str) -> None:
    assert not is_image_name(name)


def test_the_placeholder_among_the_ants(shared_data: Path) -> None:
    seen = decode((shared_data / "hymenoptera" / "train" / "ants" / "imageNotFound.gif").read_bytes())
    assert seen.mode in ("L", "RGB")
