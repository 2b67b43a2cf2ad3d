from fractions import Fraction

import pytest

from stylization.engine.geometry import MAX_PIXELS, Size, painted_size, shown_size


@pytest.mark.parametrize(
    ("own", "height", "painted"),
    [
        (Size(640, 360), None, Size(640, 360)),
        (Size(641, 361), None, Size(640, 360)),
        (Size(1920, 1080), 480, Size(854, 480)),
        (Size(1080, 1920), 720, Size(404, 720)),
        (Size(640, 360), 241, Size(426, 240)),
        (Size(16, 2000), 100, Size(16, 100)),
    ],
)
def test_a_painted_size_is_even_and_keeps_the_shape(own: Size, height: int | None, painted: Size) -> None:
    assert painted_size(own, height) == painted


def test_a_source_beyond_what_can_be_painted_is_scaled_down() -> None:
    painted = painted_size(Size(7680, 4320), None)

    assert painted.pixels <= MAX_PIXELS * 1.01
    assert painted.width / painted.height == pytest.approx(16 / 9, rel=0.01)


def test_wide_pixels_widen_the_picture_and_tall_ones_heighten_it() -> None:
    assert shown_size(Size(720, 576), Fraction(16, 11), turned=False) == Size(1047, 576)
    assert shown_size(Size(720, 576), Fraction(8, 9), turned=False) == Size(720, 648)


def test_a_turned_picture_swaps_its_sides_after_stretching() -> None:
    assert shown_size(Size(720, 576), Fraction(2), turned=True) == Size(576, 1440)
