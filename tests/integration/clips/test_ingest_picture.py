"""What a stranger's picture looks like afterwards: its place, size and colours, on files that are really encoded."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from tests.media import Image, corners, flat, frames_of, make_video, moving, quarters, turned

Ingest = Callable[[Path], Path]
COLOURS = [(200, 40, 40), (40, 180, 60), (30, 60, 200), (230, 220, 120), (128, 128, 128), (250, 250, 250), (8, 8, 8)]
# H.264 at the mezzanine's quality and 8-bit YCbCr: two or three levels; 4:2:0 has no part in flat colours.
CODING_ERROR = 4
H273_BT2020, H273_PQ, H273_BT2020_MATRIX = 9, 16, 9


def stream_of(path: Path) -> Any:
    with av.open(str(path)) as container:
        stream: Any = container.streams.video[0]
        return stream


def size_of(path: Path) -> tuple[int, int]:
    image = frames_of(path)[0][1]
    return image.shape[1], image.shape[0]


def colour_of(path: Path) -> list[int]:
    return [int(value) for value in np.median(frames_of(path)[-1][1], axis=(0, 1))]


def disc(width: int, height: int) -> Image:
    image = np.full((height, width, 3), 30, np.uint8)
    cv2.circle(image, (width // 2, height // 2), min(width, height) // 3, (240, 240, 240), -1)
    return image


def spans(image: Image) -> tuple[int, int]:
    """How wide and how high the bright part is."""
    bright = image.mean(axis=2) > 128
    return int(bright.any(axis=0).sum()), int(bright.any(axis=1).sum())


def test_the_mezzanine_is_what_every_room_relies_on(tmp_path: Path, ingest: Ingest) -> None:
    metadata = {"title": "Home", "location": "+52.5200+013.4050/", "comment": "secret"}
    source = make_video(tmp_path / "in.mov", moving(), metadata=metadata)

    mezzanine = ingest(source)

    content = mezzanine.read_bytes()
    with av.open(str(mezzanine)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (container.format.name, context.name, context.pix_fmt) == ("mov,mp4,m4a,3gp,3g2,mj2", "h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert stream.average_rate == 25
        assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands", "encoder"}
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"secret" not in content
    assert b"+52.52" not in content


@pytest.mark.parametrize(("width", "height"), [(95, 64), (96, 63), (65, 47), (33, 201)])
def test_odd_sizes_become_even_without_a_squeeze(tmp_path: Path, ingest: Ingest, width: int, height: int) -> None:
    # 4:4:4, because 4:2:0 cannot hold an odd size in the first place
    source = make_video(tmp_path / "in.mp4", [disc(width, height)] * 3, pix_fmt="yuv444p")

    mezzanine = ingest(source)

    assert size_of(mezzanine) == (width // 2 * 2, height // 2 * 2)
    assert spans(frames_of(mezzanine)[1][1]) == pytest.approx(spans(disc(width, height)), abs=1)


@pytest.mark.parametrize(
    ("degrees", "mirrored", "size", "shown"),
    [
        (0, False, (96, 64), ["red", "green", "blue", "grey"]),
        (90, False, (64, 96), ["blue", "red", "grey", "green"]),
        (180, False, (96, 64), ["grey", "blue", "green", "red"]),
        (270, False, (64, 96), ["green", "grey", "red", "blue"]),
        (0, True, (96, 64), ["green", "red", "grey", "blue"]),
        (90, True, (64, 96), ["red", "blue", "green", "grey"]),
    ],
)
def test_a_turned_or_mirrored_clip_stands_upright(
    tmp_path: Path, ingest: Ingest, degrees: int, mirrored: bool, size: tuple[int, int], shown: list[str]
) -> None:
    lying = make_video(tmp_path / "lying.mp4", quarters(96, 64, 3))

    mezzanine = ingest(turned(tmp_path / "in.mp4", lying, degrees=degrees, mirrored=mirrored))

    assert size_of(mezzanine) == size
    assert corners(frames_of(mezzanine)[0][1]) == shown
    with av.open(str(mezzanine)) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_a_portrait_clip_stays_one(tmp_path: Path, ingest: Ingest) -> None:
    mezzanine = ingest(make_video(tmp_path / "in.mp4", quarters(72, 128, 3)))

    assert size_of(mezzanine) == (72, 128)
    assert corners(frames_of(mezzanine)[1][1]) == ["red", "green", "blue", "grey"]


@pytest.mark.parametrize(
    ("size", "expected"), [((2560, 1440), (1920, 1080)), ((1440, 2560), (1080, 1920)), ((2400, 400), (1920, 320))]
)
def test_a_large_clip_is_brought_within_1080p(
    tmp_path: Path, ingest: Ingest, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    mezzanine = ingest(make_video(tmp_path / "in.mp4", [disc(*size)] * 2))

    assert size_of(mezzanine) == expected
    across, down = spans(frames_of(mezzanine)[0][1])
    assert across == pytest.approx(down, abs=2)


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(3, 2), (96, 64)), (Fraction(2, 3), (64, 96))])
def test_oblong_pixels_come_out_square(tmp_path: Path, ingest: Ingest, aspect: Fraction, size: tuple[int, int]) -> None:
    mezzanine = ingest(make_video(tmp_path / "in.mp4", quarters(64, 64, 3), aspect=aspect))

    assert size_of(mezzanine) == size
    assert stream_of(mezzanine).sample_aspect_ratio in (None, 0, 1)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "matrix", "full_range"),
    [
        ("libx264", "yuv420p", Colorspace.ITU709, False),
        ("libx264", "yuv420p", Colorspace.ITU601, False),
        ("libx264", "yuv420p", Colorspace.ITU709, True),
        ("libx264", "yuv420p", Colorspace.ITU601, True),
        ("libx264", "yuvj420p", Colorspace.ITU601, True),
        ("libx264", "yuv420p10le", Colorspace.ITU709, False),
        ("libx264", "yuv422p10le", Colorspace.ITU709, True),
        ("libx265", "yuv420p10le", Colorspace.ITU709, False),
    ],
)
def test_colours_are_those_of_the_source(
    tmp_path: Path, ingest: Ingest, codec: str, pix_fmt: str, matrix: Colorspace, full_range: bool
) -> None:
    images = [image for colour in COLOURS for image in flat(colour, 64, 64, 1)]
    source = make_video(tmp_path / "in.mp4", images, codec=codec, pix_fmt=pix_fmt, matrix=matrix, full_range=full_range)

    mezzanine = ingest(source)

    for (_, shown), colour in zip(frames_of(mezzanine), COLOURS, strict=True):
        assert np.median(shown, axis=(0, 1)) == pytest.approx(colour, abs=CODING_ERROR)


@pytest.mark.parametrize(("size", "matrix"), [((640, 480), Colorspace.ITU601), ((1280, 720), Colorspace.ITU709)])
def test_untagged_colours_are_read_as_players_read_them(
    tmp_path: Path, ingest: Ingest, size: tuple[int, int], matrix: Colorspace
) -> None:
    source = make_video(
        tmp_path / "in.mp4", flat((40, 180, 60), *size, 2), matrix=matrix, tags={"colorspace": 2, "color_range": 0}
    )

    assert colour_of(ingest(source)) == pytest.approx((40, 180, 60), abs=CODING_ERROR)


def test_a_picture_beyond_white_is_brought_back_with_its_hue(tmp_path: Path, ingest: Ingest) -> None:
    """
    An HDR10 picture, coded with SMPTE 2084: 0.58 of the scale is paper white (203 cd/m²), 0.75 a bright lamp.

    Without tone mapping, white would come out a middle grey of 148.
    """
    tags = {"colorspace": H273_BT2020_MATRIX, "color_primaries": H273_BT2020, "color_trc": H273_PQ}
    paper, lamp, dark = 148, 191, 64
    images = [image for level in (dark, paper, lamp) for image in flat((level, level, level), 64, 64, 3)]
    source = make_video(
        tmp_path / "in.mp4", images, codec="libx265", pix_fmt="yuv420p10le", matrix=Colorspace.ITU709, tags=tags
    )

    shown = [np.median(image, axis=(0, 1)) for _, image in frames_of(ingest(source))][1::3]

    assert all(np.ptp(colour) <= CODING_ERROR for colour in shown)  # grey stays grey
    assert shown[0].mean() < 80
    assert 215 < shown[1].mean() < shown[2].mean()


def test_interlaced_fields_are_woven_into_whole_frames(tmp_path: Path, ingest: Ingest) -> None:
    """A bar that moves between the fields: where it is combed, neighbouring rows differ and every second row agrees."""
    images = []
    for index in range(10):
        image = np.full((64, 96, 3), 20, np.uint8)
        image[0::2, 6 * index : 6 * index + 20] = 220
        image[1::2, 6 * index + 3 : 6 * index + 23] = 220
        images.append(image)
    source = make_video(tmp_path / "in.mp4", images, options={"flags": "+ildct+ilme", "x264-params": "tff=1"})
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).interlaced_frame

    mezzanine = ingest(source)

    shown = frames_of(mezzanine)
    assert len(shown) == len(images)
    assert max(_combing(image) for _, image in shown[2:-2]) < _combing(images[4]) / 5
    with av.open(str(mezzanine)) as container:
        assert not next(container.decode(video=0)).interlaced_frame


def _combing(image: Image) -> float:
    grey = image[4:-4].mean(axis=2)
    neighbours = np.abs(grey[1:-1] - grey[:-2])
    same_field = np.abs(grey[2:] - grey[:-2])
    return float(np.maximum(neighbours - same_field, 0).mean())


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("in.webm", "libvpx-vp9", "yuv420p"), ("in.webm", "libvpx", "yuv420p"), ("in.mp4", "libx265", "yuv420p"),
     ("in.mkv", "libsvtav1", "yuv420p"), ("in.mov", "mjpeg", "yuvj420p"), ("in.mov", "prores_ks", "yuv422p10le")],
)  # fmt: skip
def test_every_accepted_codec_is_read(tmp_path: Path, ingest: Ingest, name: str, codec: str, pix_fmt: str) -> None:
    source = make_video(tmp_path / name, quarters(96, 64, 4), codec=codec, pix_fmt=pix_fmt)

    shown = frames_of(ingest(source))

    assert len(shown) == 4
    assert corners(shown[2][1]) == ["red", "green", "blue", "grey"]


def test_a_stream_that_changes_its_size_is_fitted_to_its_beginning(tmp_path: Path, ingest: Ingest) -> None:
    small = make_video(tmp_path / "small.mkv", quarters(64, 48, 5), options={"bf": "0"})
    large = make_video(tmp_path / "large.mkv", quarters(128, 96, 5), options={"bf": "0"})

    shown = frames_of(ingest(_spliced(tmp_path / "in.mkv", small, large)))

    assert {image.shape for _, image in shown} == {(48, 64, 3)}
    assert corners(shown[-1][1]) == ["red", "green", "blue", "grey"]
    assert len(shown) == 10


def _spliced(path: Path, first: Path, second: Path) -> Path:
    """The packets of two H.264 files one after the other, each with its own parameter sets in the stream."""
    with av.open(str(path), "w") as target, av.open(str(first)) as one, av.open(str(second)) as two:
        stream = target.add_stream_from_template(one.streams.video[0])
        at = 0
        for container in (one, two):
            source = container.streams.video[0]
            parameters = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", source)
            for packet in container.demux(source):
                for converted in parameters.filter(packet) if packet.size else []:
                    converted.pts, converted.dts, converted.duration = at, at, 1
                    converted.time_base, converted.stream = Fraction(1, 25), stream
                    at += 1
                    target.mux(converted)
    return path
