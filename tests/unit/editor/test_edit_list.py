"""What an edit list may say, and that every refusal names its place."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editor.editlist import schema
from editor.editlist.schema import BadEditList, read_edit_list


def segment(**changes):
    return {"id": "one", "clip": "a.mp4", "start": 0.0, "end": 2.0, **changes}


def refused(data) -> dict[str, list[str]]:
    with pytest.raises(BadEditList) as caught:
        read_edit_list(data)
    return caught.value.faults


def test_the_shortest_edit_list_is_empty():
    assert read_edit_list({"version": 1}).segments == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"start": -1.0}, "segments.0.start"),
        ({"start": 2.0}, "segments.0"),
        ({"end": math.nan}, "segments.0.end"),
        ({"end": math.inf}, "segments.0.end"),
        ({"end": 1e9}, "segments.0.end"),
        ({"speed": 0.2}, "segments.0.speed"),
        ({"speed": 4.5}, "segments.0.speed"),
        ({"id": "two words"}, "segments.0.id"),
        ({"clip": ""}, "segments.0.clip"),
        ({"clip": None}, "segments.0.clip"),
        ({"volume": 3}, "segments.0.volume"),
        ({"fit": "stretch"}, "segments.0.fit"),
        ({"view": {"zoom": 0}}, "segments.0.view.zoom"),
        ({"view": {"rotation": 1e4}}, "segments.0.view.rotation"),
        ({"view": {"crop": {"left": 0.6, "right": 0.5}}}, "segments.0.view.crop"),
        ({"filters": {"warmth": 2}}, "segments.0.filters.warmth"),
        ({"transition": {"kind": "wipe"}}, "segments.0.transition.kind"),
        ({"transition": {"kind": "dip", "seconds": -1}}, "segments.0.transition.seconds"),
        ({"colour": "red"}, "segments.0.colour"),
    ],
)
def test_a_bad_segment_is_refused_at_its_place(change, path):
    assert path in refused({"version": 1, "segments": [segment(**change)]})


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (None, "edit"),
        ([], "edit"),
        ({}, "version"),
        ({"version": 2}, "version"),
        ({"version": 1, "canvas": {"short_side": 100_000}}, "canvas.short_side"),
        ({"version": 1, "canvas": {"frame_rate": 1000}}, "canvas.frame_rate"),
        ({"version": 1, "canvas": {"aspect": "4:3"}}, "canvas.aspect"),
        ({"version": 1, "texts": [{"id": "t", "text": "", "start": 0, "end": 1}]}, "texts.0.text"),
        ({"version": 1, "texts": [{"id": "t", "text": "x", "start": 1, "end": 1}]}, "texts.0"),
        ({"version": 1, "texts": [{"id": "t", "text": "x", "start": 0, "end": 1, "colour": "red"}]}, "texts.0.colour"),
        ({"version": 1, "stickers": [{"id": "s", "name": "skull", "start": 0, "end": 1}]}, "stickers.0.name"),
        ({"version": 1, "music": {"track": "m.ogg", "ducking": 2}}, "music.ducking"),
        ({"version": 1, "voices": [{"id": "v", "sound": "v.ogg", "at": 1, "start": 2, "end": 1}]}, "voices.0"),
        ({"version": 1, "markers": [0.5, -0.5]}, "markers.1"),
        ({"version": 1, "surprise": True}, "surprise"),
    ],
)
def test_a_bad_edit_list_is_refused_at_its_place(data, path):
    assert path in refused(data)


def test_ten_thousand_segments_are_refused_as_a_list():
    assert list(refused({"version": 1, "segments": [segment()] * 10_000})) == ["segments"]


def test_two_segments_of_one_id_are_refused():
    assert list(refused({"version": 1, "segments": [segment(), segment()]})) == ["segments.1.id"]


@pytest.mark.parametrize(
    ("canvas", "size"),
    [
        ({"aspect": "9:16", "short_side": 720}, (720, 1280)),
        ({"aspect": "16:9", "short_side": 480}, (854, 480)),
        ({"aspect": "1:1", "short_side": 1080}, (1080, 1080)),
    ],
)
def test_a_canvas_is_even_and_of_its_aspect(canvas, size):
    assert schema.Canvas(**canvas).size == size


def test_what_is_read_is_written_the_same():
    edit = read_edit_list({"version": 1, "segments": [segment()], "music": {"track": "m.ogg"}})

    assert read_edit_list(json.loads(edit.model_dump_json())) == edit


def test_the_published_schema_names_every_part():
    published = schema.json_schema()

    assert {"Segment", "Text", "Music", "Canvas"} <= set(published["$defs"])
    assert published["additionalProperties"] is False


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(["version", "canvas", "segments", "texts", "music", "voices", "markers", "cover", "stickers"])


@given(st.dictionaries(names, json_values, max_size=9) | json_values)
def test_whatever_json_comes_is_read_or_refused_with_places(data):
    faults: dict[str, list[str]] = {}
    try:
        edit = read_edit_list(data)
    except BadEditList as refusal:
        faults = refusal.faults

    assert (faults and all(path and texts for path, texts in faults.items())) or edit.version == 1
