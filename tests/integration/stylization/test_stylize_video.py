"""The pipeline around the network, on real files: what goes in must come out at the same place, time and colour."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from stylization.engine.errors import BadSource, BadTarget
from stylization.engine.recipe import PaintRecipe
from stylization.engine.video import PaintProgress, PaintReport, stylize_video
from tests.integration.stylization.plain import RECIPE, PlainEngine
from tests.integration.stylization.videos import flat, moving
from tests.media import Image, corners, frames_of, make_sound_file, make_video, quarters, truncated, turned

ROOT = Path(__file__).resolve().parents[3]
COLOURS = [(200, 40, 40), (40, 180, 60), (30, 60, 200), (230, 220, 120), (128, 128, 128), (250, 250, 250), (5, 5, 5)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "painted.mp4"


def paint(source: Path, out: Path, recipe: PaintRecipe = RECIPE) -> PaintReport:
    return stylize_video(source, out, recipe, engine=PlainEngine())


def test_every_frame_comes_out_in_order_and_in_time(tmp_path: Path, out: Path) -> None:
    levels = [(level, level, level) for level in range(20, 240, 10)]
    source = make_video(tmp_path / "in.mp4", flat(64, 48, levels))

    report = paint(source, out)

    painted = frames_of(out)
    assert report.frames == len(painted) == len(levels)
    assert [start for start, _ in painted] == pytest.approx([index / 25 for index in range(len(levels))], abs=0.001)
    assert [int(np.median(image)) for _, image in painted] == pytest.approx([level for level, *_ in levels], abs=3)


@pytest.mark.parametrize(("width", "height"), [(95, 63), (64, 47), (33, 200)])
def test_odd_sizes_become_even_without_a_squeeze(tmp_path: Path, out: Path, width: int, height: int) -> None:
    image = np.full((height, width, 3), 30, np.uint8)
    cv2.circle(image, (width // 2, height // 2), 12, (240, 240, 240), -1)
    # 4:4:4, because 4:2:0 cannot hold an odd size in the first place
    source = make_video(tmp_path / "in.mp4", [image] * 3, pix_fmt="yuv444p")

    report = paint(source, out)

    assert report.width % 2 == report.height % 2 == 0
    assert abs(report.width - width) <= 1
    assert abs(report.height - height) <= 1
    disc = frames_of(out)[1][1].mean(axis=2) > 128
    across, down = disc.any(axis=0).sum(), disc.any(axis=1).sum()
    assert abs(int(across) - int(down)) <= 1


@pytest.mark.parametrize(
    ("turn", "mirrored", "size", "shown"),
    [
        (0, False, (96, 64), ["red", "green", "blue", "grey"]),
        (90, False, (64, 96), ["blue", "red", "grey", "green"]),
        (180, False, (96, 64), ["grey", "blue", "green", "red"]),
        (270, False, (64, 96), ["green", "grey", "red", "blue"]),
        (0, True, (96, 64), ["green", "red", "grey", "blue"]),
        (90, True, (64, 96), ["red", "blue", "green", "grey"]),
    ],
)
def test_a_turned_or_mirrored_video_stands_upright(
    tmp_path: Path, out: Path, turn: int, mirrored: bool, size: tuple[int, int], shown: list[str]
) -> None:
    source = turned(
        tmp_path / "in.mp4", make_video(tmp_path / "lying.mp4", quarters(96, 64, 3)), degrees=turn, mirrored=mirrored
    )

    report = paint(source, out)

    assert (report.width, report.height) == size
    assert corners(frames_of(out)[0][1]) == shown
    with av.open(str(out)) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path, out: Path) -> None:
    starts = [0, 40, 80, 300, 310, 900, 1500]
    source = make_video(
        tmp_path / "in.mkv",
        flat(64, 48, COLOURS),
        starts=starts,
        time_base=Fraction(1, 1000),
        options={"bf": "0"},
    )

    paint(source, out)

    assert [start for start, _ in frames_of(out)] == pytest.approx([start / 1000 for start in starts], abs=0.002)


def test_one_frame_is_a_video_too(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", quarters(64, 48, 1))

    report = paint(source, out)

    assert report.frames == 1
    with av.open(str(out)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(1 / 25, abs=0.01)


def test_a_portrait_video_stays_one(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(72, 128, 4))

    report = paint(source, out, PaintRecipe(RECIPE.styles, height=64))

    assert (report.width, report.height) == (36, 64)


def test_wide_pixels_come_out_square(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 64, 3), aspect=Fraction(3, 2))

    report = paint(source, out)

    assert (report.width, report.height) == (96, 64)
    with av.open(str(out)) as container:
        assert container.streams.video[0].sample_aspect_ratio in (None, 0, 1)


@pytest.mark.parametrize(
    ("pix_fmt", "matrix", "full_range"),
    [
        ("yuv420p", Colorspace.ITU601, False),
        ("yuv420p", Colorspace.ITU709, False),
        ("yuv420p", Colorspace.ITU601, True),
        ("yuv420p", Colorspace.ITU709, True),
        ("yuv444p", Colorspace.ITU709, False),
        ("yuv420p10le", Colorspace.ITU709, False),
        ("yuv420p10le", Colorspace.ITU709, True),
        ("yuv420p10le", Colorspace.BT2020, False),
        ("yuv422p10le", Colorspace.ITU709, False),
    ],
)
def test_colours_survive_every_coding(
    tmp_path: Path, out: Path, pix_fmt: str, matrix: Colorspace, full_range: bool
) -> None:
    source = make_video(
        tmp_path / "in.mp4", flat(64, 48, COLOURS), pix_fmt=pix_fmt, matrix=matrix, full_range=full_range
    )

    paint(source, out)

    for (_, image), colour in zip(frames_of(out), COLOURS, strict=True):
        # two conversions of 8-bit chroma, each right within about two levels
        assert np.median(image.reshape(-1, 3), axis=0) == pytest.approx(colour, abs=5)


def test_the_painting_says_how_its_colours_are_coded(tmp_path: Path, out: Path) -> None:
    paint(make_video(tmp_path / "in.mp4", moving(64, 48, 3), full_range=True), out)

    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == "yuv420p"
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)


def test_interlaced_fields_are_woven_into_whole_frames(tmp_path: Path, out: Path) -> None:
    images = []
    for index in range(8):
        image = np.full((96, 128, 3), 40, np.uint8)
        # a bar that moves between the two fields of every frame: shown as it is, its edges are combs
        image[0::2, 8 * index : 8 * index + 24] = 220
        image[1::2, 8 * index + 4 : 8 * index + 28] = 220
        images.append(image)
    source = make_video(tmp_path / "in.mp4", images, options={"flags": "+ildct+ilme", "x264-params": "tff=1"})

    paint(source, out)

    def combs(image: np.ndarray) -> float:
        rows = image.mean(axis=2).astype(float)
        return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2)[10:-10].mean())

    painted = frames_of(out)
    assert len(painted) == len(images)
    assert combs(painted[4][1]) < 0.4 * combs(images[4])


def test_the_index_stands_in_front_of_the_picture(tmp_path: Path, out: Path) -> None:
    paint(make_video(tmp_path / "in.mp4", moving(64, 48, 10)), out)

    content = out.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".m4v"])
def test_other_containers_hold_the_painting_as_well(tmp_path: Path, suffix: str) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 5))

    paint(source, tmp_path / f"painted{suffix}")

    assert len(frames_of(tmp_path / f"painted{suffix}")) == 5


def test_statistics_change_at_a_cut_and_nowhere_else(tmp_path: Path, out: Path) -> None:
    def tinted(colour: tuple[int, int, int], seed: int) -> Iterator[Image]:
        return ((image // 2 + np.array(colour, np.uint8)).astype(np.uint8) for image in moving(96, 64, 12, seed=seed))

    images = [*tinted((100, 60, 0), 1), *tinted((0, 60, 120), 5)]
    source = make_video(tmp_path / "in.mp4", images)
    engine = PlainEngine()

    report = stylize_video(source, out, RECIPE, engine=engine)

    assert report.scenes == len(engine.scenes) == 2
    assert engine.painted == 24


def test_progress_only_grows_and_shows_what_was_painted(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 30))
    heard: list[PaintProgress] = []

    stylize_video(source, out, RECIPE, heard.append, engine=PlainEngine())

    painting = [progress for progress in heard if progress.stage == "painting" and progress.frame is not None]
    assert [progress.frames_done for progress in painting] == list(range(1, 31))
    assert {progress.frames_total for progress in painting} == {30}
    assert painting[-1].frame is not None
    assert painting[-1].frame.shape == (48, 64, 3)
    assert painting[-1].frames_per_second
    assert heard[-1].stage == "finishing"


def test_whatever_the_listener_raises_ends_it_and_leaves_nothing(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 30))

    def stop_at_five(progress: PaintProgress) -> None:
        if progress.frames_done == 5:
            raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError, match="cancelled"):
        stylize_video(source, out, RECIPE, stop_at_five, engine=PlainEngine())

    assert not list(out.parent.iterdir())


def test_a_fault_of_the_network_leaves_nothing(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 30))

    def explode() -> None:
        raise RuntimeError("no such layer")

    with pytest.raises(RuntimeError, match="no such layer"):
        stylize_video(source, out, RECIPE, engine=PlainEngine(explode))

    assert not list(out.parent.iterdir())


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, out: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(320, 240, 60))
    # A process that may write 20 kB to any file meets the same refusal as one on a full disk.
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from stylization.engine.errors import TargetFailed\nfrom stylization.engine.video import stylize_video\n"
        "from tests.integration.stylization.plain import RECIPE, PlainEngine\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        f"try:\n    stylize_video(Path({str(source)!r}), Path({str(out)!r}), RECIPE, engine=PlainEngine())\n"
        "except TargetFailed as fault:\n    print(fault)\n    sys.exit(7)\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stdout.strip()) == (7, f"There is no space left for {out}."), ran.stderr
    assert not list(out.parent.iterdir())


def test_a_truncated_video_is_painted_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "in.mkv", moving(160, 120, 40))
    half = truncated(tmp_path / "half.mkv", whole, share=0.5)

    report = paint(half, tmp_path / "painted.mp4")

    assert 5 < report.frames < 40


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Five times the frames, the same peak: measured in processes of their own."""
    short = make_video(tmp_path / "short.mp4", moving(320, 180, 40))
    long = make_video(tmp_path / "long.mp4", (image for _ in range(5) for image in moving(320, 180, 40)))

    grown = peak_kilobytes(long, tmp_path / "b.mp4") - peak_kilobytes(short, tmp_path / "a.mp4")

    # all 160 further frames, kept, would be 27 MB
    assert grown < 12_000


def peak_kilobytes(source: Path, target: Path) -> int:
    code = (
        "import resource\nfrom pathlib import Path\nfrom stylization.engine import video\n"
        "from tests.integration.stylization.plain import RECIPE, PlainEngine\n"
        "video.QUEUED_BYTES = 1_000_000\n"
        f"video.stylize_video(Path({str(source)!r}), Path({str(target)!r}), RECIPE, engine=PlainEngine())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.mp4", b"hello"),
        ("empty.mp4", b""),
        ("playlist.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("script.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("noise.mp4", bytes(range(256)) * 64),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, out: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BadSource):
        paint(tmp_path / name, out)

    assert not list(out.parent.iterdir())


def test_a_title_in_an_old_encoding_is_no_hindrance(tmp_path: Path, out: Path) -> None:
    data = make_video(tmp_path / "in.mp4", moving(64, 48, 3), metadata={"title": "Mein Caf@"}).read_bytes()
    (tmp_path / "latin.mp4").write_bytes(data.replace(b"Caf@", "Café".encode("latin1")))

    assert paint(tmp_path / "latin.mp4", out).frames == 3


def test_sound_alone_is_no_video(tmp_path: Path, out: Path) -> None:
    make_sound_file(tmp_path / "in.m4a")

    with pytest.raises(BadSource, match="holds no video"):
        paint(tmp_path / "in.m4a", out)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(BadSource, match="There is no file"):
        paint(tmp_path / "missing.mp4", out)
    with pytest.raises(BadSource, match="is not a file"):
        paint(tmp_path, out)


def test_the_source_is_never_written_over(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(64, 48, 3))
    before = source.read_bytes()

    with pytest.raises(BadTarget, match="painted from"):
        paint(source, source)

    assert source.read_bytes() == before


def test_a_name_no_container_has_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match=r"\.mp4, \.m4v, \.mov, \.mkv"):
        paint(tmp_path / "missing.mp4", tmp_path / "painted.avi")


def test_the_limit_of_open_files_is_far(tmp_path: Path) -> None:
    """Readers, writers and threads of one painting are all closed: a hundred paintings are as good as one."""
    source = make_video(tmp_path / "in.mp4", moving(32, 32, 2))
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(5):
        paint(source, tmp_path / "painted.mp4")

    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > before
