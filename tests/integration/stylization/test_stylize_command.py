"""`manage.py stylize`: what it says, what it returns, what it leaves. The painting itself is tested with the engine."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from mlmodels.release import SHIPPED
from stylization.engine import engines
from tests.integration.stylization.plain import PlainEngine
from tests.integration.stylization.videos import moving
from tests.media import hum, make_video

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _plain_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines._openers, engines.DEFAULT, PlainEngine)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "in.mp4", moving(64, 48, 6))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(next(moving(64, 48, 1))).save(path)
    return path


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command, expect exit code 2 and one line on stderr, and return that line."""

    def run(*arguments: Any) -> str:
        with pytest.raises(SystemExit) as end:
            call_command("stylize", *map(str, arguments))
        said = capsys.readouterr()
        assert end.value.code == 2
        assert said.out == ""
        assert said.err.startswith("stylize: ")
        assert said.err.count("\n") == 1
        return said.err

    return run


def test_a_missing_file_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "There is no file" in refused(tmp_path / "no.mp4", tmp_path / "out.mp4", "--style", "klimt")


def test_what_is_no_video_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "in.mp4").write_text("hello")

    said = refused(tmp_path / "in.mp4", tmp_path / "out.mp4", "--style", "klimt")

    assert "is not a video or picture" in said


def test_a_truncated_picture_is_refused(refused: Callable[..., str], picture: Path, tmp_path: Path) -> None:
    picture.write_bytes(picture.read_bytes()[:200])

    assert "damaged" in refused(picture, tmp_path / "out.png", "--style", "klimt")


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("klmit", "did you mean klimt-the-kiss?"),
        ("vangogh", "did you mean vangogh-starry-night or vangogh-cafe-terrace?"),
        ("zzzzzz", "--help lists the presets"),
        ("pictures/none.jpg", "There is no picture pictures/none.jpg"),
        ("none.png:0.5", "There is no picture none.png"),
        ("klimt:much", "the weight “much” is not a number"),
        ("klimt:", "the weight “” is not a number"),
        ("klimt:0", "must be above 0"),
        ("klimt:-1", "must be above 0"),
        ("klimt:nan", "must be above 0"),
        (":0.5", "a style needs a name"),
    ],
)
def test_a_bad_style_is_refused(
    refused: Callable[..., str], video: Path, tmp_path: Path, style: str, said: str
) -> None:
    assert said in refused(video, tmp_path / "out.mp4", "--style", style)


def test_a_style_that_is_no_picture_is_refused(refused: Callable[..., str], video: Path, tmp_path: Path) -> None:
    (tmp_path / "style.jpg").write_text("hello")

    said = refused(video, tmp_path / "out.mp4", "--style", tmp_path / "style.jpg")

    assert "The style style.jpg cannot be used" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strength", "1.6"], "between 0 and 1.5"),
        (["--strength", "-0.1"], "between 0 and 1.5"),
        (["--strength", "nan"], "between 0 and 1.5"),
        (["--strength", "strong"], "--strength"),
        (["--height", "0"], "between 16 and 2160"),
        (["--height", "tall"], "--height"),
        (["--brush", "9"], "between 0.25 and 4"),
        (["--engine", "troch"], "did you mean torch?"),
        (["--colours"], "--colours"),
    ],
)
def test_a_bad_option_is_refused(
    refused: Callable[..., str], video: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    assert said in refused(video, tmp_path / "out.mp4", "--style", "klimt", *options)


def test_no_style_at_all_is_refused(refused: Callable[..., str], video: Path, tmp_path: Path) -> None:
    assert "--style" in refused(video, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out.avi", "a painted video is written as"),
        ("out", "a painted video is written as"),
        ("out.png", "is a picture, and in.mp4 is not one"),
        ("none/out.mp4", "There is no folder"),
        ("in.mp4", "is the file that is painted from"),
    ],
)
def test_a_bad_target_is_refused(
    refused: Callable[..., str], video: Path, tmp_path: Path, name: str, said: str
) -> None:
    assert said in refused(video, tmp_path / name, "--style", "klimt")


def test_a_picture_is_not_painted_into_a_video(refused: Callable[..., str], picture: Path, tmp_path: Path) -> None:
    assert "a painted picture is written as" in refused(picture, tmp_path / "out.mp4", "--style", "klimt")


def test_refusals_leave_no_file(refused: Callable[..., str], video: Path, tmp_path: Path) -> None:
    refused(video, tmp_path / "out.mp4", "--style", "klimt", "--strength", "7")

    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_video_is_painted_and_told_in_a_sentence(video: Path, tmp_path: Path) -> None:
    said = io.StringIO()

    call_command("stylize", str(video), str(tmp_path / "out.mp4"), "--style", "klimt", stdout=said)

    assert (tmp_path / "out.mp4").exists()
    assert "6 frames, 64 × 48" in said.getvalue()


def test_json_is_one_object_with_the_agreed_fields(video: Path, tmp_path: Path) -> None:
    said = io.StringIO()

    call_command("stylize", str(video), str(tmp_path / "out.mp4"), "--style", "klimt", "--json", stdout=said)

    report = json.loads(said.getvalue().splitlines()[-1])
    assert set(report) == {"frames", "seconds", "fps", "width", "height", "model", "engine"}
    assert (report["frames"], report["width"], report["height"], report["engine"]) == (6, 64, 48, "plain")
    assert {"name", "sha256"} <= set(report["model"])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
def test_a_picture_is_painted(picture: Path, tmp_path: Path, suffix: str) -> None:
    call_command("stylize", str(picture), str(tmp_path / f"out{suffix}"), "--style", "klimt", stdout=io.StringIO())

    with Image.open(tmp_path / f"out{suffix}") as painted:
        assert painted.size == (64, 48)


def test_a_pictures_transparency_is_kept(tmp_path: Path) -> None:
    layers = np.dstack([next(moving(40, 40, 1)), np.full((40, 40), 255, np.uint8)])
    layers[:10, :, 3] = 0
    Image.fromarray(layers).save(tmp_path / "in.png")

    call_command(
        "stylize", str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--style", "klimt", stdout=io.StringIO()
    )

    with Image.open(tmp_path / "out.png") as painted:
        assert painted.mode == "RGBA"
        assert np.asarray(painted)[..., 3].tolist() == layers[..., 3].tolist()


def test_a_picture_stands_as_its_camera_held_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 48), "white").save(tmp_path / "in.jpg", exif=exif)

    call_command(
        "stylize", str(tmp_path / "in.jpg"), str(tmp_path / "out.jpg"), "--style", "klimt", stdout=io.StringIO()
    )

    with Image.open(tmp_path / "out.jpg") as painted:
        assert painted.size == (48, 80)


def test_a_moving_gif_is_painted_as_a_video(tmp_path: Path) -> None:
    frames = [Image.fromarray(image) for image in moving(48, 48, 5)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=80)
    said = io.StringIO()

    call_command(
        "stylize", str(tmp_path / "in.gif"), str(tmp_path / "out.mp4"), "--style", "klimt", "--json", stdout=said
    )

    assert json.loads(said.getvalue())["frames"] == 5


def test_a_file_whose_name_has_a_colon_is_still_a_file(video: Path, tmp_path: Path, picture: Path) -> None:
    odd = tmp_path / "style:0.5"
    odd.write_bytes(picture.read_bytes())

    call_command("stylize", str(video), str(tmp_path / "out.mp4"), "--style", str(odd), stdout=io.StringIO())

    assert (tmp_path / "out.mp4").exists()


def command(*arguments: Any) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), "stylize", *map(str, arguments)]


def environment(tmp_path: Path) -> dict[str, str]:
    # A database that cannot be opened: the command must not want one.
    return {**os.environ, "IMPASTO_VAR": str(tmp_path / "var"), "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"}


needs_weights = pytest.mark.skipif(not (SHIPPED / "model.json").exists(), reason="the weights are not trained yet")


@needs_weights
def test_from_the_shell_with_the_real_network(tmp_path: Path) -> None:
    source = make_video(tmp_path / "in.mp4", moving(96, 64, 5), sound=hum)

    ran = subprocess.run(
        command(source, tmp_path / "out.mp4", "--style", "vangogh-starry-night:2", "--style", "klimt", "--json"),
        env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout.splitlines()[-1])
    assert (report["frames"], report["engine"]) == (5, engines.DEFAULT)
    assert len(report["model"]["sha256"]) == 64
    assert ran.stderr == ""  # no bar where there is no terminal


def test_from_the_shell_bad_input_ends_with_two(tmp_path: Path) -> None:
    ran = subprocess.run(
        command(tmp_path / "no.mp4", tmp_path / "out.mp4", "--style", "klimt"),
        env=environment(tmp_path), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"stylize: There is no file {tmp_path / 'no.mp4'}.\n"


@needs_weights
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_whatever_stops_it_leaves_no_file(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    source = make_video(tmp_path / "in.mp4", moving(320, 240, 300))
    folder = tmp_path / "out"
    folder.mkdir()
    running = subprocess.Popen(
        command(source, folder / "out.mp4", "--style", "klimt"),
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_until_it_writes(running, folder)

    running.send_signal(sent)
    running.communicate(timeout=30)

    assert running.returncode == code
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == []


def open_files(pid: int) -> Iterator[str]:
    """What the process holds open; a handle that it closes while we look is none."""
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield str(handle.readlink())


def wait_until_it_writes(running: "subprocess.Popen[bytes]", folder: Path) -> None:
    """The nameless file shows as an open handle into the folder."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if any(str(folder) in name for name in open_files(running.pid)):
            time.sleep(0.5)
            return
        time.sleep(0.05)
    raise AssertionError("it never began to write")
