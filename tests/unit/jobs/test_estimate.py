"""The estimate of the time that remains."""

import pytest

from jobs.estimate import Estimate


def test_nothing_is_guessed_from_the_start_of_the_work() -> None:
    estimate = Estimate()

    assert [estimate.remaining(0.01 * second, said=None, at=second) for second in (0.0, 2.0, 4.0)] == [None] * 3


def test_a_steady_pace_is_measured() -> None:
    estimate = Estimate()
    for second in range(6):
        seen = estimate.remaining(0.1 + 0.1 * second, said=None, at=float(second))

    assert seen == pytest.approx(4.0, abs=0.5)


def test_what_the_work_says_is_taken_at_once_in_place_of_a_guess() -> None:
    estimate = Estimate()
    estimate.remaining(0.05, said=None, at=0)
    assert estimate.remaining(0.06, said=None, at=3.0) == pytest.approx(282, abs=1)

    assert estimate.remaining(0.1, said=5.0, at=3.5) == 5.0


def test_it_counts_down_and_leans_towards_what_is_said() -> None:
    estimate = Estimate()
    shown = [estimate.remaining(0.5, said=said, at=at) for said, at in [(10.0, 0.0), (19.0, 1.0), (18.0, 2.0)]]

    assert shown == [10.0, pytest.approx(12.0), pytest.approx(13.1)]


def test_it_never_falls_below_nothing() -> None:
    estimate = Estimate()
    estimate.remaining(0.9, said=1.0, at=0)

    assert estimate.remaining(0.95, said=0.0, at=30.0) == 0.0
