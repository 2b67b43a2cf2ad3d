"""From the wish over HTTP to the painted clip, with the real network."""

import io
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from clips.media import prepare_media, read_frame
from clips.models import Clip
from clips.reporting import REPORT_SECONDS
from clips.services import clip_adopt, clip_remove
from jobs.attempts import JobFailed
from jobs.models import Job
from jobs.runner import job_run_here
from stylization import api, selectors, services, tasks
from stylization.engine.video import PaintProgress
from stylization.models import Style, StyleUse
from stylization.preview.pool import PreviewPool
from tests.integration.stylization.videos import moving
from tests.media import hum, make_video

pytestmark = pytest.mark.django_db
STARRY, KLIMT = "vangogh-starry-night", "klimt-the-kiss"


def make_clip(owner: Any, folder: Path, *, frames: int = 8, size: tuple[int, int] = (96, 64)) -> Clip:
    folder.mkdir(exist_ok=True)
    video = make_video(folder / "video.mp4", moving(*size, frames), sound=hum)
    return clip_adopt(owner=owner, title="Evening walk", media=prepare_media(video, folder))


@pytest.fixture
def clip(user: Any, tmp_path: Path) -> Clip:
    return make_clip(user, tmp_path / "clip")


@pytest.fixture
def presets() -> None:
    for preset in services.catalogue.presets():
        if preset.slug in (STARRY, KLIMT):
            services.preset_load(preset=preset)


def recipe(*slugs: str, **changes: Any) -> dict[str, Any]:
    styles = [{"style": slug, "weight": 1.0} for slug in slugs or (STARRY,)]
    return {"styles": styles, "strength": 1.0, "keep_colors": False, "height": 240, **changes}


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[PreviewPool]:
    """Starting it takes seconds: once for all tests here, as a server does."""
    pool = PreviewPool(seconds=60)
    yield pool
    pool.close()


@pytest.fixture
def pool(shared_pool: PreviewPool, monkeypatch: pytest.MonkeyPatch) -> PreviewPool:
    monkeypatch.setattr(api, "pool", shared_pool)
    return shared_pool


@pytest.mark.usefixtures("presets")
class TestRestyle:
    def test_a_clip_is_painted_into_a_new_one(self, api_client: Any, clip: Clip) -> None:
        started = api_client.post(f"/api/v1/clips/{clip.pk}/restyle/", recipe(STARRY, KLIMT, title="My night"))

        assert started.status_code == 202
        assert (started.json()["kind"], started.json()["state"]) == ("restyle", "queued")
        assert started.json()["subject"]["clip_id"] == str(clip.pk)
        job = job_run_here(job=Job.objects.get(pk=started.json()["id"]))

        assert job.state == "succeeded", job.trouble
        painted = Clip.objects.get(pk=job.result["clip_id"])
        assert painted.title == "My night"
        assert (painted.width, painted.height, painted.frame_count) == (96, 64, 8)
        assert painted.has_audio
        assert [parent.pk for parent in painted.parents.all()] == [clip.pk]
        difference = np.abs(
            read_frame(painted.video_path, 0.1, 64).astype(int) - read_frame(clip.video_path, 0.1, 64)
        ).mean()
        assert difference > 8

    def test_the_new_clip_remembers_how_it_was_painted(self, user: Any, clip: Clip) -> None:
        job = services.restyle_start(
            owner=user,
            clip=clip,
            styles=recipe(STARRY, KLIMT)["styles"],
            strength=0.8,
            keep_colors=True,
            height=1080,
            brush=2.0,
        )

        painted = Clip.objects.get(pk=job_run_here(job=job).result["clip_id"])

        assert painted.recipe is not None
        assert {key: painted.recipe[key] for key in ("kind", "strength", "brush", "keep_colors", "height")} == {
            "kind": "restyle", "strength": 0.8, "brush": 2.0, "keep_colors": True, "height": 64,
        }  # fmt: skip
        assert [style["slug"] for style in painted.recipe["styles"]] == [STARRY, KLIMT]
        assert len(painted.recipe["model"]["sha256"]) == 64
        assert {style.slug for style in selectors.styles_of_clip(painted)} == {STARRY, KLIMT}
        assert list(selectors.clips_painted_with(Style.objects.get(slug=KLIMT))) == [painted]

    def test_embeddings_are_remembered_with_their_model(self, user: Any, clip: Clip) -> None:
        job = services.restyle_start(owner=user, clip=clip, **without_title(recipe(KLIMT)))
        painted = Clip.objects.get(pk=job_run_here(job=job).result["clip_id"])

        style = Style.objects.get(slug=KLIMT)
        assert painted.recipe is not None
        assert style.embedding_model == painted.recipe["model"]["sha256"]
        assert services.style_embedding(style=style, model_sha256=style.embedding_model) is not None

    def test_the_same_key_starts_one_job(self, api_client: Any, clip: Clip) -> None:
        ids = {
            api_client.post(f"/api/v1/clips/{clip.pk}/restyle/", recipe(), HTTP_IDEMPOTENCY_KEY="one").json()["id"]
            for _ in range(2)
        }

        assert len(ids) == Job.objects.count() == 1

    def test_somebody_elses_clip_is_not_found(self, client_of: Any, other_user: Any, clip: Clip) -> None:
        assert client_of(other_user).post(f"/api/v1/clips/{clip.pk}/restyle/", recipe()).status_code == 404
        assert not Job.objects.exists()

    def test_somebody_elses_style_is_not_found(
        self, client_of: Any, other_user: Any, user: Any, tmp_path: Path
    ) -> None:
        private = services.style_create_from_upload(owner=user, image=picture_file(), name="Private")
        theirs = make_clip(other_user, tmp_path / "theirs")

        answer = client_of(other_user).post(f"/api/v1/clips/{theirs.pk}/restyle/", recipe(private.slug))

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        "changes",
        [
            {"styles": []},
            {"styles": [{"style": STARRY, "weight": 1.0}] * 5},
            {"styles": [{"style": STARRY, "weight": 2}]},
            {"styles": [{"style": STARRY, "weight": -0.1}]},
            {"styles": [{"style": "../etc", "weight": 1}]},
            {"styles": [{"style": STARRY, "weight": 0}]},
            {"strength": 1.6},
            {"strength": -1},
            {"strength": "strong"},
            {"height": 481},
            {"keep_colors": "maybe"},
            {"brush": 5},
            {"brush": 0},
        ],
        ids=json.dumps,
    )
    def test_a_bad_recipe_is_refused(self, api_client: Any, clip: Clip, changes: dict[str, Any]) -> None:
        answer = api_client.post(f"/api/v1/clips/{clip.pk}/restyle/", recipe(**changes))

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert not Job.objects.exists()

    def test_an_unknown_style_is_not_found(self, api_client: Any, clip: Clip) -> None:
        assert api_client.post(f"/api/v1/clips/{clip.pk}/restyle/", recipe("nobody")).status_code == 404

    def test_a_clip_deleted_meanwhile_fails_the_job_in_words(self, user: Any, clip: Clip) -> None:
        job = services.restyle_start(owner=user, clip=clip, **without_title(recipe()))
        clip_remove(clip=clip, at=timezone.now())

        job = job_run_here(job=job)

        assert (job.state, job.error_code) == ("failed", "clip_gone")
        assert "deleted" in job.error_detail

    def test_a_style_removed_meanwhile_fails_the_job_in_words(self, user: Any, clip: Clip) -> None:
        own = services.style_create_from_upload(owner=user, image=picture_file(), name="Garden")
        job = services.restyle_start(owner=user, clip=clip, **without_title(recipe(own.slug)))
        services.style_remove(style=own, by=user, at=timezone.now())

        job = job_run_here(job=job)

        assert (job.state, job.error_code) == ("failed", "style_gone")
        assert "Garden" in job.error_detail

    def test_a_video_that_cannot_be_read_fails_the_job_and_leaves_no_clip(self, user: Any, clip: Clip) -> None:
        job = services.restyle_start(owner=user, clip=clip, **without_title(recipe()))
        clip.video_path.write_bytes(b"not a video")

        job = job_run_here(job=job)

        assert (job.state, job.error_code) == ("failed", "bad_source")
        assert Clip.objects.count() == 1

    def test_a_style_that_painted_something_keeps_its_credit(
        self, user: Any, clip: Clip, django_capture_on_commit_callbacks: Any
    ) -> None:
        own = services.style_create_from_upload(owner=user, image=picture_file(), name="Garden")
        services.style_uses_record(clip=clip, weights={str(own.pk): 1.0})

        with django_capture_on_commit_callbacks(execute=True):
            services.style_remove(style=own, by=user, at=timezone.now())

        assert [style.name for style in selectors.styles_of_clip(clip)] == ["Garden"]
        assert own.thumbnail_path.exists()
        assert not own.image_path.exists()
        assert StyleUse.objects.count() == 1


def test_missing_weights_fail_the_job_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise tasks.BadRelease("no such folder")

    monkeypatch.setattr(tasks, "open_engine", missing)

    with pytest.raises(JobFailed, match="model is missing"):
        tasks._engine()


class Listener:
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def report(self, **report: Any) -> None:
        self.heard.append(report)


def test_progress_grows_from_checking_to_finishing_with_pictures_on_the_way() -> None:
    listener: Any = Listener()
    reporter = tasks.Progress(listener)
    image = np.zeros((720, 1280, 3), np.uint8)

    reporter(PaintProgress("checking", 5, 10))
    reporter(PaintProgress("painting", 1, 10, 2.0, 4.5, image))
    reporter(PaintProgress("painting", 2, 10, 2.0, 4.0, image))
    time.sleep(REPORT_SECONDS)
    reporter(PaintProgress("painting", 5, 10, 2.0, 2.5, image))
    reporter(PaintProgress("finishing", 10, 10, 2.0, 0.0))

    assert [heard["stage"] for heard in listener.heard] == ["checking", "painting", "painting", "finishing"]
    progress = [heard["progress"] for heard in listener.heard]
    assert progress == sorted(progress)
    assert (listener.heard[1]["frames_done"], listener.heard[1]["frames_total"]) == (1, 10)
    with Image.open(io.BytesIO(listener.heard[1]["preview"])) as preview:
        assert preview.size == (640, 360)
    assert listener.heard[2]["preview"] is None  # within the same second


@pytest.mark.usefixtures("presets", "pool")
class TestPreview:
    def preview(self, client: Any, clip: Clip, **changes: Any) -> Any:
        return client.post(f"/api/v1/clips/{clip.pk}/preview/", {**recipe(), "at_seconds": 0.1, **changes})

    def image(self, answer: Any) -> np.ndarray:
        assert answer.status_code == 200, answer.content
        with Image.open(io.BytesIO(answer.content)) as picture:
            return np.asarray(picture).astype(int)

    def test_one_frame_is_really_painted(self, api_client: Any, clip: Clip) -> None:
        answer = self.preview(api_client, clip)

        assert answer["Content-Type"] == "image/jpeg"
        assert "no-store" in answer["Cache-Control"]
        painted = self.image(answer)
        assert painted.shape == (64, 96, 3)
        assert np.abs(painted - read_frame(clip.video_path, 0.1, 64)).mean() > 8

    def test_strength_mix_and_colours_change_it(self, api_client: Any, clip: Clip) -> None:
        original = read_frame(clip.video_path, 0.1, 64).astype(int)
        full = self.image(self.preview(api_client, clip))
        klimt = self.image(self.preview(api_client, clip, styles=[{"style": KLIMT, "weight": 1}]))
        both = self.image(self.preview(api_client, clip, **{"styles": recipe(STARRY, KLIMT)["styles"]}))
        none = self.image(self.preview(api_client, clip, strength=0))
        kept = self.image(self.preview(api_client, clip, keep_colors=True))

        def apart(one: np.ndarray, other: np.ndarray) -> float:
            return float(np.abs(one - other).mean())

        assert apart(none, original) < apart(full, original)
        assert apart(full, klimt) > 4
        assert min(apart(both, full), apart(both, klimt)) > 2
        assert chroma(kept, original) < chroma(full, original)

    def test_a_time_after_the_end_shows_the_last_frame(self, api_client: Any, clip: Clip) -> None:
        assert self.image(self.preview(api_client, clip, at_seconds=999)).shape == (64, 96, 3)

    def test_somebody_elses_clip_is_not_found(self, client_of: Any, other_user: Any, clip: Clip) -> None:
        assert self.preview(client_of(other_user), clip).status_code == 404

    def test_an_unknown_clip_is_not_found(self, api_client: Any) -> None:
        assert api_client.post(f"/api/v1/clips/{uuid.uuid4()}/preview/", recipe()).status_code == 404

    def test_a_bad_recipe_is_refused(self, api_client: Any, clip: Clip) -> None:
        assert self.preview(api_client, clip, strength=9).status_code == 400
        assert self.preview(api_client, clip, at_seconds=-1).status_code == 400

    def test_nobody_previews_without_an_account(self, anonymous_client: Any, clip: Clip) -> None:
        assert self.preview(anonymous_client, clip).status_code in (401, 403)

    def test_whoever_asks_without_pause_is_slowed_down(
        self, api_client: Any, clip: Clip, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api.PreviewThrottle, "rate", "2/min")

        answers = [self.preview(api_client, clip) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "throttled"
        assert int(answers[2]["Retry-After"]) > 0

    def test_a_frame_that_cannot_be_read_is_said(self, api_client: Any, clip: Clip) -> None:
        clip.video_path.write_bytes(b"not a video")

        answer = self.preview(api_client, clip)

        assert (answer.status_code, answer.json()["code"]) == (422, "preview_unreadable")


def chroma(one: np.ndarray, other: np.ndarray) -> float:
    def relative(image: np.ndarray) -> np.ndarray:
        return image - image.mean(axis=2, keepdims=True)

    return float(np.abs(relative(one) - relative(other)).mean())


def without_title(wish: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wish.items() if name != "title"}


def picture_file() -> io.BytesIO:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(4).integers(0, 255, (80, 120, 3), np.uint8)).save(out, "JPEG")
    out.seek(0)
    return out
