import numpy as np
import pytest
from PIL import Image

from stylization.catalogue import Preset, presets
from stylization.palette import NEUTRAL_ON_DARK, NEUTRAL_ON_LIGHT, WALL_DARK, WALL_LIGHT, contrast, palette_of


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.slug)
def test_every_preset_gives_five_colours_and_accents_that_can_be_read(preset: Preset) -> None:
    with Image.open(preset.picture) as picture:
        palette = palette_of(np.asarray(picture))

    assert len(palette.colours) == 5
    assert contrast(palette.on_dark, WALL_DARK) >= 4.5
    assert contrast(palette.on_light, WALL_LIGHT) >= 4.5


def test_a_grey_picture_gives_neutral_accents() -> None:
    grey = np.linspace(0, 255, 64 * 64).reshape(64, 64, 1).repeat(3, 2).astype(np.uint8)

    palette = palette_of(grey)

    assert (palette.on_dark, palette.on_light) == (NEUTRAL_ON_DARK, NEUTRAL_ON_LIGHT)


def test_the_largest_share_comes_first() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:] = (200, 30, 30)
    image[:20] = (20, 20, 160)

    red, green, blue = (int(palette_of(image).colours[0][at : at + 2], 16) for at in (1, 3, 5))

    assert (red, green, blue) == pytest.approx((200, 30, 30), abs=4)


def test_a_deep_blue_is_made_lighter_until_it_can_be_read_on_the_dark_wall() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:] = (10, 10, 120)

    palette = palette_of(image)

    assert contrast("#0a0a78", WALL_DARK) < 4.5 <= contrast(palette.on_dark, WALL_DARK)
    assert int(palette.on_dark[5:], 16) > int(palette.on_dark[1:3], 16)


def test_the_same_picture_always_gets_the_same_palette() -> None:
    image = np.random.default_rng(3).integers(0, 255, (80, 120, 3), dtype=np.uint8)

    assert palette_of(image) == palette_of(image.copy())


def test_contrast_is_21_between_black_and_white_and_1_with_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#8a765f", "#8a765f") == 1
