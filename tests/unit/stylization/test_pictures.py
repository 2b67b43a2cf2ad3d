import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylization import pictures


def encoded(picture: Image.Image, kind: str, **options: object) -> io.BytesIO:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    out.seek(0)
    return out


def colourful(width: int = 200, height: int = 120) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_common_formats_are_read(kind: str) -> None:
    picture = pictures.read_picture(encoded(colourful(), kind))

    assert (picture.mode, picture.size) == ("RGB", (200, 120))


def test_svg_is_refused() -> None:
    drawing = io.BytesIO(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')

    with pytest.raises(pictures.PictureIsSvg):
        pictures.read_picture(drawing)


def test_svg_without_a_header_is_refused_as_well() -> None:
    with pytest.raises(pictures.PictureIsSvg):
        pictures.read_picture(io.BytesIO(b"\n  <svg width='10'></svg>"))


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"\x00" * 4096, b"#EXTM3U\n/etc/passwd"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(pictures.PictureNotReadable):
        pictures.read_picture(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_picture_is_refused(kind: str) -> None:
    whole = encoded(colourful(), kind).getvalue()

    with pytest.raises((pictures.PictureTruncated, pictures.PictureNotReadable)) as refusal:
        pictures.read_picture(io.BytesIO(whole[: len(whole) // 2]))

    assert refusal.value.code == "picture_truncated"


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(pictures.PictureTooLarge, match="10000 × 9000"):
        pictures.read_picture(png_header_only(10000, 9000))


def test_one_beyond_pillows_own_bound_is_refused_in_the_same_words() -> None:
    with pytest.raises(pictures.PictureTooLarge, match="megapixels"):
        pictures.read_picture(png_header_only(60000, 60000))


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)

    with pytest.raises(pictures.PictureTooLarge):
        pictures.read_picture(encoded(colourful(), "PNG"))


def test_a_tiny_picture_is_refused() -> None:
    with pytest.raises(pictures.PictureTooSmall):
        pictures.read_picture(encoded(colourful(31, 100), "PNG"))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_moving_picture_is_refused(kind: str) -> None:
    frames = [colourful(), colourful().rotate(180)]

    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:])

    with pytest.raises(pictures.PictureAnimated):
        pictures.read_picture(moving)


def test_a_still_gif_is_read() -> None:
    assert pictures.read_picture(encoded(colourful().quantize(16), "GIF")).mode == "RGB"


def test_cmyk_becomes_rgb_of_the_same_colour() -> None:
    red = Image.new("RGB", (64, 64), (210, 40, 40)).convert("CMYK")

    picture = pictures.read_picture(encoded(red, "JPEG", quality=95))

    assert picture.getpixel((32, 32)) == pytest.approx((210, 40, 40), abs=12)


def test_the_camera_orientation_is_applied() -> None:
    upright = Image.new("RGB", (100, 60), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # lie it down: a viewer turns it a quarter clockwise

    picture = pictures.read_picture(encoded(upright, "JPEG", exif=exif))

    assert picture.size == (60, 100)


def test_where_and_when_it_was_taken_is_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home"
    exif.get_ifd(0x8825)[1] = "N"

    kept = pictures.to_jpeg(pictures.read_picture(encoded(colourful(), "JPEG", exif=exif)))

    with Image.open(io.BytesIO(kept)) as opened:
        assert not opened.getexif()
    assert b"at home" not in kept


def test_transparency_lies_on_white_paper() -> None:
    picture = pictures.read_picture(encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG"))

    assert picture.getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_a_pixel_keep_their_contrast() -> None:
    ramp = Image.fromarray(np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16))

    picture = np.asarray(pictures.read_picture(encoded(ramp, "PNG")))

    assert picture.min() == 0
    assert picture.max() == 255


def test_a_large_picture_is_stored_smaller() -> None:
    assert max(pictures.read_picture(encoded(colourful(2000, 1500), "JPEG")).size) == pictures.STORED_SIDE


def test_a_thumbnail_is_a_square() -> None:
    assert pictures.thumbnail_of(colourful()).size == (pictures.THUMBNAIL_SIDE,) * 2


def png_header_only(width: int, height: int) -> io.BytesIO:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\x00" * 1000))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
