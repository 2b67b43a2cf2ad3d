"""Sizes, rates and colours of the mezzanine, as arithmetic."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips.ingest import colours
from clips.ingest.bounds import Bounds
from clips.ingest.inspect import Source, _rate
from clips.ingest.picture import RATES, Plan, target_size

MILLISECONDS = Fraction(1, 1000)
BT709, PQ, HLG, BT2020 = 1, 16, 18, 9


def source(rate: Fraction, seconds: Fraction) -> Source:
    facts = {"width": 64, "height": 48, "aspect": Fraction(1), "starts_at": Fraction(0), "packet_count": 9}
    return Source(Path("x.mp4"), "mov", seconds=seconds, rate=rate, has_sound=False, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        ((1920, 1080), 1, (1920, 1080)),
        ((3840, 2160), 1, (1920, 1080)),
        ((2160, 3840), 1, (1080, 1920)),
        ((1080, 1080), 1, (1080, 1080)),
        ((2000, 2000), 1, (1080, 1080)),
        ((4096, 100), 1, (1920, 46)),
        ((95, 63), 1, (94, 62)),
        ((1, 1), 1, (2, 2)),
        ((720, 576), Fraction(16, 15), (768, 576)),
        ((720, 480), Fraction(8, 9), (720, 540)),
    ],
)
def test_sizes_are_even_and_within_1080p(
    size: tuple[int, int], aspect: Fraction | int, expected: tuple[int, int]
) -> None:
    assert target_size(*size, Fraction(aspect)) == expected


@given(width=st.integers(1, 8192), height=st.integers(1, 8192), aspect=st.fractions(Fraction(1, 8), Fraction(8)))
def test_no_size_leaves_the_bounds(width: int, height: int, aspect: Fraction) -> None:
    wide, high = target_size(width, height, aspect)

    assert wide % 2 == high % 2 == 0
    assert 2 <= min(wide, high) <= 1080
    assert max(wide, high) <= 1920


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([0, 40, 80, 120], 25),
        ([0, 33, 67, 100, 133], Fraction(1000 * 4, 133)),
        # Half a second of nothing: the bursts say how fast it moves.
        ([0, 20, 40, 60, 560, 580, 600], 50),
        ([120, 0, 80, 40], 25),
        ([0, 0, 40, 80], Fraction(3000, 80)),
    ],
    ids=["even", "rounded to milliseconds", "bursts", "reordered", "one twice"],
)
def test_the_rate_is_that_of_the_motion(starts: list[int], expected: Fraction | int) -> None:
    assert float(_rate(starts, MILLISECONDS)) == pytest.approx(float(expected), rel=0.02)


@given(rate=st.fractions(Fraction(1, 10), Fraction(250)), seconds=st.fractions(Fraction(1, 100), Fraction(61)))
def test_a_plan_keeps_the_length_and_takes_a_usual_rate(rate: Fraction, seconds: Fraction) -> None:
    plan = Plan.of(source(rate, seconds), Bounds())

    assert plan.rate in RATES
    assert plan.frame_count >= 1
    length = plan.frame_count / plan.rate
    assert abs(length - min(seconds, Fraction(60))) <= 1 / plan.rate


def test_only_wide_and_bright_pictures_need_a_table() -> None:
    assert not colours.needs_table(BT709, BT709)
    assert colours.needs_table(BT2020, BT709)
    assert colours.needs_table(BT709, PQ)
    assert colours.needs_table(BT709, HLG)


@pytest.mark.parametrize(("primaries", "transfer"), [(BT2020, PQ), (BT2020, HLG), (BT2020, 14), (BT709, PQ)])
def test_a_table_keeps_greys_grey_and_brighter_brighter(primaries: int, transfer: int) -> None:
    levels = np.linspace(0, 1, 50)

    out = colours.to_bt709(np.repeat(levels[:, None], 3, axis=1), primaries, transfer)

    assert out.min() >= 0
    assert out.max() <= 1
    # The published matrix has four digits, and a display's power law magnifies that near black.
    assert np.ptp(out, axis=1).max() < 0.02
    assert (np.diff(out.mean(axis=1)) >= -1e-9).all()


def test_paper_white_of_an_hdr_picture_is_nearly_white() -> None:
    """BT.2408: 203 cd/m², coded as 58 % of SMPTE 2084 and 75 % of hybrid log-gamma."""
    for coded, transfer in [(0.58, PQ), (0.75, HLG)]:
        assert 0.88 < colours.to_bt709(np.full((1, 3), coded), BT2020, transfer).mean() < 0.97


def test_a_red_that_bt709_knows_stays_that_red() -> None:
    """To BT.2020 by the inverse matrix and back: nothing changes below the knee."""
    light = np.array([[0.5, 0.05, 0.05]])
    wide = light @ np.linalg.inv(colours.TO_BT709).T

    back = colours.to_bt709(wide ** (1 / colours.GAMMA), BT2020, BT709)

    assert back == pytest.approx(light ** (1 / colours.GAMMA), abs=1e-6)


def test_a_table_is_a_cube_file(tmp_path: Path) -> None:
    lines = colours.write_table(tmp_path / "t.cube", BT2020, PQ).read_text().splitlines()

    assert lines[0] == f"LUT_3D_SIZE {colours.SIZE}"
    assert len(lines) == colours.SIZE**3 + 1
    assert lines[1] == "0.000000 0.000000 0.000000"
    # Red changes fastest: the second entry is a little red and nothing else.
    red, green, blue = map(float, lines[2].split())
    assert red >= green == blue
