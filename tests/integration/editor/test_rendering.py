"""From the wish over HTTP to the rendered clip, with a small double in the renderer's place."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from clips.media import prepare_media, read_frame
from clips.models import Clip
from clips.services import clip_adopt, clip_remove
from editor import services, sounds, tasks
from editor.editlist.schema import EditList, read_edit_list
from editor.models import Project, Sound
from editor.rendering.render import RenderError, RenderProgress, RenderReport
from foundation.files import media_path
from jobs.models import Job
from jobs.runner import job_run_here
from jobs.services import job_cancel
from tests.media import flash, flat, hum, make_video, quarters

pytestmark = pytest.mark.django_db


@dataclass
class Renderer:
    """Writes a second of video, white from the half on, and remembers what it was asked."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    error: Exception | None = None

    def __call__(
        self, edit: EditList, target: Path, files: Any, cache: Path | None = None, on_progress: Any = None
    ) -> RenderReport:
        self.asked.append({"edit": edit, "files": dict(files), "cache": cache})
        on_progress(RenderProgress("checking", 0, 10))
        for done in range(1, 11):
            on_progress(RenderProgress("rendering", done, 10, np.full((480, 270, 3), 9 * done, np.uint8)))
        self.meanwhile()
        on_progress(RenderProgress("finishing", 10, 10))
        if self.error:
            raise self.error
        make_video(target, flash(0.5, 10, length=1, seconds=1), rate=10, sound=hum)
        return RenderReport(
            480, 270, 10, 10, 1.0, encoded=10, copied=0, kept=0, has_sound=True, captions="WEBVTT\n"
        )  # fmt: skip


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Renderer:
    double = Renderer()
    monkeypatch.setattr(tasks, "render_edit", double)
    return double


@pytest.fixture
def walk(user: Any, tmp_path: Path) -> Clip:
    """A clip with real files."""
    return real_clip(user, tmp_path)


@pytest.fixture
def rain(make_sound: Any) -> Sound:
    """A track of the library with a file."""
    sound = make_sound()
    path = media_path(*sound.file.split("/"))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"as if it were sound")
    return sound


def real_clip(owner: Any, tmp_path: Path, **how: Any) -> Clip:
    folder = tmp_path / str(uuid.uuid4())
    folder.mkdir()
    video = make_video(folder / "video.mp4", quarters(96, 64, 20), rate=10)
    return clip_adopt(owner=owner, title="A walk", media=prepare_media(video, folder), **how)


def render(client: Any, project: Project, **more: Any) -> Job:
    started = client.post(f"/api/v1/projects/{project.pk}/render/", more)
    assert started.status_code == 202, started.content
    return Job.objects.get(pk=started.json()["id"])


def leftovers(tmp_path: Path) -> list[Path]:
    """The picture of an ended job goes with its transaction, which a test never ends."""
    return [path for path in (tmp_path / "var" / "work").rglob("*") if ".preview" not in str(path)]


class TestStarting:
    def test_a_project_becomes_a_job(self, api_client: Any, user: Any, walk: Clip, make_project: Any) -> None:
        project = make_project(user, walk)

        started = api_client.post(f"/api/v1/projects/{project.pk}/render/", {"title": "My film"}).json()

        assert (started["kind"], started["state"], started["subject"]) == (
            "render", "queued", {"project_id": str(project.pk)},
        )  # fmt: skip
        payload = Job.objects.get().payload
        assert payload == {"title": "My film", "edit": project.edit}

    def test_the_same_key_starts_one_job(self, api_client: Any, user: Any, walk: Clip, make_project: Any) -> None:
        project = make_project(user, walk)

        ids = {
            api_client.post(
                f"/api/v1/projects/{project.pk}/render/", {}, headers={"Idempotency-Key": "one"}
            ).json()["id"]
            for _ in range(2)
        }  # fmt: skip

        assert len(ids) == Job.objects.count() == 1

    def test_an_empty_project_is_not_rendered(self, api_client: Any, user: Any, make_project: Any) -> None:
        answer = api_client.post(f"/api/v1/projects/{make_project(user).pk}/render/")

        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_render")
        assert not Job.objects.exists()

    @pytest.mark.parametrize("where", ["music", "voices"])
    def test_a_project_whose_sound_was_removed_is_not_rendered(
        self, api_client: Any, user: Any, walk: Clip, make_sound: Any, edit_of: Any, make_project: Any, where: str
    ) -> None:
        sound = make_sound(user)
        used = {
            "music": {"track": str(sound.pk)}, "voices": [{"id": "v", "sound": str(sound.pk), "at": 0}],
        }  # fmt: skip
        project = make_project(user, edit=edit_of(walk, **{where: used[where]}))
        sounds.sound_remove(sound=sound, by=user, at=timezone.now())

        answer = api_client.post(f"/api/v1/projects/{project.pk}/render/")

        assert (answer.status_code, answer.json()["code"]) == (409, "something_missing")


class TestRendering:
    def test_an_edit_is_rendered_into_a_new_clip(
        self, api_client: Any, user: Any, walk: Clip, rain: Sound, edit_of: Any, make_project: Any, renderer: Renderer,
        tmp_path: Path,
    ) -> None:  # fmt: skip
        sea = real_clip(user, tmp_path)
        project = make_project(user, edit=edit_of(sea, walk, sea, music={"track": str(rain.pk)}))

        job = job_run_here(job=render(api_client, project))

        assert job.state == "succeeded", job.trouble
        (asked,) = renderer.asked
        assert asked["edit"] == read_edit_list(project.edit)
        assert asked["files"] == {
            str(walk.pk): walk.video_path, str(sea.pk): sea.video_path, str(rain.pk): rain.audio_path,
        }  # fmt: skip
        assert asked["cache"] == tmp_path / "var" / "cache" / "segments" / str(user.pk)
        assert asked["cache"].is_dir()
        made = Clip.objects.get(pk=job.result["clip_id"])
        assert (made.title, made.frame_count, made.has_audio) == ("Holiday", 10, True)
        assert [link.parent_id for link in made.parent_links.all()] == [sea.pk, walk.pk]
        assert made.recipe == {
            "kind": "edit", "edit": project.edit, "credits": ["“Rain” by Ada (CC0)"], "captions": "WEBVTT\n",
        }  # fmt: skip
        assert not leftovers(tmp_path)

    @pytest.mark.parametrize(("cover", "light"), [(0.1, 0), (0.9, 255)])
    def test_the_poster_is_the_cover(
        self, api_client: Any, user: Any, walk: Clip, edit_of: Any, make_project: Any, renderer: Renderer,
        cover: float, light: int,
    ) -> None:  # fmt: skip
        project = make_project(user, edit=edit_of(walk, cover=cover))

        job = job_run_here(job=render(api_client, project))

        import cv2

        poster = cv2.imread(str(media_path("clips", job.result["clip_id"], "poster.jpg")))
        assert poster is not None
        assert abs(float(poster.mean()) - light) < 5

    def test_a_change_of_the_project_does_not_change_a_render_that_waits(
        self, api_client: Any, user: Any, walk: Clip, edit_of: Any, make_project: Any, renderer: Renderer
    ) -> None:
        project = make_project(user, walk)
        job = render(api_client, project)
        services.project_save(
            project=project, title="Other", edit=edit_of(walk, walk), revision=1, at=timezone.now()
        )  # fmt: skip

        made = Clip.objects.get(pk=job_run_here(job=job).result["clip_id"])

        assert len(renderer.asked[0]["edit"].segments) == 1
        assert made.title == "Holiday"

    def test_a_removed_project_is_rendered_all_the_same(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer
    ) -> None:
        project = make_project(user, walk)
        job = render(api_client, project)
        services.project_remove(project=project)

        assert job_run_here(job=job).state == "succeeded"

    def test_somebodys_own_music_is_not_credited_in_public(
        self, api_client: Any, user: Any, walk: Clip, rain: Sound, edit_of: Any, make_project: Any, renderer: Renderer
    ) -> None:
        Sound.objects.filter(pk=rain.pk).update(kind="music", owner=user, title="My diary", credit="")
        project = make_project(user, edit=edit_of(walk, music={"track": str(rain.pk)}))

        made = Clip.objects.get(pk=job_run_here(job=render(api_client, project)).result["clip_id"])

        assert made.recipe is not None
        assert made.recipe["credits"] == []

    def test_music_and_demos_in_it_are_credited_once_also_those_from_further_back(
        self, api_client: Any, user: Any, other_user: Any, walk: Clip, rain: Sound, edit_of: Any, make_project: Any,
        renderer: Renderer, tmp_path: Path,
    ) -> None:  # fmt: skip
        swan = real_clip(other_user, tmp_path)
        Clip.objects.filter(pk=swan.pk).update(demo="davis-blackswan")
        painted = real_clip(user, tmp_path, parents=[swan], recipe={"kind": "restyle"})
        earlier = {"kind": "edit", "edit": {}, "credits": ["“Wind” by Bo (CC BY)", "“Rain” by Ada (CC0)"]}
        edited = real_clip(user, tmp_path, parents=[walk], recipe=earlier)
        project = make_project(user, edit=edit_of(painted, swan, edited, music={"track": str(rain.pk)}))

        made = Clip.objects.get(pk=job_run_here(job=render(api_client, project)).result["clip_id"])

        assert made.recipe is not None
        assert made.recipe["credits"] == ["“Rain” by Ada (CC0)", "“Wind” by Bo (CC BY)", "DAVIS 2016, CC BY 4.0"]

    def test_progress_is_reported_with_a_picture(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer
    ) -> None:
        job = render(api_client, make_project(user, walk))
        seen = []

        def look() -> None:
            now = Job.objects.get(pk=job.pk)
            seen.append((now.stage, now.progress > 0, now.frames_total, now.has_preview))

        renderer.meanwhile = look
        job_run_here(job=job)

        assert seen == [("converting", True, 10, True)]


def test_the_real_renderer_makes_a_clip_with_music_and_words(
    api_client: Any, user: Any, walk: Clip, rain: Sound, edit_of: Any, make_project: Any, tmp_path: Path
) -> None:
    make_video(tmp_path / "hum.mp4", flat((0, 0, 0), count=10), rate=10, sound=hum)
    with (tmp_path / "hum.mp4").open("rb") as file:
        rain.audio_path.write_bytes(file.read())
    words = {"id": "t", "start": 0, "end": 1, "text": "Good morning", "kind": "caption"}
    canvas = {"aspect": "16:9", "short_side": 360, "frame_rate": 24}
    edit = edit_of(walk, canvas=canvas, texts=[words], music={"track": str(rain.pk)}, cover=0.5)
    edit["segments"][0]["speed"] = 2

    job = job_run_here(job=render(api_client, make_project(user, edit=edit)))

    assert job.state == "succeeded", job.trouble or job.error_detail
    made = Clip.objects.get(pk=job.result["clip_id"])
    assert (made.width, made.height, made.frame_rate, made.frame_count) == (640, 360, 24, 24)
    assert made.has_audio
    assert made.recipe is not None
    assert "Good morning" in made.recipe["captions"]
    assert made.recipe["credits"] == ["“Rain” by Ada (CC0)"]
    assert list((tmp_path / "var" / "cache" / "segments" / str(user.pk)).glob("*.mp4"))
    assert not leftovers(tmp_path)


class TestNotRendering:
    def test_a_clip_deleted_while_it_waits_fails_in_words(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer
    ) -> None:
        job = render(api_client, make_project(user, walk))
        clip_remove(clip=walk, at=timezone.now())

        failed = job_run_here(job=job)

        assert (failed.state, failed.error_code) == ("failed", "something_missing")
        assert "segment 1 was deleted" in failed.error_detail
        assert not renderer.asked

    def test_a_file_that_is_gone_fails_in_words(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer
    ) -> None:
        job = render(api_client, make_project(user, walk))
        walk.video_path.unlink()

        assert job_run_here(job=job).error_code == "file_gone"

    def test_what_the_renderer_refuses_fails_in_its_words(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer, tmp_path: Path
    ) -> None:
        renderer.error = RenderError("There is no picture in “A walk”.", "no_picture")
        before = Clip.objects.count()

        failed = job_run_here(job=render(api_client, make_project(user, walk)))

        assert (failed.state, failed.error_code) == ("failed", "no_picture")
        assert failed.error_detail == "There is no picture in “A walk”."
        assert Clip.objects.count() == before
        assert not leftovers(tmp_path)

    def test_a_cancelled_render_leaves_nothing(
        self, api_client: Any, user: Any, walk: Clip, make_project: Any, renderer: Renderer, tmp_path: Path
    ) -> None:
        job = render(api_client, make_project(user, walk))
        renderer.meanwhile = lambda: job_cancel(job=Job.objects.get(pk=job.pk), by=user)  # type: ignore[assignment]
        before = Clip.objects.count()

        ended = job_run_here(job=job)

        assert ended.state == "cancelled"
        assert Clip.objects.count() == before
        assert not leftovers(tmp_path)


def test_the_frame_of_the_poster_is_the_one_asked_for(tmp_path: Path) -> None:
    video = make_video(tmp_path / "in.mp4", flash(0.5, 10, length=1, seconds=1), rate=10)

    usual, late = prepare_media(video, tmp_path), read_frame(video, 0.9, 48)
    assert usual.poster.stat().st_size > 0

    import cv2

    prepare_media(video, tmp_path, poster_at=0.9)
    poster = cv2.imread(str(usual.poster))
    assert poster is not None
    assert abs(float(poster.mean()) - float(late.mean())) < 5


@pytest.mark.parametrize(
    ("name", "stage"), [("checking", "checking"), ("sound", "converting"), ("finishing", "finishing")]
)
def test_every_stage_of_the_renderer_is_one_of_a_jobs(name: str, stage: str) -> None:
    assert tasks.stage_of(name) == stage
    assert stage in Job.Stage.values
