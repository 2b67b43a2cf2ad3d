import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stylization.engine import target
from stylization.engine.errors import BadTarget
from stylization.engine.target import finished_only


@pytest.fixture(params=["nameless", "hidden"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of writing: the nameless file, and the hidden neighbour where file systems know no nameless ones."""
    if request.param == "hidden":
        monkeypatch.setattr(target, "_nameless_file", lambda folder: None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_the_file_is_there_when_it_is_finished(tmp_path: Path) -> None:
    with finished_only(tmp_path / "out.bin") as draft:
        draft.write_bytes(b"painted")
        assert not (tmp_path / "out.bin").exists()

    assert (tmp_path / "out.bin").read_bytes() == b"painted"
    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]


@pytest.mark.usefixtures("way")
def test_a_fault_leaves_nothing_and_keeps_what_stood_there(tmp_path: Path) -> None:
    (tmp_path / "out.bin").write_bytes(b"old")

    with contextlib.suppress(RuntimeError), finished_only(tmp_path / "out.bin") as draft:
        draft.write_bytes(b"half")
        raise RuntimeError

    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"old"


def test_a_kill_in_the_middle_leaves_no_name_behind(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom stylization.engine.target import finished_only\n"
        f"with finished_only(Path({str(tmp_path / 'out.bin')!r})) as draft:\n"
        "    draft.write_bytes(b'half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    died = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)

    assert died.returncode == -9
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="There is no folder"), finished_only(tmp_path / "no" / "out.bin"):
        pass


def test_a_folder_in_the_targets_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="is a folder"), finished_only(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_write_protected_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(BadTarget, match="cannot be written to"), finished_only(tmp_path / "out.bin"):
        pass
