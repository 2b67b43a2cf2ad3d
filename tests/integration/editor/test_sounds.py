"""Sounds: what comes in and what is refused, who finds and hears them, and what remains of a removed one."""

import io
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from editor import catalogue, sounds
from editor.audio import bounds, child, worker
from editor.audio.worker import read_sound
from editor.models import Sound
from foundation.files import media_path
from tests.media import flat, hum, make_video

pytestmark = pytest.mark.django_db
SOUNDS = "/api/v1/sounds/"
ENCODINGS = {
    "mp3": ("mp3", "libmp3lame", "mp3"), "m4a": ("mp4", "aac", "m4a"), "aac": ("adts", "aac", "aac"),
    "ogg": ("ogg", "vorbis", "ogg"), "opus": ("ogg", "libopus", "opus"), "wav": ("wav", "pcm_s16le", "wav"),
    "flac": ("flac", "flac", "flac"), "webm": ("webm", "libopus", "webm"),
}  # fmt: skip


def make_sound_file(
    path: Path, *, kind: str = "mp3", seconds: float = 1.0, rate: int = 48_000, layout: str = "stereo",
    wave: Callable[[NDArray[np.float64]], NDArray[np.float64]] = hum, tags: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:  # fmt: skip
    """Encode a sound: `make_sound_file(path, kind="opus")`."""
    container_format, codec, _ = ENCODINGS[kind]
    with av.open(str(path), "w", format=container_format, options=options or {}) as container:
        container.metadata.update(tags or {})
        stream: Any = container.add_stream(codec, rate=rate)
        stream.codec_context.layout = layout
        stream.codec_context.options = {"strict": "-2"} if codec == "vorbis" else {}
        for frame in _frames(round(seconds * rate), rate, layout, wave):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frames(count: int, rate: int, layout: str, wave: Any) -> Iterator[av.AudioFrame]:
    channels = 1 if layout == "mono" else 2
    for start in range(0, count, 4096):
        times = np.arange(start, min(start + 4096, count)) / rate
        samples = np.repeat(wave(times)[None].astype(np.float32), channels, axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


def clicks(bpm: float) -> Any:
    """A short knock at every beat."""

    def wave(times: NDArray[np.float64]) -> NDArray[np.float64]:
        since = times % (60 / bpm)
        return np.where(since < 0.03, np.sin(times * 2 * np.pi * 1500) * np.exp(-since * 80), 0.0)

    return wave


def silence(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros_like(times)


def send(client: Any, path: Path, *, kind: str = "voice", name: str = "", **more: Any) -> Any:
    file = io.BytesIO(path.read_bytes())
    file.name = name or path.name
    return client.post(SOUNDS, {"audio": file, "kind": kind, **more}, format="multipart")


def body(answer: Any) -> bytes:
    content = b"".join(answer.streaming_content)
    answer.close()
    return content


@pytest.fixture
def mine(api_client: Any, tmp_path: Path) -> Sound:
    """An own recording with a file."""
    return Sound.objects.get(pk=send(api_client, make_sound_file(tmp_path / "in.mp3")).json()["id"])


class TestComingIn:
    @pytest.mark.parametrize("kind", list(ENCODINGS))
    def test_every_accepted_kind_becomes_aac(self, api_client: Any, tmp_path: Path, kind: str) -> None:
        source = make_sound_file(tmp_path / f"Rain today.{ENCODINGS[kind][2]}", kind=kind, seconds=1.5)

        answer = send(api_client, source)

        assert answer.status_code == 201, answer.content
        sound = answer.json()
        assert set(sound) == {
            "id", "kind", "title", "author", "licence", "credit", "moods", "bpm", "beats", "peaks",
            "duration_seconds", "audio_url", "mine",
        }  # fmt: skip
        assert (sound["kind"], sound["title"], sound["mine"]) == ("voice", "Rain today", True)
        assert sound["duration_seconds"] == pytest.approx(1.5, abs=0.1)  # an encoder's lead-in
        made = Sound.objects.get(pk=sound["id"])
        with av.open(str(made.audio_path)) as container:
            stream = container.streams.audio[0]
            assert (stream.codec_context.name, stream.rate, stream.layout.name) == ("aac", 48_000, "stereo")
        assert made.bytes == made.audio_path.stat().st_size

    @pytest.mark.parametrize(
        ("kind", "options"),
        [("webm", {"live": "1"}), ("m4a", {"movflags": "frag_keyframe+empty_moov"})],
        ids=["Chrome and Firefox", "Safari"],
    )
    def test_what_a_browser_recorded_comes_in_though_its_header_knows_no_length(
        self, api_client: Any, tmp_path: Path, kind: str, options: dict[str, str]
    ) -> None:
        source = make_sound_file(tmp_path / "in", kind=kind, seconds=2, layout="mono", options=options)

        answer = send(api_client, source)

        assert answer.status_code == 201, answer.json()
        assert answer.json()["duration_seconds"] == pytest.approx(2, abs=0.1)

    def test_peaks_say_how_loud_it_is_twenty_times_a_second(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(
            tmp_path / "in.wav", kind="wav", wave=lambda times: np.where(times < 0.5, 0.8, 0.2) * np.sin(times * 2500)
        )

        peaks = send(api_client, source).json()["peaks"]

        assert len(peaks) == 20
        assert peaks[2:9] == pytest.approx([0.8] * 7, abs=0.02)
        assert peaks[12:19] == pytest.approx([0.2] * 7, abs=0.02)

    def test_one_channel_is_as_loud_as_before(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.wav", kind="wav", layout="mono", rate=16_000)

        assert max(send(api_client, source).json()["peaks"]) == pytest.approx(0.3, abs=0.02)

    def test_music_gets_its_tempo_and_beats(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.ogg", kind="ogg", seconds=12, wave=clicks(120))

        sound = send(api_client, source, kind="music").json()

        assert sound["bpm"] == pytest.approx(120, rel=0.03)
        assert np.diff(sound["beats"]) == pytest.approx([0.5] * (len(sound["beats"]) - 1), abs=0.05)
        assert len(sound["beats"]) > 15

    def test_silence_has_no_beats(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.wav", kind="wav", seconds=3, wave=silence)

        sound = send(api_client, source, kind="music").json()

        assert (sound["bpm"], sound["beats"], max(sound["peaks"])) == (None, [], 0)

    def test_nothing_of_the_sources_own_words_remains(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.m4a", kind="m4a", tags={"title": "Secret", "comment": "From home"})

        made = Sound.objects.get(pk=send(api_client, source, title=" Rain\n").json()["id"])

        assert made.title == "Rain"
        assert b"Secret" not in made.audio_path.read_bytes()
        assert b"From home" not in made.audio_path.read_bytes()

    def test_a_covers_picture_is_left_out(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.mp3")
        tagged = tmp_path / "tagged.mp3"
        with av.open(str(source)) as plain, av.open(str(tagged), "w", format="mp3") as container:
            sound = container.add_stream_from_template(plain.streams.audio[0])
            cover: Any = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts = 0
            packets = [packet for packet in plain.demux(audio=0) if packet.size]
            for packet in [*cover.encode(picture), *cover.encode(None)]:
                container.mux(packet)
            for packet in packets:
                packet.stream = sound
                container.mux(packet)

        assert send(api_client, tagged).status_code == 201

    def test_the_same_key_adds_it_once(self, api_client: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "in.mp3")
        answers = []
        for _ in range(2):
            form = {"audio": io.BytesIO(source.read_bytes()), "kind": "voice"}
            answers.append(api_client.post(SOUNDS, form, format="multipart", headers={"Idempotency-Key": "one"}))

        assert answers[0].json() == answers[1].json()
        assert Sound.objects.count() == 1


class TestRefusals:
    def test_a_text_file_is_not_worth_loading_the_ear_for(self, tmp_path):
        assert not child._may_be_a_sound(written(tmp_path, b"hello, this is no sound at all"))
        assert child._may_be_a_sound(make_sound_file(tmp_path / "a", kind="flac", seconds=1))

    @pytest.mark.parametrize(
        ("make", "status", "code"),
        [
            (lambda folder: written(folder, b"hello, this is no sound at all"), 400, "not_a_sound"),
            (lambda folder: written(folder, b"#EXTM3U\nhttp://example.org/a.mp3\n"), 400, "not_a_sound"),
            (lambda folder: written(folder, b"ffconcat version 1.0\nfile '/etc/passwd'\n"), 400, "not_a_sound"),
            (lambda folder: written(folder, b"x"), 400, "not_a_sound"),
            (lambda folder: make_video(folder / "in.mp4", flat((9, 9, 9)), sound=hum), 400, "not_only_sound"),
            (lambda folder: make_video(folder / "in.webm", flat((9, 9, 9)), codec="libvpx"), 400, "not_only_sound"),
            (lambda folder: foreign_codec(folder), 400, "codec_not_allowed"),
            (lambda folder: two_tracks(folder), 400, "too_many_streams"),
            (lambda folder: cut(make_sound_file(folder / "a", kind="m4a", seconds=4)), 400, "truncated"),
            (lambda folder: cut(make_sound_file(folder / "a", kind="flac", seconds=4)), 400, "truncated"),
            (lambda folder: written(folder, b"ID3\x04" + bytes(4000)), 400, "damaged"),
            (lambda folder: written(folder, b"OggS" + bytes(4000)), 400, "damaged"),
            (lambda folder: written(folder, b"\x1a\x45\xdf\xa3" + bytes(4000)), 400, "damaged"),
            (lambda folder: written(folder, b"fLaC" + os.urandom(9000)), 400, "damaged"),
            (lambda folder: make_sound_file(folder / "a", kind="wav", rate=8000, seconds=602), 400, "too_long"),
            (lambda folder: make_sound_file(folder / "a", kind="opus", seconds=602, wave=silence), 400, "too_long"),
            (lambda folder: written(folder, bytes(20 * 1024 * 1024 + 1)), 413, "too_large"),
            (lambda folder: written(folder, bytes(20 * 1024 * 1024 + 100_000)), 413, "too_large"),
            (lambda folder: make_sound_file(folder / "a", kind="wav", seconds=0.02), 400, "no_sound"),
        ],
        ids=[
            "text", "playlist", "concat script", "one byte", "video with sound", "video", "foreign codec", "two tracks",
            "m4a cut off", "flac cut off", "mp3 of zeros", "ogg of zeros", "webm of zeros", "flac of noise",
            "long by its header", "long when decoded", "large", "very large", "nearly nothing",
        ],
    )  # fmt: skip
    def test_what_cannot_be_used_is_refused_in_words(
        self, api_client: Any, tmp_path: Path, make: Callable[[Path], Path], status: int, code: str
    ) -> None:
        answer = send(api_client, make(tmp_path), kind="voice", name="in.mp3")

        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.json()
        assert answer["Content-Type"] == "application/problem+json"
        assert "video" not in answer.json()["detail"] or code == "not_only_sound"
        assert len(answer.json()["detail"]) > 20
        assert not Sound.objects.exists()
        assert not list((tmp_path / "var").rglob("*.m4a"))
        assert not list((tmp_path / "var" / "work").glob("*"))

    @pytest.mark.parametrize("form", [{}, {"kind": "voice"}, {"kind": "library"}, {"kind": "noise"}])
    def test_a_form_that_lacks_something_is_refused(self, api_client: Any, form: dict[str, str]) -> None:
        answer = api_client.post(SOUNDS, form, format="multipart")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

    def test_nobody_adds_to_the_library_over_the_api(self, api_client: Any, tmp_path: Path) -> None:
        assert send(api_client, make_sound_file(tmp_path / "in.mp3"), kind="library").status_code == 400

    def test_nobody_adds_one_without_an_account(self, anonymous_client: Any, tmp_path: Path) -> None:
        assert send(anonymous_client, make_sound_file(tmp_path / "in.mp3")).status_code == 401

    def test_nobody_keeps_more_than_allowed(self, api_client: Any, mine: Sound, tmp_path: Path, settings: Any) -> None:
        settings.IMPASTO_OWN_SOUNDS = 1

        answer = send(api_client, make_sound_file(tmp_path / "in.mp3"))

        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_sounds")
        assert len(list(media_path("sounds").iterdir())) == 1

    def test_when_the_row_cannot_be_written_no_file_remains(
        self, api_client: Any, user: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(self: Sound, **_: Any) -> None:
            raise RuntimeError("database is gone")

        monkeypatch.setattr(Sound, "save", refuse)
        with (
            make_sound_file(tmp_path / "in.mp3").open("rb") as file,
            sounds.sound_reading(audio=file, finds_beats=False) as reading,
            pytest.raises(RuntimeError),
        ):
            sounds.sound_create(owner=user, reading=reading, kind="voice", title="x", at=timezone.now())

        assert not list(media_path("sounds").iterdir())

    def test_what_the_reading_process_says_is_not_believed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "facts.json").write_text('{"duration_seconds": 1e9, "peaks": [7], "bpm": null, "beats": []}')
        monkeypatch.setattr(worker, "run_child", lambda *_, **__: None)

        with pytest.raises(bounds.Refusal) as refused:
            read_sound(tmp_path / "in", tmp_path, finds_beats=False, compiled=tmp_path)
        assert refused.value.code == "damaged"

    def test_the_reading_process_stands_behind_the_walls_of_uploads(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("DEBUG", logger="clips.ingest.worker"):
            read_sound(make_sound_file(tmp_path / "in"), tmp_path, finds_beats=False, compiled=tmp_path)

        assert "seccomp" in caplog.text


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    """One that is open for the seconds of reading would hold up everybody else's writing."""

    @pytest.fixture(autouse=True)
    def _seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read = sounds.read_sound

        def watched(*args: Any, **kwargs: Any) -> Any:
            assert not connection.in_atomic_block
            return read(*args, **kwargs)

        monkeypatch.setattr(sounds, "read_sound", watched)

    def test_a_sound_is_read_outside_of_any(self, api_client: Any, tmp_path: Path) -> None:
        form = {"audio": make_sound_file(tmp_path / "in.mp3").open("rb"), "kind": "voice"}
        answer = api_client.post(SOUNDS, form, format="multipart", headers={"Idempotency-Key": "one"})
        form["audio"].close()  # type: ignore[attr-defined]

        assert answer.status_code == 201

    def test_staffs_file_is_read_outside_of_any(self, make_user: Any, client_of: Any, tmp_path: Path) -> None:
        staff = client_of(make_user("root", is_superuser=True, is_staff=True))
        with make_sound_file(tmp_path / "in.mp3").open("rb") as file:
            staff.post("/admin/editor/sound/add/", {"licence": "CC0", "audio": file}, format="multipart")

        assert Sound.objects.get().kind == "library"


class TestFinding:
    @pytest.fixture(autouse=True)
    def _sounds(self, user: Any, other_user: Any, make_sound: Any) -> None:
        make_sound(title="Rain", author="Ada", credit="", moods=",calm,blue,", bpm=80)
        make_sound(title="Storm 100%", author="Bert", credit="", moods=",loud,", bpm=140)
        make_sound(title="Gone", removed_at=timezone.now())
        make_sound(user, title="My song", credit="")
        make_sound(other_user, title="Their song")

    @pytest.mark.parametrize(
        ("query", "titles"),
        [
            ("", {"Rain", "Storm 100%", "My song"}),
            ("kind=library", {"Rain", "Storm 100%"}),
            ("kind=mine", {"My song"}),
            ("mood=calm", {"Rain"}),
            ("mood=Blue", {"Rain"}),
            ("mood=cal", set()),
            ("mood=%", set()),
            ("bpm_min=100", {"Storm 100%"}),
            ("bpm_max=100", {"Rain"}),
            ("bpm_min=70&bpm_max=90", {"Rain"}),
            ("q=rain+ada", {"Rain"}),
            ("q=rain+bert", set()),
            ("q=100%25", {"Storm 100%"}),
            ("q=song", {"My song"}),
            ("kind=library&q=song", set()),
        ],
    )
    def test_sounds_are_found_by(self, api_client: Any, query: str, titles: set[str]) -> None:
        found = api_client.get(f"{SOUNDS}?{query}").json()["results"]

        assert {sound["title"] for sound in found} == titles

    @pytest.mark.parametrize("query", ["kind=all", "bpm_min=fast", "bpm_max=nan", "bpm_min=-1", "q=" + "x" * 200])
    def test_odd_questions_are_refused(self, api_client: Any, query: str) -> None:
        assert api_client.get(f"{SOUNDS}?{query}").status_code == 400

    def test_moods_are_a_list(self, api_client: Any) -> None:
        (rain,) = api_client.get(f"{SOUNDS}?q=rain").json()["results"]

        assert (rain["moods"], rain["mine"]) == (["calm", "blue"], False)

    def test_somebody_elses_sound_is_not_found(self, api_client: Any) -> None:
        for title in ("Their song", "Gone"):
            sound = Sound.objects.get(title=title)
            assert api_client.get(f"{SOUNDS}{sound.pk}/").status_code == 404
            assert api_client.delete(f"{SOUNDS}{sound.pk}/").status_code == 404

    def test_a_track_of_the_library_cannot_be_removed(self, api_client: Any) -> None:
        sound = Sound.objects.get(title="Rain")

        assert api_client.delete(f"{SOUNDS}{sound.pk}/").status_code == 403
        assert api_client.get(f"{SOUNDS}{sound.pk}/").status_code == 200


class TestHearing:
    def test_a_sound_is_served_with_ranges(self, api_client: Any, mine: Sound) -> None:
        url = f"/media/sounds/{mine.pk}/audio.m4a"
        whole = mine.audio_path.read_bytes()

        answer = api_client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (200, "audio/mp4")
        assert (answer["X-Content-Type-Options"], answer["Accept-Ranges"]) == ("nosniff", "bytes")
        assert "private" in answer["Cache-Control"]
        assert body(answer) == whole
        part = api_client.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part["Content-Range"]) == (206, f"bytes 10-19/{len(whole)}")
        assert body(part) == whole[10:20]
        assert api_client.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
        assert api_client.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416

    def test_an_own_sound_is_for_its_owner_and_moderators(
        self, client_of: Any, other_user: Any, moderator: Any, anonymous_client: Any, mine: Sound
    ) -> None:
        url = f"/media/sounds/{mine.pk}/audio.m4a"

        assert client_of(other_user).get(url).status_code == 404
        assert anonymous_client.get(url).status_code == 401
        heard = client_of(moderator).get(url)
        heard.close()
        assert heard.status_code == 200

    def test_the_library_is_for_everybody_signed_in(
        self, client_of: Any, other_user: Any, anonymous_client: Any, mine: Sound
    ) -> None:
        Sound.objects.filter(pk=mine.pk).update(kind="library", owner=None)
        url = f"/media/sounds/{mine.pk}/audio.m4a"

        heard = client_of(other_user).get(url)
        heard.close()
        assert heard.status_code == 200
        assert anonymous_client.get(url).status_code == 401

    def test_a_lost_file_is_not_found(self, api_client: Any, mine: Sound) -> None:
        mine.audio_path.unlink()

        assert api_client.get(f"/media/sounds/{mine.pk}/audio.m4a").status_code == 404

    @pytest.mark.parametrize("name", ["audio.mp3", "../clips", "received"])
    def test_no_other_file_is_served(self, api_client: Any, mine: Sound, name: str) -> None:
        assert api_client.get(f"/media/sounds/{mine.pk}/{name}").status_code == 404


class TestGoing:
    def test_a_removed_sound_is_gone_at_once_and_its_file_with_a_later_sweep(
        self, api_client: Any, mine: Sound
    ) -> None:
        path = mine.audio_path

        assert api_client.delete(f"{SOUNDS}{mine.pk}/").status_code == 204
        assert api_client.get(f"{SOUNDS}?kind=mine").json()["results"] == []
        assert api_client.get(f"/media/sounds/{mine.pk}/audio.m4a").status_code == 404
        sounds.sounds_sweep(timezone.now())
        assert path.exists()
        sounds.sounds_sweep(timezone.now() + timedelta(hours=2))
        assert not path.parent.exists()
        assert not Sound.objects.exists()

    def test_what_was_taken_out_of_the_library_stays_on_the_disk(self, mine: Sound) -> None:
        removed_at = timezone.now() - timedelta(days=9)
        Sound.objects.filter(pk=mine.pk).update(kind="library", owner=None, removed_at=removed_at)

        sounds.sounds_sweep(timezone.now())

        assert mine.audio_path.exists()

    def test_folders_without_a_row_go_when_they_are_old(self, mine: Sound) -> None:
        orphan, fresh = (media_path("sounds", str(uuid.uuid4())) for _ in range(2))
        for folder in (orphan, fresh):
            folder.mkdir()
        long_ago = (timezone.now() - timedelta(days=1)).timestamp()
        for folder in (orphan, mine.audio_path.parent):
            os.utime(folder, (long_ago, long_ago))

        sounds.sounds_sweep(timezone.now())

        assert [orphan.exists(), fresh.exists(), mine.audio_path.exists()] == [False, True, True]


class TestShippedMusic:
    def test_it_is_loaded_once_and_stays_as_it_is(self) -> None:
        call_command("load_music", stdout=io.StringIO())
        first = dict(Sound.objects.values_list("slug", "sha256"))
        said = io.StringIO()

        call_command("load_music", stdout=said)

        assert set(first) == {track.name for track in catalogue.tracks()}
        assert len(first) == 5
        assert dict(Sound.objects.values_list("slug", "sha256")) == first
        assert "0 of them loaded now" in said.getvalue()
        assert all(sound.audio_path.exists() for sound in Sound.objects.all())

    def test_words_that_were_corrected_are_renewed_and_a_lost_file_comes_back(self) -> None:
        track = catalogue.tracks()[-1]
        sound, _ = sounds.track_load(track=track)
        Sound.objects.update(title="Wrong")
        assert sounds.track_load(track=track)[1]
        sound.audio_path.unlink()

        again, was_changed = sounds.track_load(track=track)

        assert (again.pk, again.title, was_changed) == (sound.pk, track.title, True)
        assert again.audio_path.exists()

    def test_every_track_is_free_credited_and_listened_to(self) -> None:
        for track in catalogue.tracks():
            assert track.licence in ("CC0", "Public domain")
            assert track.author
            assert track.author.split()[0] in track.credit or track.licence == "Public domain"
            assert track.file.is_file()
            assert catalogue.rhythm_of(track) is not None, "run: manage.py load_music --listen"
            assert track.moods == sounds.clean_moods(track.moods).strip(",")
        assert {file.stem for file in catalogue.FOLDER.glob("*.ogg")} == {track.name for track in catalogue.tracks()}


class TestStaff:
    @pytest.fixture
    def staff(self, make_user: Any, client_of: Any) -> Any:
        return client_of(make_user("root", is_superuser=True, is_staff=True))

    def test_staff_add_a_track_to_the_library(self, staff: Any, tmp_path: Path) -> None:
        source = make_sound_file(tmp_path / "rain.ogg", kind="ogg", seconds=2)
        form = {"title": "", "author": "Ada", "licence": "CC0", "credit": "Ada (CC0)", "moods": "Calm, Late night"}

        with source.open("rb") as file:
            answer = staff.post("/admin/editor/sound/add/", {**form, "audio": file}, format="multipart")

        assert answer.status_code == 302, answer.content.decode()[-3000:]
        sound = Sound.objects.get()
        assert (sound.kind, sound.title, sound.licence, sound.mood_list) == (
            "library", "rain", "CC0", ["calm", "late-night"],
        )  # fmt: skip
        assert sound.audio_path.exists()

    def test_staff_read_why_a_file_is_refused(self, staff: Any, tmp_path: Path) -> None:
        with written(tmp_path, b"nothing that sounds").open("rb") as file:
            answer = staff.post("/admin/editor/sound/add/", {"licence": "CC0", "audio": file}, format="multipart")

        assert answer.status_code == 200
        assert "This is not a sound" in answer.content.decode()
        assert not Sound.objects.exists()

    def test_staff_correct_a_track_take_it_out_and_put_it_back(self, staff: Any, make_sound: Any) -> None:
        sound = make_sound()
        page, form = f"/admin/editor/sound/{sound.pk}/change/", {"title": "Drizzle", "licence": "CC0", "moods": "wet"}
        assert staff.get(page).status_code == 200

        staff.post(page, {**form, "is_removed": "on"}, format="multipart")
        sound.refresh_from_db()
        assert (sound.title, sound.mood_list, sound.removed_at is not None) == ("Drizzle", ["wet"], True)
        staff.post(page, form, format="multipart")
        sound.refresh_from_db()
        assert sound.removed_at is None

    def test_staff_only_look_at_peoples_own_sounds(self, staff: Any, user: Any, make_sound: Any) -> None:
        own = make_sound(user, title="My diary")

        assert "My diary" in staff.get("/admin/editor/sound/").content.decode()
        assert staff.post(f"/admin/editor/sound/{own.pk}/change/", {"title": "x"}).status_code == 403
        assert staff.post(f"/admin/editor/sound/{own.pk}/delete/", {"post": "yes"}).status_code == 403


def written(folder: Path, content: bytes) -> Path:
    path = folder / "written"
    path.write_bytes(content)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    return path


def foreign_codec(folder: Path) -> Path:
    """Speech of old telephones in a WAV."""
    path = folder / "alaw.wav"
    with av.open(str(path), "w", format="wav") as container:
        stream: Any = container.add_stream("pcm_alaw", rate=8000)
        stream.codec_context.layout = "mono"
        for frame in _frames(8000, 8000, "mono", hum):
            container.mux(stream.encode(av.AudioResampler("s16", "mono", 8000).resample(frame)[0]))
    return path


def two_tracks(folder: Path) -> Path:
    path = folder / "two.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        streams: list[Any] = [container.add_stream("aac", rate=48_000) for _ in range(2)]
        for stream in streams:
            stream.codec_context.layout = "stereo"
        for stream in streams:
            for frame in _frames(48_000, 48_000, "stereo", hum):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path
