"""The sound arrives with the picture, in time, whatever it was."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stylization.engine.video import stylize_video
from tests.integration.stylization.plain import RECIPE, PlainEngine
from tests.integration.stylization.videos import flat, moving
from tests.media import beep, beep_time, flash_time, hum, make_video, sound_of


def paint(source: Path, target: Path) -> str:
    return stylize_video(source, target, RECIPE, engine=PlainEngine()).sound


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_every_channel_is_copied(tmp_path: Path, layout: str, channels: int) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 25), sound=hum, layout=layout)

    kept = paint(source, tmp_path / "painted.mp4")

    samples, rate = sound_of(tmp_path / "painted.mp4")
    assert kept == "copied"
    assert (samples.shape[0], rate) == (channels, 48000)
    assert np.array_equal(samples, sound_of(source)[0])


@pytest.mark.parametrize(
    ("codec", "suffix", "layout", "rate", "channels"),
    [
        ("libopus", ".mkv", "stereo", 48000, 2),
        ("libopus", ".webm", "mono", 48000, 1),
        ("pcm_s16le", ".mkv", "5.1", 44100, 6),
        ("flac", ".mkv", "stereo", 96000, 2),
    ],
)
def test_sound_that_players_would_not_play_becomes_aac(
    tmp_path: Path, codec: str, suffix: str, layout: str, rate: int, channels: int
) -> None:
    picture_codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    source = make_video(
        tmp_path / f"in{suffix}",
        moving(64, 48, 25),
        sound=hum,
        layout=layout,
        sample_rate=rate,
        audio_codec=codec,
        codec=picture_codec,
    )

    kept = paint(source, tmp_path / "painted.mp4")

    samples, _ = sound_of(tmp_path / "painted.mp4")
    assert kept == "aac"
    assert samples.shape[0] == channels
    spectrum = np.abs(np.fft.rfft(samples[0, 4800:28800]))
    assert pytest.approx(int(spectrum.argmax()) * rate_of(tmp_path / "painted.mp4") / 24000, abs=4) == 440


def rate_of(path: Path) -> int:
    with av.open(str(path)) as container:
        return int(container.streams.audio[0].codec_context.sample_rate)


def test_matroska_keeps_sound_that_mp4_does_not(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mkv", moving(64, 48, 10), sound=hum, audio_codec="libopus")

    assert paint(source, tmp_path / "painted.mkv") == "copied"


def test_a_silent_video_stays_silent(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 5))

    assert paint(source, tmp_path / "painted.mp4") == "none"
    with av.open(str(tmp_path / "painted.mp4")) as container:
        assert not container.streams.audio


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "aac"), (".mkv", "libopus"), (".mov", "pcm_s16le")])
def test_the_beep_stays_with_the_flash(tmp_path: Path, suffix: str, codec: str) -> None:
    levels = [(240, 240, 240) if index == 30 else (20, 20, 20) for index in range(50)]
    source = make_video(tmp_path / f"in{suffix}", flat(64, 48, levels), sound=beep(1.2), audio_codec=codec)

    paint(source, tmp_path / "painted.mp4")

    assert beep_time(tmp_path / "painted.mp4") - flash_time(tmp_path / "painted.mp4") == pytest.approx(
        beep_time(source) - flash_time(source), abs=0.012
    )
    assert flash_time(tmp_path / "painted.mp4") == pytest.approx(1.2, abs=0.001)


def test_a_picture_that_begins_after_its_sound_goes_on_doing_so(tmp_path: Path) -> None:
    levels = [(240, 240, 240) if index == 10 else (20, 20, 20) for index in range(25)]
    source = make_video(
        tmp_path / "in.mp4",
        flat(64, 48, levels),
        starts=[500 + 40 * index for index in range(25)],
        time_base=Fraction(1, 1000),
        sound=beep(0.9),
        seconds=1.5,
    )

    paint(source, tmp_path / "painted.mp4")

    assert beep_time(tmp_path / "painted.mp4") - flash_time(tmp_path / "painted.mp4") == pytest.approx(0, abs=0.03)


def test_sound_longer_than_the_picture_is_kept_to_its_end(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 10), sound=hum, seconds=2.0)

    paint(source, tmp_path / "painted.mp4")

    samples, rate = sound_of(tmp_path / "painted.mp4")
    assert samples.shape[1] / rate == pytest.approx(2.0, abs=0.05)
