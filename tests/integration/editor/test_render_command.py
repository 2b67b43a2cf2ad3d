"""`manage.py render`: what a person types, what it says, what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.integration.editor.films import clip_of, counting, numbers_of
from tests.media import hum

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return clip_of(tmp_path_factory.mktemp("film"), "count", counting(50, 320, 180), sound=hum)


@pytest.fixture
def folder(tmp_path, clip) -> Path:
    (tmp_path / "count.mp4").write_bytes(clip.read_bytes())
    return tmp_path


def write_edit(folder: Path, **changes) -> Path:
    segment = {"id": "one", "clip": "count.mp4", "start": 0.2, "end": 1.0, **changes.pop("segment", {})}
    edit = {
        "version": 1,
        "canvas": {"aspect": "16:9", "short_side": 360, "frame_rate": 25},
        "segments": [segment],
        **changes,
    }
    path = folder / "edit.json"
    path.write_text(json.dumps(edit))
    return path


def refusal(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        call_command("render", *(str(argument) for argument in arguments))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return int(str(caught.value.code)), said.err


def test_an_edit_beside_its_clips_is_rendered(folder, capsys):
    call_command("render", str(write_edit(folder)), str(folder / "out.mp4"))

    assert numbers_of(folder / "out.mp4") == list(range(5, 25))
    assert "20 frames, 640 × 360, 0.80 s" in capsys.readouterr().out


def test_json_is_the_last_line(folder, capsys):
    call_command("render", str(write_edit(folder)), str(folder / "out.mp4"), "--json")

    said = json.loads(capsys.readouterr().out)
    assert (said["frames"], said["width"], said["height"], said["has_sound"]) == (20, 640, 360, True)


def test_captions_are_written_beside_the_video(folder):
    caption = {"id": "c", "kind": "caption", "text": "Counting", "start": 0, "end": 0.4}

    call_command("render", str(write_edit(folder, texts=[caption])), str(folder / "out.mp4"))

    assert (folder / "out.vtt").read_text() == "WEBVTT\n\n00:00:00.000 --> 00:00:00.400\nCounting\n"


def test_a_cache_makes_the_second_render_quicker(folder, capsys):
    edit = write_edit(folder, segment={"speed": 2})
    call_command("render", str(edit), str(folder / "out.mp4"), "--cache", str(folder / "kept"))
    capsys.readouterr()

    call_command("render", str(edit), str(folder / "again.mp4"), "--cache", str(folder / "kept"), "--json")

    assert json.loads(capsys.readouterr().out)["encoded"] == 0
    assert (folder / "again.mp4").read_bytes() == (folder / "out.mp4").read_bytes()


def test_a_missing_edit_is_refused(folder, capsys):
    code, said = refusal(capsys, folder / "none.json", folder / "out.mp4")

    assert code == 2
    assert "none.json" in said


@pytest.mark.parametrize("text", ["", "{", "[1, NaN", "\0\0", "[" * 100_000])
def test_what_is_not_json_is_refused(folder, capsys, text):
    edit = folder / "edit.json"
    edit.write_text(text)

    code, said = refusal(capsys, edit, folder / "out.mp4")

    assert code == 2
    assert "not JSON" in said


def test_a_bad_edit_is_refused_at_its_place(folder, capsys):
    code, said = refusal(capsys, write_edit(folder, segment={"end": -1}), folder / "out.mp4")

    assert code == 2
    assert "segments.0.end" in said
    assert not (folder / "out.mp4").exists()


def test_an_edit_of_a_clip_that_is_not_there_is_refused(folder, capsys):
    code, said = refusal(capsys, write_edit(folder, segment={"clip": "gone.mp4"}), folder / "out.mp4")

    assert code == 1
    assert "gone.mp4" in said


def test_an_empty_edit_is_refused(folder, capsys):
    code, said = refusal(capsys, write_edit(folder, segments=[]), folder / "out.mp4")

    assert code == 1
    assert "nothing on the timeline" in said


@pytest.mark.parametrize(
    ("target", "words"), [("out.mov", ".mp4"), ("gone/out.mp4", "no folder"), ("count.mp4", "own sources")]
)
def test_a_target_that_cannot_be_written_is_refused(folder, capsys, target, words):
    before = (folder / "count.mp4").read_bytes()

    code, said = refusal(capsys, write_edit(folder), folder / target)

    assert code == 2
    assert words in said
    assert (folder / "count.mp4").read_bytes() == before


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_render_that_is_stopped_leaves_no_video(folder, number):
    long = [{"id": f"s{place}", "clip": "count.mp4", "start": 0, "end": 2, "speed": 0.25} for place in range(10)]
    edit = write_edit(folder, segments=long)
    process = subprocess.Popen(
        [sys.executable, str(MANAGE), "render", str(edit), str(folder / "out.mp4"), "--cache", str(folder / "kept")],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    deadline = time.monotonic() + 60
    while not list(folder.glob("kept/[0-9a-f]*.mp4")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)

    process.send_signal(number)
    _, said = process.communicate(timeout=20)

    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    assert not (folder / "out.mp4").exists()
    if number == signal.SIGINT:
        assert said.decode() == "render: stopped; nothing was written.\n"
        assert list(folder.glob(".render-*")) == []
