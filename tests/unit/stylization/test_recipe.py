import numpy as np
import pytest

from stylization.engine.errors import BadRecipe
from stylization.engine.recipe import PaintRecipe, StyleShare

KLIMT = StyleShare("klimt", embedding=np.zeros(4, np.float32))


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), 1001])
def test_a_weight_that_mixes_nothing_is_refused(weight: float) -> None:
    with pytest.raises(BadRecipe, match="weight of klimt"):
        StyleShare("klimt", weight, embedding=np.zeros(4, np.float32))


def test_a_style_without_picture_and_embedding_is_refused() -> None:
    with pytest.raises(BadRecipe, match="neither a picture nor an embedding"):
        StyleShare("klimt")


@pytest.mark.parametrize("strength", [-0.1, 1.51, float("nan")])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(BadRecipe, match=r"between 0 and 1\.5"):
        PaintRecipe((KLIMT,), strength=strength)


@pytest.mark.parametrize("height", [0, 15, 2161])
def test_a_height_outside_its_range_is_refused(height: int) -> None:
    with pytest.raises(BadRecipe, match="between 16 and 2160"):
        PaintRecipe((KLIMT,), height=height)


@pytest.mark.parametrize("brush", [0.2, 5.0, float("nan")])
def test_a_brush_outside_its_range_is_refused(brush: float) -> None:
    with pytest.raises(BadRecipe, match="must be between"):
        PaintRecipe((KLIMT,), brush=brush)


@pytest.mark.parametrize("count", [0, 9])
def test_a_painting_without_style_or_with_too_many_is_refused(count: int) -> None:
    with pytest.raises(BadRecipe, match="1 to 8 styles"):
        PaintRecipe((KLIMT,) * count)
