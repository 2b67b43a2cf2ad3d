"""Words, stickers and captions before they meet a video."""

import json

import numpy as np
import pytest
from PIL import Image

from editor.editlist.schema import Canvas, StickerOn, Text, read_edit_list
from editor.editlist.timeline import lay_out
from editor.rendering import letters, overlays
from editor.rendering.captions import captions_of

CANVAS = Canvas(aspect="16:9", short_side=360)


def text(words: str, **changes) -> Text:
    return Text(id="t", text=words, start=0, end=1, **changes)


def drawn(*items) -> tuple[np.ndarray, int, int]:
    overlay = overlays.overlay_of(items, CANVAS)
    assert overlay is not None
    return overlay.frame.to_ndarray(format="rgba"), overlay.left, overlay.top


def test_words_lie_around_their_middle():
    image, left, top = drawn(text("Hello", x=0.25, y=0.5))

    assert abs(left + image.shape[1] / 2 - 160) < 6
    assert abs(top + image.shape[0] / 2 - 180) < 12


def test_wide_lines_are_wrapped_at_spaces():
    lines = list(overlays.wrapped(text("one two three four five six"), 20, 100))

    assert len(lines) > 1
    assert " ".join(lines) == "one two three four five six"
    assert all(overlays._width(line, "sans", 20) <= 100 for line in lines)


def test_chinese_is_wrapped_between_any_two_characters():
    lines = list(overlays.wrapped(text("视频变成会动的画"), 20, 60))

    assert [len(line) for line in lines] == [3, 3, 2]


def test_the_letters_have_the_colour_and_the_outline_is_black():
    image, _, _ = drawn(text("■ I", colour="#ff0000", size=0.2))

    solid = image[image[..., 3] == 255][:, :3]
    assert ((solid == [255, 0, 0]).all(1)).any()
    assert ((solid == [0, 0, 0]).all(1)).any()


def test_a_background_is_a_box_around_the_words():
    bare, _, _ = drawn(text("Hi", outline=False))
    boxed, _, _ = drawn(text("Hi", outline=False, background="#0000ff"))

    assert boxed.shape[0] > bare.shape[0]
    assert tuple(boxed[boxed.shape[0] // 2, 3]) == (0, 0, 255, 255)


def test_words_off_the_canvas_draw_nothing():
    assert overlays.overlay_of([text("Hello", x=2, y=2)], CANVAS) is None


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.333, 0.777)])
def test_an_overlay_begins_and_ends_at_even_pixels_within_the_canvas(place):
    image, left, top = drawn(text("Hello", x=place[0], y=place[1]))

    assert left % 2 == top % 2 == image.shape[0] % 2 == image.shape[1] % 2 == 0
    assert 0 <= left <= 640 - image.shape[1]
    assert 0 <= top <= 360 - image.shape[0]


def test_a_path_becomes_closed_lines():
    square, curve = overlays.outlines("M10,10 L90,10 L90,90 Z M0 0 C 0 50 50 100 100 100 Z")

    assert square == [(10, 10), (90, 10), (90, 90)]
    assert curve[0] == (0, 0)
    assert curve[-1] == (100, 100)
    assert len(curve) == 17


@pytest.mark.parametrize("name", ["heart", "star", "arrow", "circle", "bubble", "spark", "cross", "check"])
def test_every_sticker_is_drawn_in_its_colour_around_its_middle(name):
    layer = Image.new("RGBA", CANVAS.size)

    overlays.draw_sticker(layer, StickerOn(id="s", name=name, start=0, end=1, size=0.5, colour="#00ff00", rotation=30))

    pixels = np.asarray(layer)
    rows, columns = np.nonzero(pixels[..., 3])
    assert (pixels[rows, columns][:, :3] == [0, 255, 0]).all()
    assert abs(np.mean([columns.min(), columns.max()]) - 320) < 40
    assert abs(np.mean([rows.min(), rows.max()]) - 180) < 40
    assert np.ptp(rows) > 60


def test_captions_are_webvtt_in_order_and_titles_are_not():
    edit = read_edit_list(
        {
            "version": 1,
            "segments": [{"id": "a", "clip": "a.mp4", "start": 0, "end": 4}],
            "texts": [
                {"id": "b", "text": "Later <b>", "start": 2, "end": 9, "kind": "caption"},
                {"id": "a", "text": "First\n\n& then", "start": 0.5, "end": 1.5, "kind": "caption"},
                {"id": "c", "text": "A title", "start": 0, "end": 1},
                {"id": "d", "text": "After the end", "start": 5, "end": 6, "kind": "caption"},
            ],
        }
    )

    assert captions_of(edit, lay_out(edit)) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nFirst\n&amp; then\n\n00:00:02.000 --> 00:00:04.000\nLater &lt;b&gt;\n"
    )


def test_the_list_of_letters_is_what_the_fonts_have():
    assert json.loads(letters.COVERAGE.read_text()) == letters.measured()


def test_what_no_font_has_is_left_out():
    assert letters.drawable("Swan 🦢 лебедь 你好 ok", "sans") == "Swan   你好 ok"
    assert np.array_equal(drawn(text("Swan\u2060"))[0], drawn(text("Swan"))[0])


@pytest.mark.parametrize("space", ["\t", "\r", "\x85", "\u2028", "\u2029"])
def test_rare_spaces_are_spaces(space):
    assert np.array_equal(drawn(text(f"a{space}b"))[0], drawn(text("a b"))[0])


def test_a_word_that_is_too_wide_is_broken():
    lines = list(overlays.wrapped(text("to Donaudampfschifffahrt go"), 20, 100))

    assert "".join(lines).replace(" ", "") == "toDonaudampfschifffahrtgo"
    assert all(overlays._width(line, "sans", 20) <= 100 for line in lines)
