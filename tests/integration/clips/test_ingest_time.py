"""When things are seen and heard in the mezzanine, on files that are really encoded."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from clips.ingest.bounds import MEBI, Bounds
from clips.ingest.worker import make_mezzanine
from tests.media import (
    Image,
    beep,
    beep_time,
    flash,
    flash_time,
    flat,
    frames_of,
    hum,
    make_video,
    moving,
    quarters,
    sound_of,
)  # fmt: skip

Ingest = Callable[[Path], Path]
MILLISECONDS = Fraction(1, 1000)
# A frame of AAC is 21 ms long and rises within it.
SOUND_ERROR = 0.03


def grey(level: int) -> Image:
    return np.full((48, 64, 3), level, np.uint8)


def levels_of(path: Path) -> list[int]:
    return [int(np.median(image)) for _, image in frames_of(path)]


def starts_of(path: Path) -> list[float]:
    return [start for start, _ in frames_of(path)]


def rate_of(path: Path) -> Fraction | None:
    with av.open(str(path)) as container:
        return container.streams.video[0].average_rate


def loudness(samples: NDArray[np.float32]) -> float:
    """Root mean square of the middle half."""
    quarter = samples.shape[-1] // 4
    return float(np.sqrt(np.mean(samples[..., quarter:-quarter].astype(float) ** 2)))


def share_of_tone(samples: NDArray[np.float32], rate: int, hertz: float) -> float:
    """How much of the energy lies within 20 Hz of a tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(spectrum[np.abs(frequencies - hertz) < 20].sum() / spectrum.sum())


class TestFrames:
    @pytest.mark.parametrize("options", [{}, {"bf": "3", "preset": "medium"}], ids=["plain", "reordered"])
    def test_every_frame_is_there_in_order_and_in_time(
        self, tmp_path: Path, ingest: Ingest, options: dict[str, str]
    ) -> None:
        levels = list(range(20, 240, 10))
        source = make_video(tmp_path / "in.mp4", [grey(level) for level in levels], options=options)

        mezzanine = ingest(source)

        assert levels_of(mezzanine) == pytest.approx(levels, abs=3)
        assert starts_of(mezzanine) == pytest.approx([index / 25 for index in range(len(levels))], abs=0.001)

    def test_a_variable_rate_becomes_a_constant_one_at_the_same_times(self, tmp_path: Path, ingest: Ingest) -> None:
        """Bursts of 25 frames a second with a long pause: what was shown at a time still is."""
        starts = [0, 40, 80, 120, 160, 200, 240, 1000, 1040, 1080, 1120]
        levels = [20 + 20 * index for index in range(len(starts))]
        source = make_video(
            tmp_path / "in.mkv", [grey(level) for level in levels], starts=starts, time_base=MILLISECONDS,
            options={"bf": "0"},
        )  # fmt: skip

        mezzanine = ingest(source)

        assert rate_of(mezzanine) == 25
        shown = levels_of(mezzanine)
        assert starts_of(mezzanine) == pytest.approx([index / 25 for index in range(len(shown))], abs=0.001)
        expected = [
            levels[max(number for number, start in enumerate(starts) if start <= 40 * tick)] for tick in range(29)
        ]
        assert shown == pytest.approx(expected, abs=3)

    def test_jitter_is_evened_out(self, tmp_path: Path, ingest: Ingest) -> None:
        """A phone's clock: 30 frames a second, each a few milliseconds early or late."""
        wobble = np.random.default_rng(3).integers(-6, 7, 60)
        starts = [max(0, round(index * 1000 / 30) + int(wobble[index])) for index in range(60)]
        levels = [20 + 3 * index for index in range(60)]
        source = make_video(
            tmp_path / "in.mkv", [grey(level) for level in levels], starts=starts, time_base=MILLISECONDS, rate=30,
            options={"bf": "0"},
        )  # fmt: skip

        mezzanine = ingest(source)

        assert rate_of(mezzanine) in (30, Fraction(30000, 1001))
        shown = levels_of(mezzanine)
        assert len(shown) == pytest.approx(60, abs=1)
        # Nothing is shown more than a frame away from where it was.
        assert all(abs(seen - levels[min(tick, 59)]) <= 3 + 3 for tick, seen in enumerate(shown))

    def test_one_frame_is_a_clip_too(self, tmp_path: Path, ingest: Ingest) -> None:
        mezzanine = ingest(make_video(tmp_path / "in.mp4", quarters(64, 48, 1)))

        assert starts_of(mezzanine) == [0.0]
        with av.open(str(mezzanine)) as container:
            assert container.duration is not None
            assert container.duration / 1e6 == pytest.approx(1 / 25, abs=0.005)

    @pytest.mark.parametrize(
        ("rate", "expected"),
        [(Fraction(30000, 1001), Fraction(30000, 1001)), (Fraction(24000, 1001), Fraction(24000, 1001)),
         (60, 60), (120, 60), (240, 60), (12, 12), (Fraction(2997, 100), Fraction(30000, 1001)), (2, 5)],
    )  # fmt: skip
    def test_rates_come_to_the_nearest_usual_one_and_lengths_stay(
        self, tmp_path: Path, ingest: Ingest, rate: int | Fraction, expected: Fraction
    ) -> None:
        count = round(Fraction(rate))
        source = make_video(tmp_path / "in.mp4", flat((90, 90, 90), count=count), rate=rate)

        mezzanine = ingest(source)

        assert rate_of(mezzanine) == expected
        with av.open(str(mezzanine)) as container:
            assert container.duration is not None
            assert container.duration / 1e6 == pytest.approx(count / rate, abs=0.04)

    def test_what_begins_late_begins_at_zero(self, tmp_path: Path, ingest: Ingest) -> None:
        starts = [5000 + 40 * index for index in range(10)]
        levels = [20 + 20 * index for index in range(10)]
        source = make_video(
            tmp_path / "in.mkv", [grey(level) for level in levels], starts=starts, time_base=MILLISECONDS
        )

        mezzanine = ingest(source)

        assert levels_of(mezzanine) == pytest.approx(levels, abs=3)

    def test_a_trimmed_clip_begins_where_it_was_trimmed(self, tmp_path: Path, ingest: Ingest) -> None:
        """A phone trims by an edit list: the frames in front stay in the file and are not shown."""
        levels = [20 + 8 * index for index in range(25)]
        whole = make_video(
            tmp_path / "whole.mp4", [grey(level) for level in levels], options={"bf": "2", "preset": "medium"},
            sound=beep(0.6),
        )  # fmt: skip

        mezzanine = ingest(trimmed(tmp_path / "in.mp4", whole, seconds=0.4))

        assert levels_of(mezzanine) == pytest.approx(levels[10:], abs=3)
        assert beep_time(mezzanine) == pytest.approx(0.2, abs=SOUND_ERROR)

    def test_memory_does_not_grow_with_length(self, tmp_path: Path, ingest: Ingest) -> None:
        """A hundred frames of 5.5 MB each: were they kept, they would not fit."""
        one = np.full((1440, 2560, 3), 90, np.uint8)
        source = make_video(tmp_path / "in.mp4", (one for _ in range(100)), options={"tune": "zerolatency"})

        mezzanine = make_mezzanine(source, tmp_path, Bounds(memory_bytes=850 * MEBI), lambda **said: None)

        assert mezzanine.stat().st_size > 0


class TestSound:
    def test_a_silent_clip_has_no_sound_track(self, tmp_path: Path, ingest: Ingest) -> None:
        with av.open(str(ingest(make_video(tmp_path / "in.mp4")))) as container:
            assert not container.streams.audio

    @pytest.mark.parametrize(
        ("name", "codec", "layout", "sample_rate"),
        [("in.mp4", "aac", "stereo", 44_100), ("in.mp4", "aac", "mono", 48_000), ("in.mp4", "aac", "mono", 22_050),
         ("in.mp4", "aac", "5.1", 48_000), ("in.webm", "libopus", "stereo", 48_000),
         ("in.mkv", "flac", "stereo", 96_000), ("in.mov", "pcm_s16le", "mono", 16_000),
         ("in.mp4", "libmp3lame", "stereo", 48_000), ("in.mp4", "ac3", "5.1", 48_000)],
    )  # fmt: skip
    def test_sound_comes_out_as_stereo_of_the_same_tone(
        self, tmp_path: Path, ingest: Ingest, name: str, codec: str, layout: str, sample_rate: int
    ) -> None:
        video = "libvpx" if name.endswith("webm") else "libx264"
        source = make_video(
            tmp_path / name, codec=video, sound=hum, audio_codec=codec, layout=layout, sample_rate=sample_rate
        )

        samples, rate = sound_of(ingest(source))

        assert (samples.shape[0], rate) == (2, 48_000)
        assert samples.shape[1] / rate == pytest.approx(1.0, abs=0.05)
        middle = samples[:, rate // 4 : 3 * rate // 4]
        assert all(share_of_tone(channel, rate, 440) > 0.98 for channel in middle)
        assert loudness(middle[0]) == pytest.approx(loudness(middle[1]), rel=0.02)
        # hum is a sine of 0.3: six equal channels become two of the same, mono and stereo stay as loud as they are.
        assert loudness(middle) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)

    def test_loud_surround_does_not_clip(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(
            tmp_path / "in.mp4", sound=lambda times: 0.95 * np.sin(times * 2 * np.pi * 440), layout="5.1"
        )

        samples, rate = sound_of(ingest(source))

        assert np.abs(samples).max() < 1.02
        assert share_of_tone(samples[0, rate // 4 : 3 * rate // 4], rate, 440) > 0.98

    @pytest.mark.parametrize(
        ("name", "codec", "video", "rate"),
        [("in.mp4", "aac", "libx264", 25), ("in.mov", "pcm_s16le", "libx264", 30), ("in.webm", "libopus", "libvpx", 24),
         ("in.mkv", "libmp3lame", "libx264", 60)],
    )  # fmt: skip
    def test_a_beep_stays_with_its_flash(
        self, tmp_path: Path, ingest: Ingest, name: str, codec: str, video: str, rate: int
    ) -> None:
        source = make_video(
            tmp_path / name, flash(1.0, rate), codec=video, rate=rate, sound=beep(1.0), audio_codec=codec
        )

        mezzanine = ingest(source)

        assert flash_time(mezzanine) == pytest.approx(1.0, abs=0.5 / rate + 0.001)
        assert beep_time(mezzanine) - flash_time(mezzanine) == pytest.approx(
            beep_time(source) - flash_time(source), abs=SOUND_ERROR
        )
        assert beep_time(mezzanine) == pytest.approx(1.0, abs=SOUND_ERROR)

    def test_a_beep_stays_with_its_flash_at_a_variable_rate(self, tmp_path: Path, ingest: Ingest) -> None:
        starts = [0, 40, 80, 120, 160, 700, 740, 1000, 1040, 1080, 1120, 1160]
        images = [grey(255 if 1000 <= start < 1100 else 0) for start in starts]
        source = make_video(
            tmp_path / "in.mkv", images, starts=starts, time_base=MILLISECONDS, options={"bf": "0"}, sound=beep(1.0),
            seconds=1.2,
        )  # fmt: skip

        mezzanine = ingest(source)

        assert flash_time(mezzanine) == pytest.approx(1.0, abs=0.021)
        assert beep_time(mezzanine) == pytest.approx(1.0, abs=SOUND_ERROR)

    def test_sound_that_begins_late_is_preceded_by_silence(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mkv", flash(1.0, 25), sound=beep(1.0), sound_starts_at=0.6)

        samples, rate = sound_of(ingest(source))

        assert np.abs(samples[:, : round(0.55 * rate)]).max() < 0.01
        assert beep_time(tmp_path / "work" / "video.mp4") == pytest.approx(1.0, abs=SOUND_ERROR)

    def test_sound_in_front_of_the_first_picture_is_cut(self, tmp_path: Path, ingest: Ingest) -> None:
        starts = [500 + 40 * index for index in range(25)]
        images = [grey(255 if 1000 <= start < 1100 else 0) for start in starts]
        source = make_video(
            tmp_path / "in.mkv", images, starts=starts, time_base=MILLISECONDS, options={"bf": "0"}, sound=beep(1.0),
            seconds=1.5,
        )  # fmt: skip

        mezzanine = ingest(source)

        assert flash_time(mezzanine) == pytest.approx(0.5, abs=0.021)
        assert beep_time(mezzanine) == pytest.approx(0.5, abs=SOUND_ERROR)

    def test_sound_that_goes_on_ends_with_the_picture(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mp4", moving(count=10), sound=hum, seconds=2.0)

        samples, rate = sound_of(ingest(source))

        assert samples.shape[1] / rate == pytest.approx(0.4, abs=0.05)

    def test_sound_that_stops_early_does_no_harm(self, tmp_path: Path, ingest: Ingest) -> None:
        mezzanine = ingest(make_video(tmp_path / "in.mp4", moving(count=25), sound=hum, seconds=0.3))

        assert len(frames_of(mezzanine)) == 25
        samples, rate = sound_of(mezzanine)
        assert share_of_tone(samples[0, : round(0.25 * rate)], rate, 440) > 0.9

    def test_a_gap_in_the_sound_stays_one(self, tmp_path: Path, ingest: Ingest) -> None:
        source = make_video(tmp_path / "in.mkv", flash(1.0, 25), sound=beep(1.0))

        mezzanine = ingest(without_sound_packets(tmp_path / "gap.mkv", source, 0.3, 0.7))

        assert beep_time(mezzanine) == pytest.approx(1.0, abs=SOUND_ERROR)


def trimmed(path: Path, source: Path, *, seconds: float) -> Path:
    """Copy an MP4 and move the start of every track's edit list."""
    data = bytearray(source.read_bytes())
    for place in _places(data, b"elst"):
        media = data.index(b"mdhd", place)
        scale = struct.unpack_from(">I", data, media + 16)[0]
        at = place + 4 + 8 + 4  # version and flags, count, duration; then the start in the media
        start = struct.unpack_from(">i", data, at)[0]
        struct.pack_into(">i", data, at, start + round(seconds * scale))
        length = struct.unpack_from(">I", data, at - 4)[0]
        struct.pack_into(">I", data, at - 4, length - round(seconds * 1000))
    path.write_bytes(bytes(data))
    return path


def _places(data: bytearray, name: bytes) -> list[int]:
    found, at = [], data.find(name)
    while at >= 0:
        found.append(at)
        at = data.find(name, at + 4)
    return found


def without_sound_packets(path: Path, source: Path, start: float, end: float) -> Path:
    """Copy a file without the sound of a stretch of time."""
    with av.open(str(source)) as reading, av.open(str(path), "w") as writing:
        copies = {stream.index: writing.add_stream_from_template(stream) for stream in reading.streams}
        for packet in reading.demux():
            if not packet.size or packet.pts is None:
                continue
            at = float(packet.pts * packet.time_base)
            if packet.stream.type == "audio" and start <= at < end:
                continue
            packet.stream = copies[packet.stream.index]
            writing.mux(packet)
    return path
