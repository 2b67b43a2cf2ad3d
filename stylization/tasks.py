"""What the queue runs: the painting of a clip, in a child process of its own."""

from typing import Any

from clips.media import prepare_media
from clips.models import Clip
from clips.reporting import Reporter
from clips.selectors import clip_to_paint
from clips.services import clip_adopt
from foundation.errors import NotFound
from jobs.attempts import Attempt, JobFailed
from mlmodels.release import BadRelease

from . import services
from .engine.engines import Engine, open_engine
from .engine.errors import StylizeError
from .engine.recipe import PaintRecipe, StyleShare
from .engine.video import PaintProgress, stylize_video
from .models import Style

# Where on the way from 0 to 1 each stage ends: reading ahead is quick, painting is nearly everything.
CHECKED, PAINTED = 0.04, 0.96


def run_restyle(attempt: Attempt) -> None:
    """Paint a clip with its recipe and adopt the result; a fault that no retry would mend fails the job in words."""
    payload = attempt.job.payload
    clip = _clip(attempt)
    engine = _engine()
    recipe = _recipe(payload, engine)
    painted = attempt.directory / "painted.mp4"
    try:
        stylize_video(clip.video_path, painted, recipe, Progress(attempt), engine=engine)
    except StylizeError as fault:
        raise JobFailed(str(fault), code=fault.code, title="This clip could not be painted") from fault
    media = prepare_media(painted, attempt.directory)

    def write() -> dict[str, Any]:
        new = clip_adopt(
            owner=attempt.job.owner,
            title=payload["title"],
            media=media,
            parents=[clip],
            recipe=recipe_json(payload, engine),
            job=attempt.job,
        )
        services.style_uses_record(clip=new, weights={item["id"]: item["weight"] for item in payload["styles"]})
        return {"clip_id": str(new.pk)}

    attempt.commit(write)


def recipe_json(payload: dict[str, Any], engine: Engine) -> dict[str, Any]:
    """What a clip remembers of how it was painted: enough to credit it and to make it again."""
    return {
        "kind": "restyle",
        "styles": [
            {"slug": item["slug"], "name": item["name"], "weight": item["weight"]} for item in payload["styles"]
        ],
        "strength": payload["strength"],
        "keep_colors": payload["keep_colors"],
        "brush": payload.get("brush", 1.0),
        "height": payload["height"],
        "model": {"name": engine.model.name, "version": engine.model.version, "sha256": engine.model.sha256},
    }


class Progress:
    """Tells the engine's progress in the job's numbers."""

    def __init__(self, attempt: Attempt) -> None:
        self._reporter = Reporter(attempt)

    def __call__(self, progress: PaintProgress) -> None:
        self._reporter.report(
            stage=progress.stage,
            image=progress.frame,
            progress=overall(progress),
            frames_done=None if progress.stage == "checking" else progress.frames_done,
            frames_total=progress.frames_total,
            frames_per_second=progress.frames_per_second,
            eta_seconds=progress.eta_seconds,
        )


def overall(progress: PaintProgress) -> float:
    share = min(1.0, progress.frames_done / max(1, progress.frames_total))
    match progress.stage:
        case "checking":
            return CHECKED * share
        case "painting":
            return CHECKED + (PAINTED - CHECKED) * share
        case _:
            return PAINTED


def _clip(attempt: Attempt) -> Clip:
    try:
        return clip_to_paint(attempt.job.owner, attempt.job.payload["clip_id"])
    except NotFound:
        raise JobFailed("The clip was deleted before it was painted.", code="clip_gone") from None


def _engine() -> Engine:
    try:
        return open_engine()
    except BadRelease as fault:
        raise JobFailed("The painting model is missing on this server.", code="model_missing") from fault


def _recipe(payload: dict[str, Any], engine: Engine) -> PaintRecipe:
    return PaintRecipe(
        styles=tuple(_share(item, engine) for item in payload["styles"]),
        strength=payload["strength"],
        keep_colors=payload["keep_colors"],
        brush=payload.get("brush", 1.0),  # a job that waited since before there were brushes names none
        height=payload["height"],
    )


def _share(item: dict[str, Any], engine: Engine) -> StyleShare:
    """The style with its remembered embedding; made and remembered now when another model made it."""
    style = Style.objects.filter(pk=item["id"]).first()
    if style is None:
        raise JobFailed(f"The style “{item['name']}” is gone.", code="style_gone")
    embedding = services.style_embedding(style=style, model_sha256=engine.model.sha256)
    if embedding is None:
        from .engine.still import read_picture

        picture = services.picture_path(style)
        if not picture.exists():
            raise JobFailed(f"The picture of “{item['name']}” was removed.", code="style_gone")
        embedding = engine.embed(read_picture(picture).rgb)
        services.style_embedding_store(style=style, embedding=embedding, model_sha256=engine.model.sha256)
    return StyleShare(style.name, item["weight"], embedding=embedding)
