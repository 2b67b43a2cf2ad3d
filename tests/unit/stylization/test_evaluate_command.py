"""`manage.py evaluate_model`: what it refuses in one line, and what it leaves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import call_command
from PIL import Image
from safetensors.torch import save_file

from mlmodels.evaluation import peers
from mlmodels.stylemodel import STATISTICS, StyleModel
from mlmodels.vgg import VGGFeatures
from stylization.management.commands import evaluate_model
from tests.media import make_video, moving
from tests.unit.mlmodels.painters import Copyist, Tinter

SMALL = ("--side", 32, "--clip-side", 32, "--sizes", "40x32", "--runs", 1, "--frames", 12, "--threads", 1)


@pytest.fixture(autouse=True)
def _our_painter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_model, "load_release", lambda folder: Tinter())
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)  # the tests after this one keep theirs


@pytest.fixture(scope="module")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loss network as it starts, at random."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "vgg.safetensors"
    save_file({name: value.contiguous() for name, value in VGGFeatures().state_dict().items()}, path)
    return path


@pytest.fixture
def data(tmp_path: Path, vgg: Path) -> dict[str, Path]:
    """Options with everything that measuring needs."""
    for folder, colour in (("content", "gray"), ("styles", "red")):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (64, 48), colour).save(tmp_path / folder / "one.png")
    (tmp_path / "clips").mkdir()
    make_video(tmp_path / "clips" / "square.mp4", moving(64, 48, 14))
    return {name: tmp_path / name for name in ("content", "styles", "clips")} | {"vgg": vgg}


def given(options: dict[str, Path]) -> list[str]:
    return [text for name, value in options.items() for text in (f"--{name}", str(value))]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command, expect exit code 2 and one line on stderr beside its progress, and return that line."""

    def run(*arguments: Any) -> str:
        with pytest.raises(SystemExit) as end:
            call_command("evaluate_model", *map(str, arguments))
        said = capsys.readouterr()
        assert end.value.code == 2
        assert said.out == ""
        *progress, line = said.err.splitlines()
        assert line.startswith("evaluate_model: ")
        assert all(" of " in stage for stage in progress)
        return line

    return run


def test_numbers_and_report_of_ours_and_a_peer_are_written(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(peers.PEERS, "magenta", lambda threads: Copyist())
    numbers, report = tmp_path / "out.json", tmp_path / "out.html"

    call_command(
        "evaluate_model", *given(data), *map(str, SMALL), "--peer=magenta", f"--json={numbers}", f"--report={report}"
    )

    written = json.loads(numbers.read_text())
    assert (written["ours"]["name"], written["peer"]["name"]) == ("tinter", "copyist")
    assert written["peer"]["flicker"] == 1
    assert report.read_text().startswith("<!doctype html>")
    assert "style distance" in capsys.readouterr().out


def test_without_a_peer_and_files_the_numbers_are_said(data, capsys):
    call_command("evaluate_model", *given(data), *map(str, SMALL))

    assert "ours (tinter): style " in capsys.readouterr().out


def test_sheets_need_neither_clips_nor_weights(data, tmp_path, capsys):
    call_command(
        "evaluate_model", f"--content={data['content']}", f"--sheet-styles={data['styles']}",
        f"--sheet={tmp_path / 'sheet.jpg'}", "--sheet-sides=32,48",
    )  # fmt: skip

    assert capsys.readouterr().out.split() == [str(tmp_path / "sheet-32.jpg"), str(tmp_path / "sheet-48.jpg")]
    with Image.open(tmp_path / "sheet-48.jpg") as sheet:
        assert sheet.height > 48


@pytest.mark.parametrize("absent", ["content", "styles", "clips"])
def test_a_folder_that_is_not_given_is_refused(data, refused, absent):
    del data[absent]

    assert f"measuring needs --{absent}" in refused(*given(data))


@pytest.mark.parametrize("absent", ["content", "styles", "clips"])
def test_a_folder_that_is_missing_is_refused(data, refused, tmp_path, absent):
    data[absent] = tmp_path / "nowhere"

    assert "there is no folder" in refused(*given(data))


@pytest.mark.parametrize("empty", ["content", "styles", "clips"])
def test_a_folder_that_is_empty_is_refused(data, refused, empty):
    for file in data[empty].iterdir():
        file.unlink()

    assert str(data[empty]) in refused(*given(data))


def test_missing_vgg_weights_are_refused(data, refused, tmp_path):
    data["vgg"] = tmp_path / "vgg.safetensors"

    assert "no VGG16 weights there" in refused(*given(data))


def test_a_file_that_is_no_vgg_is_refused(data, refused, tmp_path):
    data["vgg"] = tmp_path / "vgg.safetensors"
    data["vgg"].write_bytes(b"no weights")

    assert "no VGG16 weights there" in refused(*given(data))


def test_a_peer_that_is_not_installed_is_refused(data, refused, monkeypatch):
    def missing(threads: int) -> peers.Magenta:
        raise peers.PeerMissing("the peer needs onnx, which “make peers” installs.")

    monkeypatch.setitem(peers.PEERS, "magenta", missing)

    assert "make peers" in refused(*given(data), "--peer=magenta")


def test_an_unknown_peer_is_refused(data, refused):
    assert "invalid choice: 'nobody'" in refused(*given(data), "--peer=nobody")


def test_a_folder_that_is_no_release_is_refused(data, refused, monkeypatch, tmp_path):
    from mlmodels.release import load_release

    monkeypatch.setattr(evaluate_model, "load_release", load_release)

    assert "model.json" in refused(*given(data), f"--release={tmp_path}")


def test_an_unknown_engine_is_refused(data, refused):
    assert "There is no engine nobody" in refused(*given(data), "--engine=nobody")


@pytest.mark.parametrize("other", ["release", "checkpoint"])
def test_two_things_to_measure_are_refused(data, refused, tmp_path, other):
    assert "give one of them" in refused(*given(data), "--engine=torch", f"--{other}={tmp_path}")


@pytest.mark.parametrize("content", [None, b"no weights"])
def test_a_file_that_is_no_checkpoint_is_refused(data, refused, tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    if content:
        path.write_bytes(content)

    assert "holds no style model" in refused(*given(data), f"--checkpoint={path}")


@pytest.mark.parametrize("predictor", [STATISTICS, "mobilenetv3-texture"])
def test_a_checkpoint_is_measured(data, tmp_path, capsys, predictor):
    network = {"width": 16, "deep": 24, "blocks": 1}
    model = StyleModel("teacher", network, predictor)
    options = {"layout": "teacher", "network": network}
    run = tmp_path / "run"
    run.mkdir()
    torch.save({"model": model.state_dict(), "predictor": predictor, "options": options}, run / "checkpoint.pt")

    call_command("evaluate_model", *given(data), *map(str, SMALL), f"--checkpoint={run / 'checkpoint.pt'}")

    assert "ours (checkpoint run): style " in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--json", "--report", "--sheet"])
def test_a_target_without_a_folder_is_refused_before_measuring(data, refused, tmp_path, option):
    assert "there is no folder" in refused(*given(data), f"{option}={tmp_path / 'nowhere' / 'out.jpg'}")


def test_a_sheet_of_another_format_is_refused(data, refused, tmp_path):
    assert ".jpg or .png" in refused(*given(data), f"--sheet={tmp_path / 'out.gif'}")


def test_a_sheet_without_a_photograph_is_refused(refused, tmp_path):
    assert "--sheet-photo or --content" in refused(f"--sheet={tmp_path / 'out.jpg'}")


def test_a_sheet_photo_that_is_missing_is_refused(refused, tmp_path):
    assert "cannot be read" in refused(f"--sheet={tmp_path / 'out.jpg'}", f"--sheet-photo={tmp_path / 'none.jpg'}")


@pytest.mark.parametrize(
    "option",
    [
        "--pictures=0",
        "--frames=none",
        "--sheet-sides=16",
        "--sheet-sides=a",
        "--sizes=40",
        "--sizes=40x",
        "--sizes=8x8",
    ],
)
def test_numbers_that_mean_nothing_are_refused(data, refused, option):
    assert option.partition("=")[0] in refused(*given(data), option)


def test_a_clip_that_is_none_is_refused(data, refused):
    (data["clips"] / "broken.mp4").write_bytes(b"no clip")

    assert "broken.mp4 cannot be read" in refused(*given(data), *SMALL)
