"""Rendered files, looked at frame by frame and sample by sample."""

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editor.editlist.schema import Filters, read_edit_list
from editor.editlist.timeline import lay_out
from editor.rendering import render as rendering
from editor.rendering.picture import colour_matrix
from editor.rendering.render import RenderError, RenderProgress, render_edit
from editor.rendering.sources import look_at
from stylization.engine.recipe import PaintRecipe, StyleShare
from stylization.engine.video import stylize_video
from tests.integration.editor.films import clip_of, counting, edit_of, number_of, numbers_of
from tests.integration.stylization.plain import PlainEngine
from tests.media import corners, flat, frames_of, hum, make_sound_file, quarters, sound_of

BLACK = (16, 16, 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    clip_of(folder, "count", counting(100), sound=hum)
    clip_of(folder, "quarters", quarters(320, 180, 25))
    clip_of(folder, "orange", flat((200, 120, 60), 320, 180, 25))
    make_sound_file(folder / "music.m4a", seconds=3.0)
    return folder


@pytest.fixture
def render(folder, tmp_path):
    def make(edit, **more):
        files = {name: folder / name for name in ("count.mp4", "quarters.mp4", "orange.mp4", "music.m4a")}
        target = tmp_path / "out.mp4"
        return render_edit(edit, target, files, **more), target

    return make


def stretch(start: float, end: float, clip: str = "count.mp4", **more):
    return {"clip": clip, "start": start, "end": end, **more}


def first_frame(path: Path):
    return frames_of(path)[0][1].astype(int)


def test_a_cut_is_exact_to_the_frame(render):
    report, made = render(edit_of(stretch(0.52, 1.4), stretch(3.0, 3.2)))

    assert numbers_of(made) == [*range(13, 35), *range(75, 80)]
    assert (report.frames, report.seconds) == (27, 1.08)


def test_what_lies_between_key_frames_is_copied_bit_by_bit(render, folder):
    keys = [key for key in look_at(folder / "count.mp4").keys if 10 <= key <= 85]

    report, made = render(edit_of(stretch(0.4, 3.4)))

    assert report.copied == keys[-1] - keys[0] >= 50
    assert report.copied + report.encoded == 75
    assert numbers_of(made) == list(range(10, 85))
    source, copy = frames_of(folder / "count.mp4"), frames_of(made)
    for number in range(keys[0], keys[-1]):
        assert np.array_equal(source[number][1], copy[number - 10][1])


def test_a_whole_clip_is_copied_whole(render):
    report, made = render(edit_of(stretch(0, 4)))

    assert (report.copied, report.encoded) == (100, 0)
    assert numbers_of(made) == list(range(100))


def test_a_painted_clip_is_copied_too(folder, tmp_path):
    style = np.zeros((32, 32, 3), np.uint8)
    painted = tmp_path / "painted.mp4"
    recipe = PaintRecipe((StyleShare("grey", image=style),))
    stylize_video(folder / "count.mp4", painted, recipe, engine=PlainEngine())

    report = render_edit(edit_of(stretch(0, 4)), tmp_path / "out.mp4", {"count.mp4": painted})

    assert report.copied == report.frames == 100


def test_every_frame_has_its_time_from_zero_on(render):
    _, made = render(edit_of(stretch(0.4, 3.4), stretch(0, 1, speed=2)))

    times = [time for time, _ in frames_of(made)]
    assert times == pytest.approx([frame / 25 for frame in range(88)], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({"speed": 2}, list(range(10, 30, 2))),
        ({"speed": 0.5}, [frame for frame in range(10, 30) for _ in range(2)]),
        ({"reverse": True}, list(range(29, 9, -1))),
        ({"reverse": True, "speed": 4}, [26, 22, 18, 14, 10]),
    ],
)
def test_speed_and_direction_choose_the_frames(render, changes, numbers):
    _, made = render(edit_of(stretch(0.4, 1.2, **changes)))

    assert numbers_of(made) == numbers


def test_another_frame_rate_shows_what_is_on_screen_at_each_moment(render):
    _, made = render(edit_of(stretch(0, 1), canvas={"frame_rate": 50}))

    assert numbers_of(made) == [frame for frame in range(25) for _ in range(2)]


def test_a_crossfade_goes_from_one_to_the_other(render):
    fade = {"kind": "crossfade", "seconds": 0.4}

    _, made = render(edit_of(stretch(0, 0.8, "orange.mp4"), stretch(0, 0.8, "quarters.mp4", transition=fade)))

    frames = [image for _, image in frames_of(made)]
    red = [float(image[90, 160, 1]) for image in frames]  # orange's green is 120, red's is 40
    assert len(frames) == 30
    assert red[9] == pytest.approx(120, abs=6)
    assert red[20] == pytest.approx(40, abs=6)
    assert red[14] == pytest.approx(120 - 80 * 5 / 11, abs=6)
    assert all(later <= sooner + 2 for sooner, later in pairwise(red))


def test_a_dip_is_darkest_between_the_two(render):
    dip = {"kind": "dip", "seconds": 0.8}

    _, made = render(edit_of(stretch(0, 0.8, "orange.mp4"), stretch(0, 0.8, "quarters.mp4", transition=dip)))

    light = [float(image.mean()) for _, image in frames_of(made)]
    assert len(light) == 40
    assert min(light) == min(light[19], light[20]) < 20
    assert light[0] > 100


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, ["red", "green", "blue", "grey"]),
        ({"view": {"rotation": 90}}, ["blue", "red", "grey", "green"]),
        ({"view": {"rotation": 180}}, ["grey", "blue", "green", "red"]),
        ({"view": {"rotation": -90}}, ["green", "grey", "red", "blue"]),
        ({"view": {"zoom": 2, "x": 0.5, "y": 0.5}}, ["red"] * 4),
        ({"view": {"crop": {"left": 0.5}}, "fit": "fill"}, ["green", "green", "grey", "grey"]),
        ({"view": {"crop": {"top": 0.5}}, "fit": "fill"}, ["blue", "grey", "blue", "grey"]),
        ({"view": {"rotation": 8, "zoom": 1.5}, "fit": "fill"}, ["red", "green", "blue", "grey"]),
    ],
)
def test_the_picture_lies_where_the_view_says(render, changes, seen):
    _, made = render(edit_of(stretch(0, 0.2, "quarters.mp4", **{"fit": "fill", **changes})))

    assert corners(first_frame(made)) == seen


def test_fit_leaves_black_bars_and_blur_fills_them(render):
    square = {"aspect": "1:1"}

    _, fitted = render(edit_of(stretch(0, 0.2, "orange.mp4", fit="fit"), canvas=square))
    bars = first_frame(fitted)[20, 180]
    _, blurred = render(edit_of(stretch(0, 0.2, "orange.mp4", fit="blur"), canvas=square))
    blur = first_frame(blurred)

    assert bars.max() <= 4
    assert blur[20, 180] == pytest.approx(np.array([200, 120, 60]) * 0.6, abs=8)
    assert blur[180, 180] == pytest.approx([200, 120, 60], abs=8)


@pytest.mark.parametrize("fit", ["fit", "blur"])
def test_an_odd_place_is_kept(render, fit):
    _, made = render(edit_of(stretch(0, 0.2, "orange.mp4", fit=fit), canvas={"aspect": "1:1"}))

    rows = first_frame(made)[:, 180, 0]
    outside, inside = rows[70], rows[100]
    assert [bool(rows[row] > (outside + inside) / 2) for row in (78, 79, 280, 281)] == [False, True, True, False]


def test_a_picture_moved_off_the_canvas_leaves_black(render):
    _, made = render(edit_of(stretch(0, 0.2, "orange.mp4", view={"x": 1.0})))

    assert first_frame(made).max() <= 4


def test_a_tilted_picture_has_black_corners_and_itself_in_the_middle(render):
    _, made = render(edit_of(stretch(0, 0.2, "orange.mp4", view={"rotation": 30, "zoom": 0.6})))

    image = first_frame(made)
    assert image[4, 4].max() <= 6
    assert image[180, 320] == pytest.approx([200, 120, 60], abs=8)


@pytest.mark.parametrize(
    "filters",
    [{"brightness": 0.3}, {"contrast": -0.5}, {"saturation": -1}, {"warmth": 1}, {"contrast": 1, "warmth": -1}],
)
def test_filters_are_the_published_matrix(render, filters):
    _, made = render(edit_of(stretch(0, 0.2, "orange.mp4", filters=filters)))

    wanted = np.clip(colour_matrix(Filters(**filters)) @ np.array([200, 120, 60, 1]), 0, 255)
    assert first_frame(made)[180, 320] == pytest.approx(wanted, abs=7)


def test_saturation_of_minus_one_is_grey_and_contrast_keeps_the_middle():
    grey = colour_matrix(Filters(saturation=-1)) @ np.array([200, 120, 60, 1])
    middle = colour_matrix(Filters(contrast=0.7)) @ np.array([127.5, 127.5, 127.5, 1])

    assert grey == pytest.approx(np.full(3, 0.2126 * 200 + 0.7152 * 120 + 0.0722 * 60), abs=1e-3)
    assert middle == pytest.approx([127.5] * 3, abs=1e-3)


def test_words_are_on_their_frames_only(render):
    text = {"id": "t", "text": "MMMM", "start": 0.2, "end": 0.4, "size": 0.3, "colour": "#0000ff", "outline": False}

    _, made = render(edit_of(stretch(0, 0.6, "orange.mp4"), texts=[text]))

    blue = [
        bool((image[100:260, 200:440, 2].astype(int) - image[100:260, 200:440, 0] > 80).any())
        for _, image in frames_of(made)
    ]
    assert blue == [False] * 5 + [True] * 5 + [False] * 5


def test_the_sound_is_as_long_as_the_picture_and_keeps_its_pitch(render):
    _, made = render(edit_of(stretch(0.5, 2.5, speed=2)))

    wave, rate = sound_of(made)
    spectrum = np.abs(np.fft.rfft(wave[0][rate // 5 : rate * 4 // 5]))
    loudest = np.fft.rfftfreq(rate * 4 // 5 - rate // 5, 1 / rate)[spectrum.argmax()]
    assert wave.shape[1] / rate == pytest.approx(1.0, abs=0.05)
    assert loudest == pytest.approx(440, abs=6)


def test_volume_and_silence(render):
    def loudness(**parts) -> float:
        _, made = render(edit_of(stretch(0, 2), **parts))
        with av.open(str(made)) as container:
            if not container.streams.audio:
                return 0.0
        wave, rate = sound_of(made)
        return float(np.sqrt((wave[:, rate // 2 : rate * 3 // 2] ** 2).mean()))

    full = loudness()

    assert full == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert loudness(original_volume=0.5) == pytest.approx(full / 2, rel=0.1)
    assert loudness(original_volume=0) == 0.0


def test_music_lies_under_a_silent_clip_and_fades(render):
    _, made = render(edit_of(stretch(0, 1, "orange.mp4"), music={"track": "music.m4a", "fade_in": 0.5, "fade_out": 0}))

    wave, rate = sound_of(made)
    assert np.abs(wave[:, : rate // 20]).max() < 0.1
    assert np.abs(wave[:, rate * 6 // 10 : rate * 9 // 10]).max() > 0.1


def test_ducking_lets_the_music_step_back_under_the_rest(render):
    def music_left(ducking: float) -> float:
        edit = edit_of(stretch(0, 2), music={"track": "music.m4a", "ducking": ducking, "fade_out": 0})
        _, made = render(edit)
        wave, rate = sound_of(made)
        return float(np.sqrt((wave[:, rate // 2 : rate * 3 // 2] ** 2).mean()))

    assert music_left(1.0) < music_left(0.0) * 0.9


def test_too_much_at_once_is_held_below_full_scale(render):
    _, made = render(edit_of(stretch(0, 2, volume=2), original_volume=2, music={"track": "music.m4a", "volume": 2}))

    wave, _ = sound_of(made)
    assert np.abs(wave).max() < 1.05  # AAC overshoots a little


def test_a_second_render_makes_only_what_changed(render, tmp_path):
    halves = [stretch(0, 1, "orange.mp4", fit="fit"), stretch(0, 1, "quarters.mp4", fit="fit")]
    first, _ = render(edit_of(*halves), cache=tmp_path / "kept")
    again, _ = render(edit_of(*halves), cache=tmp_path / "kept")
    swapped, _ = render(edit_of(*halves[::-1]), cache=tmp_path / "kept")
    changed, _ = render(edit_of(halves[0], {**halves[1], "speed": 2}), cache=tmp_path / "kept")

    assert (first.encoded, first.kept) == (50, 0)
    assert (again.encoded, again.kept) == (0, 50)
    assert (swapped.encoded, swapped.kept) == (0, 50)
    assert (changed.encoded, changed.kept) == (13, 25)


def test_progress_rises_to_the_end_and_shows_frames(render):
    said: list[RenderProgress] = []

    render(edit_of(stretch(0, 2, speed=0.5)), on_progress=said.append)

    done = [progress.frames_done for progress in said]
    assert done == sorted(done)
    assert [said[0].stage, said[-1].stage] == ["checking", "finishing"]
    assert done[-1] == said[-1].frames_total == 100
    assert any(progress.frame is not None and progress.frame.shape == (360, 640, 3) for progress in said)


def test_what_progress_raises_ends_the_render_and_leaves_nothing(render, tmp_path):
    class Enough(Exception):
        pass

    def stop(progress):
        if progress.frames_done > 5:
            raise Enough

    with pytest.raises(Enough):
        render(edit_of(stretch(0, 4, speed=0.5)), on_progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_a_fault_while_joining_leaves_no_file(render, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rendering, "_join", broken)

    with pytest.raises(OSError, match="space"):
        render(edit_of(stretch(0, 1)))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (edit_of(), "empty_edit"),
        (edit_of(stretch(0, 1, "gone.mp4")), "source_missing"),
        (edit_of(stretch(9, 10)), "source_too_short"),
        (edit_of(stretch(0, 9)), "source_too_short"),
        (edit_of(stretch(0, 1, "music.m4a")), "no_picture"),
        (edit_of(stretch(0, 1), music={"track": "gone.ogg"}), "source_missing"),
        (edit_of(stretch(0, 1), music={"track": "orange.mp4"}), "no_sound"),
    ],
)
def test_what_cannot_be_rendered_says_why(render, tmp_path, edit, code):
    with pytest.raises(RenderError) as caught:
        render(edit)

    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_clip_says_so(folder, tmp_path):
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\0" * 4000)

    with pytest.raises(RenderError) as caught:
        render_edit(edit_of(stretch(0, 1, "x")), tmp_path / "out.mp4", {"x": damaged})

    assert caught.value.code == "source_unreadable"


def test_twenty_cuts_in_a_minute_stay_in_step(tmp_path):
    """A flash and a beep at every second, cut into twenty pieces: never further apart than a frame."""

    def flashes():
        for frame in range(4 * 25):
            yield np.full((180, 320, 3), 255 if frame % 25 < 3 else 0, np.uint8)

    def beeps(times):
        return np.where(times % 1 < 0.12, 0.8 * np.sin(times * 2 * np.pi * 1000), 0.0)

    clip = clip_of(tmp_path, "flashes", flashes(), sound=beeps)
    cuts = [stretch(0.5, 3.5, "f", **({"speed": 1.0} if place % 2 else {"fit": "fill"})) for place in range(20)]

    render_edit(edit_of(*cuts, canvas={"frame_rate": 25}), tmp_path / "out.mp4", {"f": clip})

    frames = frames_of(tmp_path / "out.mp4")
    light = np.array([image.mean() > 127 for _, image in frames])
    seen = [frames[at][0] for at in np.flatnonzero(light[1:] & ~light[:-1]) + 1]
    wave, rate = sound_of(tmp_path / "out.mp4")
    loud = np.abs(wave[0]).reshape(-1, rate // 200)[:, :].max(1) > 0.2 if wave.shape[1] % (rate // 200) == 0 else None
    loud = np.abs(wave[0][: wave.shape[1] // 240 * 240]).reshape(-1, 240).max(1) > 0.2 if loud is None else loud
    heard = [at * 240 / rate for at in np.flatnonzero(loud[1:] & ~loud[:-1]) + 1]
    assert len(frames) == 1500
    assert len(seen) == 60
    assert len(heard) >= 60
    for moment in seen:
        assert min(abs(moment - sound) for sound in heard) <= 1 / 25


segments = st.lists(
    st.builds(
        lambda start, length, speed, reverse, fit, rotation, zoom, x: {
            "clip": "count.mp4", "start": start, "end": min(4.0, start + length), "speed": speed, "reverse": reverse,
            "fit": fit, "view": {"rotation": rotation, "zoom": zoom, "x": x},
        },
        st.floats(0, 3.5), st.floats(0.05, 0.5), st.floats(0.25, 4), st.booleans(),
        st.sampled_from(["fit", "fill", "blur"]), st.sampled_from([0, 90, 180, -90, 20, -33.3]),
        st.floats(0.1, 4), st.floats(-1, 1),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
transitions = st.lists(
    st.fixed_dictionaries({"kind": st.sampled_from(["cut", "crossfade", "dip"]), "seconds": st.floats(0, 0.1)}),
    min_size=4, max_size=4,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments, transitions, st.sampled_from([24, 25, 30]))
def test_any_edit_that_is_laid_out_renders_to_just_its_length(render, segments, transitions, rate):
    for segment, transition in zip(segments[1:], transitions, strict=False):
        segment["transition"] = transition
    edit = edit_of(*segments, canvas={"frame_rate": rate, "aspect": "1:1"})
    try:
        timeline = lay_out(edit)
    except ValueError:
        return

    report, made = render(edit)

    with av.open(str(made)) as container:
        kinds = sorted(stream.type for stream in container.streams)
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == report.frames == timeline.frames
    assert report.seconds == pytest.approx(timeline.frames / rate)
    assert kinds == ["audio", "video"]


def test_the_numbers_of_the_counting_film_can_be_read():
    assert [number_of(image) for image in counting(5)] == [0, 1, 2, 3, 4]
    assert read_edit_list({"version": 1}).segments == []
