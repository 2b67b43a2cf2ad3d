"""The shape of the repository itself."""

import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_platform_stays_the_standard_librarys_module():
    assert Path(platform.__file__).parent == Path(sysconfig.get_path("stdlib"))
    assert platform.python_version_tuple()[0] == "3"


def test_from_the_root_folder_platform_is_the_standard_librarys_too():
    command = [sys.executable, "-c", "import platform; print(platform.python_version())"]

    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == platform.python_version()


def test_platform_is_a_folder_of_packages_and_never_one_itself():
    files = [path.name for path in (ROOT / "platform").iterdir() if path.is_file()]

    assert files == []


def test_the_rooms_import_downwards_only():
    lint = Path(sys.executable).parent / "lint-imports"
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}", "PATH": "/usr/bin:/bin"}

    answer = subprocess.run([lint, "--no-cache"], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout
