"""What the painting process is asked: paths and numbers only, checked against what this person may use."""

from collections.abc import Sequence
from typing import Any

from accounts.models import User
from clips.models import Clip
from stylization.services import picture_path, recipe_resolve

PREVIEW_HEIGHT_MAX = 480


def preview_wish(
    *, user: User, clip: Clip, styles: Sequence[dict[str, Any]], strength: float, keep_colors: bool, height: int,
    at_seconds: float, brush: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    """
    The request for `PreviewPool.paint`.

    :raises NotFound: a style that is not theirs to paint with
    :raises RecipeRefused: nothing has any weight
    """
    ingredients = recipe_resolve(user=user, styles=styles)
    return {
        "video": str(clip.video_path),
        "at_seconds": round(min(at_seconds, clip.duration_seconds), 3),
        "height": min(height, clip.height, PREVIEW_HEIGHT_MAX),
        "styles": [
            {"name": item.style.name, "weight": item.weight, "image": str(picture_path(item.style))}
            for item in ingredients
        ],
        "strength": strength,
        "keep_colors": keep_colors,
        "brush": brush,
    }
