"""Seconds become frames in one place, to the frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editor.editlist.schema import BadEditList, Segment, read_edit_list
from editor.editlist.timeline import Span, frames_of, lay_out, source_frames

SECOND_BY_25 = [frame / 25 for frame in range(25)]


def edit_of(*segments, rate=30, **changes):
    numbered = [{"id": f"s{place}", "clip": "a.mp4", **segment} for place, segment in enumerate(segments)]
    return read_edit_list({"version": 1, "canvas": {"frame_rate": rate}, "segments": numbered, **changes})


def stretch(start: float, end: float, **changes) -> Segment:
    return Segment(id="one", clip="a.mp4", start=start, end=end, **changes)


def test_cuts_follow_each_other_without_a_gap():
    timeline = lay_out(edit_of({"start": 0, "end": 1.01}, {"start": 2, "end": 2.5}))

    assert [placed.span for placed in timeline.placed] == [Span(0, 30), Span(30, 45)]
    assert timeline.seconds == 1.5


def test_a_crossfade_overlaps_and_a_dip_does_not():
    fade = {"kind": "crossfade", "seconds": 0.5}
    dip = {"kind": "dip", "seconds": 0.4}

    timeline = lay_out(
        edit_of(
            {"start": 0, "end": 1},
            {"start": 0, "end": 2, "transition": fade},
            {"start": 0, "end": 1, "transition": dip},
        )
    )

    assert [placed.span for placed in timeline.placed] == [Span(0, 30), Span(15, 75), Span(75, 105)]
    assert [(placed.fade_in, placed.fade_out) for placed in timeline.placed] == [(0, 15), (15, 6), (6, 0)]


def test_an_empty_edit_has_no_frames():
    assert lay_out(edit_of()).frames == 0


def test_a_transition_before_the_first_segment_is_refused():
    with pytest.raises(BadEditList) as caught:
        lay_out(edit_of({"start": 0, "end": 1, "transition": {"kind": "dip", "seconds": 0.2}}))

    assert list(caught.value.faults) == ["segments.0.transition.kind"]


def test_transitions_longer_than_their_segment_are_refused_where_they_are():
    fade = {"kind": "crossfade", "seconds": 0.6}

    with pytest.raises(BadEditList) as caught:
        lay_out(
            edit_of(
                {"start": 0, "end": 2},
                {"start": 0, "end": 1, "transition": fade},
                {"start": 0, "end": 2, "transition": fade},
            )
        )

    assert list(caught.value.faults) == ["segments.2.transition.seconds"]


def test_each_frame_of_a_plain_stretch_shows_the_next_frame_of_the_source():
    assert source_frames(stretch(0.2, 0.6), SECOND_BY_25, 25) == list(range(5, 15))


def test_rounding_never_shows_the_frame_before():
    for frame in range(1, 25):
        assert source_frames(stretch(frame / 25, 1), SECOND_BY_25, 25)[0] == frame


def test_twice_the_speed_shows_every_second_frame():
    assert source_frames(stretch(0, 0.4, speed=2), SECOND_BY_25, 25) == [0, 2, 4, 6, 8]


def test_a_quarter_of_the_speed_shows_each_frame_four_times():
    assert source_frames(stretch(0, 0.08, speed=0.25), SECOND_BY_25, 25) == [0] * 4 + [1] * 4


def test_reversed_the_same_frames_come_backwards():
    forwards = source_frames(stretch(0.1, 0.9, speed=1.3), SECOND_BY_25, 30)

    assert source_frames(stretch(0.1, 0.9, speed=1.3, reverse=True), SECOND_BY_25, 30) == forwards[::-1]


def test_words_past_the_end_lie_on_nothing():
    timeline = lay_out(edit_of({"start": 0, "end": 1}))

    assert timeline.span_of(0.5, 9) == Span(15, 30)
    assert timeline.span_of(5, 9).frames == 0
    assert timeline.span_of(0.5, 0.501) == Span(15, 16)


@given(st.floats(0, 50), st.floats(0.01, 10), st.floats(0.25, 4), st.sampled_from([24, 25, 30, 50, 60]), st.booleans())
def test_any_stretch_shows_frames_there_are_and_never_turns(start, seconds, speed, rate, reverse):
    one = stretch(start, start + seconds, speed=speed, reverse=reverse)

    shown = source_frames(one, [frame / 30 for frame in range(1800)], rate)

    assert len(shown) == frames_of(one, rate) >= 1
    assert all(0 <= frame < 1800 for frame in shown)
    assert shown == sorted(shown, reverse=reverse)
