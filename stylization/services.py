import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray
from PIL import Image

from accounts.models import User
from clips.models import Clip
from clips.selectors import GENERATIONS_MAX, parents_of
from foundation.errors import ApplicationError, Conflict, NotAllowed
from foundation.files import media_path, publish_file, remove_tree, work_directory
from jobs.models import Job
from jobs.services import job_start

from . import catalogue, pictures
from .apps import RESTYLE
from .models import Style, StyleUse
from .palette import palette_of
from .selectors import style_by_slug, styles_of

OWN_STYLES = 200
KEEP_ORPHANS_SECONDS = 3600


class TooManyStyles(Conflict):
    code = "too_many_styles"
    title = "Too many pictures"


class RecipeRefused(ApplicationError):
    code = "recipe_refused"
    title = "This cannot be painted"


@dataclass(frozen=True)
class Ingredient:
    style: Style
    weight: float


def style_create_from_upload(*, owner: User, image: IO[bytes], name: str) -> Style:
    """
    Keep somebody's picture as a style of their own.

    :raises PictureRefused: not a picture, SVG, animated, truncated, too large or too small
    :raises TooManyStyles: at the limit
    """
    return style_create(owner=owner, picture=pictures.read_picture(image), name=name)


def style_create(*, owner: User, picture: Image.Image, name: str) -> Style:
    """
    Keep a picture that `pictures.read_picture` returned.

    :raises TooManyStyles: at the limit
    """
    if styles_of(owner).count() >= _limit():
        raise TooManyStyles("Remove a picture you no longer use first.")
    shown = name.strip()[:120] or "My picture"
    style = Style(id=uuid.uuid4(), kind=Style.Kind.OWN, owner=owner, name=shown, **_look_of(picture))
    style.slug = f"own-{style.pk.hex[:16]}"
    _publish_pictures(style, pictures.to_jpeg(picture), picture)
    try:
        style.full_clean()
        style.save(force_insert=True)
    except BaseException:
        remove_tree(style.image_path.parent)
        raise
    return style


def _limit() -> int:
    return getattr(settings, "IMPASTO_OWN_STYLES", OWN_STYLES)


def style_remove(*, style: Style, by: User, at: datetime) -> None:
    """
    Take an own picture out of its owner's list. What was painted with it keeps its credit and small picture.

    :raises NotAllowed: a preset, or somebody else's
    """
    if style.kind != Style.Kind.OWN or style.owner_id != by.pk:
        raise NotAllowed("Only a picture you added yourself can be removed.")
    with transaction.atomic():
        if style.uses.exists():
            style.removed_at = at
            style.save(update_fields=["removed_at"])
            transaction.on_commit(lambda: style.image_path.unlink(missing_ok=True))
        else:
            folder = style.image_path.parent
            style.delete()
            transaction.on_commit(lambda: remove_tree(folder))


def style_embedding_store(*, style: Style, embedding: NDArray[np.float32], model_sha256: str) -> None:
    """Remember what the predictor said, together with the model that said it."""
    style.embedding = embedding.astype(np.float32).tobytes()
    style.embedding_model = model_sha256
    style.save(update_fields=["embedding", "embedding_model"])


def style_embedding(*, style: Style, model_sha256: str) -> NDArray[np.float32] | None:
    """The remembered embedding, or None when there is none or another model made it."""
    if style.embedding is None or style.embedding_model != model_sha256:
        return None
    return np.frombuffer(style.embedding, dtype=np.float32).copy()


def embeddings_described(styles: Sequence[Style]) -> dict[str, Any]:
    """Return the embeddings of styles that one model has seen, each number as short as its four bytes allow."""
    vectors = [np.frombuffer(style.embedding or b"", dtype=np.float32) for style in styles]
    return {
        "model_sha256": styles[0].embedding_model,
        "embedding_size": len(vectors[0]),
        "styles": [
            {"slug": style.slug, "name": style.name, "values": [float(str(value)) for value in vector]}
            for style, vector in zip(styles, vectors, strict=True)
        ],
    }


def preset_load(*, preset: catalogue.Preset) -> tuple[Style, bool]:
    """Make or renew one preset's row and files; returns it and whether anything had to change."""
    digest = hashlib.sha256(preset.picture.read_bytes()).hexdigest()
    known = Style.objects.filter(slug=preset.slug).first()
    if known and _preset_is_current(known, preset, digest):
        return known, False
    with Image.open(preset.picture) as opened:
        picture = opened.convert("RGB")
    style = known or Style(id=uuid.uuid5(uuid.NAMESPACE_URL, f"impasto:preset:{preset.slug}"), slug=preset.slug)
    values = {**_look_of(picture), **_preset_words(preset), "image_sha256": digest}
    if style.image_sha256 != digest:
        values |= {"embedding": None, "embedding_model": ""}
    for field, value in values.items():
        setattr(style, field, value)
    _publish_pictures(style, preset.picture.read_bytes(), picture)
    style.full_clean(validate_unique=known is None)
    style.save()
    return style, True


def _preset_words(preset: catalogue.Preset) -> dict[str, Any]:
    return {
        "kind": Style.Kind.PRESET,
        "owner": None,
        "removed_at": None,
        "name": preset.title,
        "artist": preset.artist,
        "year": preset.year,
        "licence": preset.licence,
        "credit": preset.credit,
        "position": preset.position,
    }


def _preset_is_current(style: Style, preset: catalogue.Preset, digest: str) -> bool:
    same_words = all(getattr(style, field) == value for field, value in _preset_words(preset).items())
    has_files = style.image_path.exists() and style.thumbnail_path.exists()
    return same_words and has_files and style.image_sha256 == digest


def _look_of(picture: Image.Image) -> dict[str, Any]:
    pixels = pictures.to_array(picture)
    palette = palette_of(pixels)
    return {
        "width": picture.width,
        "height": picture.height,
        "image_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "palette": palette.colours,
        "accent_on_dark": palette.on_dark,
        "accent_on_light": palette.on_light,
    }


def _publish_pictures(style: Style, image: bytes, picture: Image.Image) -> None:
    """The files come before the row: a row never names a file that is not there, and a file without a row is swept."""
    directory = work_directory(f"style-{style.pk}")
    try:
        for target, content in (
            (style.thumbnail_path, pictures.to_jpeg(pictures.thumbnail_of(picture), quality=82)),
            (style.image_path, image),
        ):
            draft = directory / target.name
            draft.write_bytes(content)
            publish_file(draft, target)
    finally:
        remove_tree(directory)


def styles_sweep(*, at: datetime) -> int:
    """Remove picture folders that no row knows: what a kill between file and row left behind."""
    root = media_path("styles")
    if not root.exists():
        return 0
    known = {str(pk) for pk in Style.objects.values_list("pk", flat=True)}
    old = at.timestamp() - KEEP_ORPHANS_SECONDS
    orphans = [folder for folder in root.iterdir() if folder.name not in known and folder.stat().st_mtime < old]
    for folder in orphans:
        remove_tree(folder)
    return len(orphans)


def recipe_resolve(*, user: User, styles: Sequence[dict[str, Any]]) -> list[Ingredient]:
    """
    Turn `[{style: slug, weight}]` into styles this person can use, the same style named twice counting once.

    :raises RecipeRefused: nothing has any weight
    """
    weights: dict[str, float] = {}
    for item in styles:
        weights[item["style"]] = weights.get(item["style"], 0.0) + float(item["weight"])
    if not any(weight > 0 for weight in weights.values()):
        raise RecipeRefused("At least one style needs a weight above zero.")
    return [Ingredient(style_by_slug(user, slug), weight) for slug, weight in weights.items() if weight > 0]


def restyle_start(
    *, owner: User, clip: Clip, styles: Sequence[dict[str, Any]], strength: float, keep_colors: bool, height: int,
    brush: float = 1.0, title: str = "",
) -> Job:  # fmt: skip
    """
    Queue the painting of a clip. It never grows: the height is at most the clip's own.

    :raises NotFound: a style that is not theirs to paint with
    :raises RecipeRefused: nothing has any weight
    """
    ingredients = recipe_resolve(user=owner, styles=styles)
    payload = {
        "clip_id": str(clip.pk),
        "title": title.strip()[:120] or f"{clip.title[:60]} · {ingredients[0].style.name}"[:120],
        "styles": [
            {"id": str(item.style.pk), "slug": item.style.slug, "name": item.style.name, "weight": item.weight}
            for item in ingredients
        ],
        "strength": strength,
        "keep_colors": keep_colors,
        "brush": brush,
        "height": min(height, clip.height),
    }
    return job_start(owner=owner, kind=RESTYLE, payload=payload, subject={"clip_id": str(clip.pk)})


def style_uses_record(*, clip: Clip, weights: dict[str, float]) -> None:
    """Credit the styles (by id) a new clip was painted with."""
    StyleUse.objects.bulk_create(StyleUse(style_id=pk, clip=clip, weight=weight) for pk, weight in weights.items())


def style_uses_inherit(*, clip: Clip) -> None:
    """
    Credit a clip that was not painted itself, like an edit, with the styles of what it was made from.

    A painting stands for itself: what lies under the paint is not asked. Credit that was given before stays.
    """
    if StyleUse.objects.filter(clip=clip).exists():
        return
    unpainted, known = [clip], {clip}
    weights: dict[str, float] = defaultdict(float)
    for _ in range(GENERATIONS_MAX):
        generation = [parent for parent in parents_of(unpainted) if parent not in known]
        known.update(generation)
        uses = _uses_by_clip(generation)
        for use in chain.from_iterable(uses.values()):
            # Each painting counts as one, however its styles were weighed.
            weights[str(use.style_id)] += use.weight / (sum(other.weight for other in uses[use.clip_id]) or 1.0)
        unpainted = [parent for parent in generation if not uses[parent.pk]]
        if not unpainted:
            break
    style_uses_record(clip=clip, weights=weights)


def _uses_by_clip(clips: Sequence[Clip]) -> dict[uuid.UUID, list[StyleUse]]:
    uses: dict[uuid.UUID, list[StyleUse]] = {clip.pk: [] for clip in clips}
    for use in StyleUse.objects.filter(clip__in=uses):
        uses[use.clip_id].append(use)
    return uses


def picture_path(style: Style) -> Path:
    """The file an embedding is made from; presets have it without any media folder."""
    shipped = catalogue.FOLDER / f"{style.slug}.jpg"
    return shipped if style.kind == Style.Kind.PRESET and shipped.exists() else style.image_path
