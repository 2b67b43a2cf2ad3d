from collections.abc import Sequence

from django.db.models import Q, QuerySet

from accounts.selectors import user_is_moderator
from clips.models import Clip
from foundation.errors import NotFound

from .models import Style
from .visibility import Viewer, shown_by_a_rule


class NoEmbeddings(NotFound):
    """The presets were never seen by this model, or by another one since."""

    code = "no_embeddings"
    title = "There are no embeddings of this model"


def presets() -> QuerySet[Style]:
    return Style.objects.filter(kind=Style.Kind.PRESET, removed_at__isnull=True)


def presets_embedded(model_sha256: str | None = None) -> Sequence[Style]:
    """
    Presets with the embeddings of one model, by default the one that saw the first of them.

    :raises NoEmbeddings: that model has seen none
    """
    seen = [style for style in presets() if style.embedding is not None]
    model = model_sha256 or (seen[0].embedding_model if seen else "")
    found = [style for style in seen if style.embedding_model == model]
    if not found:
        raise NoEmbeddings("Run the predictor on the picture, or read the list of model releases again.")
    return found


def styles_of(user: Viewer) -> QuerySet[Style]:
    """The pictures this person added, newest first."""
    if not user.is_authenticated:
        return Style.objects.none()
    return Style.objects.filter(kind=Style.Kind.OWN, owner=user, removed_at__isnull=True)


def styles_visible_to(user: Viewer) -> QuerySet[Style]:
    """What this person can paint with: every preset and their own pictures."""
    mine = Q(kind=Style.Kind.OWN, owner=user) if user.is_authenticated else Q(pk__in=[])
    return Style.objects.filter(Q(kind=Style.Kind.PRESET) | mine, removed_at__isnull=True)


def style_by_slug(user: Viewer, slug: str) -> Style:
    """
    A style this person can paint with.

    :raises NotFound: unknown, removed, or somebody else's
    """
    style = styles_visible_to(user).filter(slug=slug).first()
    if style is None:
        raise NotFound(f"There is no style “{slug}”.")
    return style


def style_to_show(user: Viewer, slug: str) -> Style:
    """
    A style this person may look at: also somebody's own picture that a visible post credits.

    :raises NotFound: unknown, or not theirs to see
    """
    style = Style.objects.filter(slug=slug).first()
    if style is None or not style_shown_to(style, user):
        raise NotFound(f"There is no style “{slug}”.")
    return style


def style_shown_to(style: Style, user: Viewer) -> bool:
    if style.kind == Style.Kind.PRESET or style.owner_id == user.pk:
        return True
    return (user.is_authenticated and user_is_moderator(user)) or shown_by_a_rule(style.pk, user)


def styles_of_clip(clip: Clip) -> QuerySet[Style]:
    """The styles a clip was painted with, the heaviest first; removed ones too, because credit is due."""
    return Style.objects.filter(uses__clip=clip).order_by("-uses__weight", "pk")


def clips_painted_with(style: Style) -> QuerySet[Clip]:
    """Every clip painted with a style, newest first; whether somebody may see one is for the room that shows it."""
    return Clip.objects.filter(style_uses__style=style, deleted_at=None).order_by("-created_at", "-pk")
