"""From an upload over the API to a clip, and from a bad one to words a person can act on."""

import base64
import errno
import hashlib
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.utils import timezone

from clips import conf, media, tasks
from clips.ingest.bounds import Bounds
from clips.models import Clip, Upload
from clips.services import clips_sweep
from clips.uploads import uploads_sweep
from foundation import storage
from foundation.files import media_path
from jobs.models import Job
from jobs.runner import job_run_here
from tests.media import Image, corners, flat, frames_of, hum, make_sound_file, make_video, quarters, truncated, turned

pytestmark = pytest.mark.django_db
SLOW = Fraction(1, 60)
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = tmp_path / "var" / "media"


@pytest.fixture
def upload(api_client: Any) -> Callable[[Path], Job]:
    """Send a file in one piece; the job that waits to read it."""

    def send(path: Path, name: str = "in.mp4", client: Any = api_client) -> Job:
        said = "filename " + base64.b64encode(name.encode()).decode()
        place = client.post(
            "/api/v1/uploads/",
            headers={**TUS, "Upload-Length": str(path.stat().st_size), "Upload-Metadata": said},
        )["Location"]
        done = client.generic(
            "PATCH", place, path.read_bytes(), "application/offset+octet-stream", headers={**TUS, "Upload-Offset": "0"}
        )
        return Job.objects.get(pk=done["Impasto-Job"])

    return send


def leftovers() -> list[Path]:
    """Every file of uploads, clips and work, and every folder that work has left."""
    work = conf.uploads_root().parent / "work"
    roots = [conf.uploads_root(), media_path("clips"), work]
    found = [path for root in roots if root.exists() for path in root.rglob("*")]
    return [path for path in found if path.is_file() or work in path.parents]


class TestAGoodFile:
    def test_it_becomes_a_clip_that_can_be_watched(
        self, tmp_path: Path, api_client: Any, user: Any, upload: Callable[..., Job]
    ) -> None:
        source = turned(
            tmp_path / "in.mp4", make_video(tmp_path / "lying.mp4", quarters(96, 64, 30), sound=hum), degrees=90
        )

        job = job_run_here(job=upload(source, "Evening walk.mp4"))

        assert (job.state, job.stage, job.progress) == ("succeeded", "done", 1.0), job.trouble
        clip = api_client.get(f"/api/v1/clips/{job.result['clip_id']}/").json()
        assert (clip["width"], clip["height"], clip["frame_count"], clip["has_audio"]) == (64, 96, 30, True)
        assert (clip["title"], clip["owner"]["username"]) == ("Evening walk", user.username)
        assert clip["frame_rate"] == 25
        assert clip["duration_seconds"] == pytest.approx(1.2, abs=0.001)
        assert (clip["recipe"], clip["parents"]) == (None, [])
        video = b"".join(api_client.get(clip["video_url"]).streaming_content)
        (tmp_path / "shown.mp4").write_bytes(video)
        assert corners(frames_of(tmp_path / "shown.mp4")[10][1]) == ["blue", "red", "grey", "green"]
        assert (len(video), Clip.objects.get().sha256) == (clip["bytes"], hashlib.sha256(video).hexdigest())

    def test_poster_and_sprite_show_it(self, tmp_path: Path, api_client: Any, upload: Callable[..., Job]) -> None:
        job = job_run_here(job=upload(make_video(tmp_path / "in.mp4", quarters(96, 64, 30))))

        clip = api_client.get(f"/api/v1/clips/{job.result['clip_id']}/").json()
        poster = picture(b"".join(api_client.get(clip["poster_url"]).streaming_content))
        assert poster.shape == (64, 96, 3)
        assert corners(poster) == ["red", "green", "blue", "grey"]
        sprite = clip["sprite"]
        sheet = picture(b"".join(api_client.get(sprite["url"]).streaming_content))
        assert sheet.shape[:2] == (sprite["rows"] * sprite["frame_height"], sprite["columns"] * sprite["frame_width"])
        assert sprite["count"] == 25
        last = sheet[-sprite["frame_height"] :, -sprite["frame_width"] :]
        assert corners(last) == ["red", "green", "blue", "grey"]

    def test_the_bytes_as_they_came_are_not_kept(
        self, tmp_path: Path, api_client: Any, upload: Callable[..., Job]
    ) -> None:
        job = job_run_here(job=upload(make_video(tmp_path / "in.mp4", metadata={"comment": "at home"})))

        shown = api_client.get(f"/api/v1/uploads/{Upload.objects.get().pk}").json()
        assert (shown["state"], shown["clip_id"]) == ("done", job.result["clip_id"])
        names = sorted(path.name for path in leftovers())
        assert names == ["poster.jpg", "sprite.jpg", "video.mp4"]

    def test_one_frame_without_sound_is_enough(self, tmp_path: Path, upload: Callable[..., Job]) -> None:
        job_run_here(job=upload(make_video(tmp_path / "in.mp4", quarters(64, 48, 1))))

        clip = Clip.objects.get()
        assert (clip.frame_count, clip.has_audio, clip.sprite["count"]) == (1, False, 1)

    def test_a_job_that_ran_twice_made_one_clip(self, tmp_path: Path, upload: Callable[..., Job]) -> None:
        job = upload(make_video(tmp_path / "in.mp4"))

        for _ in range(2):
            job_run_here(job=job)

        assert Clip.objects.count() == 1


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not a video": (lambda folder: written(folder, b"hello " * 1000), "not_a_video"),
    "playlist": (lambda folder: written(folder, b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n"), "playlist_refused"),
    "concat script": (lambda folder: written(folder, b"ffconcat version 1.0\nfile /etc/passwd\n"), "playlist_refused"),
    "truncated": (lambda folder: truncated(folder / "t.mp4", make_video(folder / "in.mp4")), "truncated"),
    "sound alone": (lambda folder: make_sound_file(folder / "in.mp4"), "no_video_stream"),
    "codec": (lambda folder: make_video(folder / "in.mkv", codec="ffv1"), "codec_not_allowed"),
    "bomb": (lambda folder: make_video(folder / "in.mp4", flat((0, 0, 0), 5200, 4000, 1)), "too_many_pixels"),
    "ten minutes": (lambda folder: make_video(folder / "in.mp4", flat((0, 0, 0), count=10), rate=SLOW), "too_long"),
    "1000 fps": (lambda folder: make_video(folder / "in.mp4", flat((0, 0, 0)), rate=1000), "frame_rate_too_high"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_fails_in_words_and_leaves_nothing(
    tmp_path: Path, api_client: Any, upload: Callable[..., Job], django_capture_on_commit_callbacks: Any, kind: str
) -> None:
    make, code = BAD[kind]
    job = upload(make(tmp_path))

    job_run_here(job=job)

    shown = api_client.get(f"/api/v1/jobs/{job.pk}/").json()
    assert (shown["state"], shown["error"]["code"]) == ("failed", code)
    assert shown["error"]["title"]
    assert shown["error"]["detail"].endswith(".")
    assert not Clip.objects.exists()
    upload_url = f"/api/v1/uploads/{Upload.objects.get().pk}"
    assert api_client.get(upload_url).json()["state"] == "failed"
    with django_capture_on_commit_callbacks(execute=True):
        api_client.delete(upload_url, headers=TUS)
    assert leftovers() == []


@pytest.mark.parametrize(("code", "is_kept"), [("truncated", False), ("not_a_video", False), ("disk_full", True)])
def test_bytes_that_will_never_be_a_clip_are_swept_away(
    tmp_path: Path, upload: Callable[..., Job], code: str, is_kept: bool
) -> None:
    """What another try could read stays for it, as long as an upload lives."""
    job = upload(make_video(tmp_path / "in.mp4"))
    Job.objects.filter(pk=job.pk).update(state="failed", error_code=code, finished_at=timezone.now())

    uploads_sweep(timezone.now())

    assert bool(leftovers()) == is_kept


class TestAFullDisk:
    def test_while_the_mezzanine_is_written(
        self, tmp_path: Path, upload: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make = tasks.make_mezzanine

        def onto_a_full_disk(source: Path, directory: Path, *rest: Any) -> Path:
            (directory / "video.mp4").symlink_to("/dev/full")
            return make(source, directory, *rest)

        monkeypatch.setattr(tasks, "make_mezzanine", onto_a_full_disk)
        job = job_run_here(job=upload(make_video(tmp_path / "in.mp4")))

        assert_nothing_half_made(job)

    @pytest.mark.parametrize("step", ["poster", "moving"])
    def test_later(
        self, tmp_path: Path, upload: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        put = storage.put
        monkeypatch.setattr(*{
            "poster": (media, "_write_jpeg", full),
            # The third of three files: two lie in their place by then.
            "moving": (storage, "put", lambda source, name: full() if name.endswith("mp4") else put(source, name)),
        }[step])  # fmt: skip
        job = job_run_here(job=upload(make_video(tmp_path / "in.mp4")))

        assert_nothing_half_made(job)


def assert_nothing_half_made(job: Job) -> None:
    assert (job.state, job.error_code) == ("failed", "disk_full")
    assert not Clip.objects.exists()
    # What was sent is still there: the job can be tried again when there is room.
    assert [path.suffix for path in leftovers()] == [".part"]


class TestTheEnd:
    def test_a_cancel_ends_the_reading_and_leaves_nothing(
        self, tmp_path: Path, api_client: Any, upload: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = upload(make_video(tmp_path / "in.mp4", flat((90, 90, 90), count=60)))
        make = tasks.make_mezzanine

        def cancelled_meanwhile(*arguments: Any) -> Path:
            assert api_client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 200
            return make(*arguments)

        monkeypatch.setattr(tasks, "make_mezzanine", cancelled_meanwhile)
        job_run_here(job=job)

        assert (job.state, Clip.objects.count()) == ("cancelled", 0)
        assert [path.suffix for path in leftovers()] == [".part"]
        uploads_sweep(timezone.now())
        assert leftovers() == []

    def test_too_much_work_is_said(
        self, tmp_path: Path, upload: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(conf, "bounds", lambda: Bounds(wall_seconds=0.0))

        job = job_run_here(job=upload(make_video(tmp_path / "in.mp4")))

        assert (job.state, job.error_code) == ("failed", "too_costly")
        assert not Clip.objects.exists()

    def test_an_upload_that_is_gone_is_said(self, tmp_path: Path, upload: Callable[..., Job]) -> None:
        job = upload(make_video(tmp_path / "in.mp4"))
        for path in conf.uploads_root().iterdir():
            path.unlink()

        job = job_run_here(job=job)

        assert (job.state, job.error_code) == ("failed", "upload_lost")
        assert "once more" in job.error_detail

    def test_a_crash_between_files_and_row_is_swept_up(self, tmp_path: Path) -> None:
        folder = media_path("clips", "0b8ab1d4-4c0d-4b7c-8a5f-2b0f3f0f9d11")
        folder.mkdir(parents=True)
        (folder / "video.mp4").write_bytes(b"half made")

        clips_sweep(timezone.now())
        assert folder.exists()  # perhaps a row is about to come
        clips_sweep(timezone.now() + timedelta(hours=4))

        assert not folder.exists()

    def test_jobs_of_one_person_are_nobody_elses(
        self, tmp_path: Path, client_of: Any, other_user: Any, upload: Callable[..., Job]
    ) -> None:
        job = upload(make_video(tmp_path / "in.mp4"))

        for address in (f"/api/v1/jobs/{job.pk}/", f"/api/v1/jobs/{job.pk}/preview.jpg"):
            assert client_of(other_user).get(address).status_code == 404
        assert client_of(other_user).post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 404
        job.refresh_from_db()
        assert job.state == "queued"


def written(folder: Path, content: bytes) -> Path:
    path = folder / "in.mp4"
    path.write_bytes(content)
    return path


def picture(content: bytes) -> Image:
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None
    return decoded.astype(np.uint8)
