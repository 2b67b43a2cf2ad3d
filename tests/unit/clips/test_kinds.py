"""What a file is, told by its first bytes and outermost boxes, before libav sees it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clips.ingest.bounds import FINAL, WORDS, Bounds, Refusal
from clips.ingest.inspect import kind_of, refuse_truncated

EBML = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"
MP4_HEAD = b"\x00\x00\x00\x10ftypmp42\x00\x00\x00\x00"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4"


def test_mp4_and_matroska_are_told_apart(file: Path) -> None:
    file.write_bytes(MP4_HEAD)
    assert kind_of(file) == "mov"
    file.write_bytes(EBML + b"\x84webm")
    assert kind_of(file) == "matroska"


@pytest.mark.parametrize(
    "content",
    [b"#EXTM3U", b"\n\n#extm3u\n", b"ffconcat version 1.0", b"  file '/etc/passwd'", b"file \"x\"",
     b"# note\nfile /etc/x", b"[Playlist]", b"<?wpl version", b"<smil>", b"<MPD xmlns"],
)  # fmt: skip
def test_whatever_lists_other_files_is_a_playlist(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    with pytest.raises(Refusal) as refused:
        kind_of(file)
    assert refused.value.code == "playlist_refused"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes_have_a_kind_or_a_refusal(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    kinds = {"mov", "matroska"}
    assert outcome(lambda: kind_of(file)) in kinds | {"not_a_video", "container_not_allowed", "playlist_refused"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(head=st.sampled_from([b"", MP4_HEAD, EBML, EBML + b"\x80" + SEGMENT]), content=st.binary(max_size=200))
@pytest.mark.parametrize("demuxer", ["mov", "matroska"])
def test_any_boxes_are_walked_to_an_end(file: Path, demuxer: str, head: bytes, content: bytes) -> None:
    file.write_bytes(head + content)

    assert outcome(lambda: refuse_truncated(file, demuxer)) in (None, "truncated", "damaged", "not_a_video")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (MP4_HEAD, None),
        (MP4_HEAD + b"\x00\x00\x00\x00mdat of any length", None),
        (MP4_HEAD + b"\x00\x00\x00\x01mdat" + (20).to_bytes(8) + b"1234", None),
        (MP4_HEAD + b"\x00\x00\x00\x01mdat" + (21).to_bytes(8) + b"1234", "truncated"),
        (MP4_HEAD + b"\x00\x00\x01\x00mdat", "truncated"),
        (MP4_HEAD + b"\x00\x00", "truncated"),
        (MP4_HEAD + b"\x00\x00\x00\x04mdat", "damaged"),
    ],
    ids=["whole", "until the end", "long", "long, one byte short", "short", "half a head", "less than a head"],
)
def test_boxes_must_fit_into_the_file(file: Path, content: bytes, code: str | None) -> None:
    file.write_bytes(content)

    assert outcome(lambda: refuse_truncated(file, "mov")) == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (EBML + b"\x81\x00" + SEGMENT + b"\x83abc", None),
        (EBML + b"\x81\x00" + SEGMENT + b"\x84abc", "truncated"),
        (EBML + b"\x81\x00" + SEGMENT + b"\xffrecorded live", None),
        (EBML + b"\x81\x00" + SEGMENT + b"\x01" + b"\xff" * 7 + b"live", None),
        (EBML + b"\x81\x00" + SEGMENT + b"\x00", "damaged"),
        (EBML + b"\x88\x00", "truncated"),
        (EBML + b"\x81\x00elsewhere", "not_a_video"),
    ],
    ids=[
        "whole",
        "one byte short",
        "of no length",
        "of no length, eight bytes",
        "no length at all",
        "head",
        "no segment",
    ],
)
def test_elements_must_fit_into_the_file(file: Path, content: bytes, code: str | None) -> None:
    file.write_bytes(content)

    assert outcome(lambda: refuse_truncated(file, "matroska")) == code


def test_every_refusal_has_a_title_and_a_sentence() -> None:
    values = dict.fromkeys(("codec", "width", "height", "megapixels", "rate", "limit", "seconds", "count"), 7)
    for code in WORDS:
        refusal = Refusal(code, **values, megabytes=7)
        assert refusal.title
        assert refusal.detail.endswith(".")
        assert "{" not in refusal.detail
    assert set(WORDS) > FINAL


def test_a_refusal_from_another_process_keeps_its_words() -> None:
    refusal = Refusal.said("truncated", "A title", "A sentence.")

    assert (refusal.code, refusal.title, refusal.detail, str(refusal)) == (
        "truncated", "A title", "A sentence.", "A sentence.",
    )  # fmt: skip


def test_bounds_survive_the_way_to_the_child() -> None:
    bounds = Bounds(seconds_max=12.5, bytes_max=3)

    assert Bounds(**bounds.to_json()) == bounds
    assert bounds.seconds_tolerated > bounds.seconds_max


def outcome(call: Callable[[], str | None]) -> str | None:
    """What a call returns, or the code with which it refuses."""
    try:
        return call()
    except Refusal as refusal:
        return refusal.code
