import errno
import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation

from foundation.files import media_path, publish_file, remove_tree, work_directory


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


def test_a_media_path_lies_in_the_media_folder(tmp_path):
    assert media_path("clips", "7", "video.mp4") == tmp_path / "media" / "clips" / "7" / "video.mp4"


@pytest.mark.parametrize("parts", [("..", "db.sqlite3"), ("clips", "..", ".."), ("/etc/passwd",), ()])
def test_a_media_path_cannot_leave_the_media_folder(parts):
    with pytest.raises(SuspiciousFileOperation):
        media_path(*parts)


def test_a_published_file_replaces_what_was_there_and_leaves_its_source(tmp_path):
    source, destination = tmp_path / "new", tmp_path / "a" / "b" / "file"
    source.write_text("first")
    publish_file(source, destination)
    source.write_text("second")

    publish_file(source, destination)

    assert destination.read_text() == "second"
    assert not source.exists()


def test_bytes_are_on_disk_before_the_name_is(tmp_path, monkeypatch):
    source = tmp_path / "new"
    source.write_text("x")
    (tmp_path / "to").mkdir()
    steps = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "bytes")
        real_fsync(descriptor)

    def replace(self, to):
        steps.append("rename")
        real_replace(self, to)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)

    publish_file(source, tmp_path / "to" / "file")

    assert steps == ["bytes", "rename", "folder"]


def test_from_another_file_system_the_file_arrives_by_one_rename_as_well(tmp_path, monkeypatch):
    source, destination = tmp_path / "new", tmp_path / "to" / "file"
    source.write_text("from afar")
    real_replace = Path.replace

    def replace(self, to):
        if self == source:
            raise OSError(errno.EXDEV, "another file system")
        return real_replace(self, to)

    monkeypatch.setattr(Path, "replace", replace)

    publish_file(source, destination)

    assert destination.read_text() == "from afar"
    assert [path.name for path in destination.parent.iterdir()] == ["file"]
    assert not source.exists()


def test_a_full_disk_leaves_nothing_half_made(tmp_path, monkeypatch):
    source, destination = tmp_path / "new", tmp_path / "to" / "file"
    source.write_text("too much")

    def no_rename(self, to):
        raise OSError(errno.EXDEV, "another file system")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_rename)
    monkeypatch.setattr("foundation.files.shutil.copyfile", full)

    with pytest.raises(OSError, match="No space left"):
        publish_file(source, destination)

    assert list(destination.parent.iterdir()) == []
    assert source.read_text() == "too much"


def test_a_work_directory_is_private_and_can_be_removed_twice(tmp_path):
    directory = work_directory("attempt-1")

    assert directory == tmp_path / "work" / "attempt-1"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (directory / "file").write_text("x")
    remove_tree(directory)
    remove_tree(directory)
    assert not directory.exists()


def test_a_work_directory_stays_under_the_work_folder(tmp_path):
    assert work_directory("../../outside").parent == tmp_path / "work"
