"""The reference client of docs/mobile.md: its arithmetic beside the release's, what it refuses, and the whole way."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from mlmodels import signing
from mlmodels.exporting import export
from mlmodels.release import Release
from tests import reference_client
from tests.media import (
    beep,
    beep_time,
    corners,
    flash,
    flash_time,
    frames_of,
    hum,
    make_video,
    moving,
    quarters,
    sound_of,
    turned,
)  # fmt: skip
from tests.reference_client import Answer, Film, NotTrusted, Painter, Refused, Server, Shown
from tests.unit.mlmodels.releases import write_release

ROOT = Path(__file__).resolve().parents[3]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
SEED = bytes(range(32))
KEY = signing.public_key(SEED)
STARRY = "vangogh-starry-night"
START_SECONDS = 120
# Rounding to bytes may fall to either side.
SAME = 1


@pytest.fixture(scope="module")
def release(tmp_path_factory: Any) -> Release:
    return Release(write_release(tmp_path_factory.mktemp("small"), "student"))


@pytest.fixture(scope="module")
def painter(release: Release, tmp_path_factory: Any) -> Painter:
    folder = tmp_path_factory.mktemp("files")
    files = export(release._files[0].parent, "onnx", folder, shapes=["dynamic"])
    manifest = {"norm_widths": release.transform.widths, "picture_size": release.picture_size}
    return Painter(manifest, {file.role: file.path for file in files})


class TestArithmetic:
    """Against the release itself, in torch."""

    @pytest.fixture
    def frames(self) -> list[Any]:
        return list(moving(96, 64, 4))

    @pytest.fixture
    def embeddings(self, release: Release) -> tuple[Any, Any]:
        size = release.embedding_size
        random = np.random.default_rng(7)
        return random.normal(size=size).astype(np.float32), random.normal(size=size).astype(np.float32)

    @pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.5])
    def test_strength_and_style_are_those_of_the_release(
        self, release: Release, painter: Painter, frames: list[Any], embeddings: Any, strength: float
    ) -> None:
        wanted, own = embeddings
        identity = release.blend([(own, 1.0)], own, 0.0)

        painting, _ = painter.paint(frames[0], painter.style(wanted, identity, strength))

        expected = release.paint(frames[0][None], release.blend([(wanted, 1.0)], own, strength))[0]
        assert np.abs(painting.astype(int) - expected).max() <= SAME

    def test_a_scene_locked_to_one_frame_is_the_releases_scene(
        self, release: Release, painter: Painter, frames: list[Any], embeddings: Any
    ) -> None:
        affine = painter.lock(frames[:1], painter.style(embeddings[0]))

        painting = painter.paint_locked(frames[2], affine)

        statistics = release.statistics(frames[0][None], embeddings[0])
        expected = release.paint(frames[2][None], embeddings[0], statistics)[0]
        assert np.abs(painting.astype(int) - expected).max() <= SAME

    def test_a_scene_locked_to_several_frames_is_near_the_releases_scene(
        self, release: Release, painter: Painter, frames: list[Any], embeddings: Any
    ) -> None:
        affine = painter.lock(frames, painter.style(embeddings[0]))

        painting = painter.paint_locked(frames[2], affine)

        # The release measures all frames in one pass; here each has been normalized by itself on the way.
        statistics = release.statistics(np.stack(frames), embeddings[0])
        expected = release.paint(frames[2][None], embeddings[0], statistics)[0]
        assert np.abs(painting.astype(int) - expected).mean() < 2

    def test_a_picture_has_the_embeddings_that_the_release_sees(
        self, release: Release, painter: Painter, frames: list[Any]
    ) -> None:
        own = release.embed(frames[0])
        expected = own, release.blend([(own, 1.0)], own, 0.0)

        # Two libraries scale the picture: not the same numbers, but the same direction.
        for seen, wanted in zip(painter.embed(frames[0]), expected, strict=True):
            assert float(seen @ wanted / np.linalg.norm(seen) / np.linalg.norm(wanted)) > 0.99


class Scripted(Server):
    """A server that answers what it is told."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("http://nowhere")
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        self.asked.append((method, path, headers))
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Answer) else Answer(200, {}, json.dumps(answer).encode())


class TestTrust:
    CONTENT = {"serial": 5, "name": "small-v1", "minimum_client": "0.1.0", "files": []}

    def read(self, folder: Path, **changes: Any) -> Any:
        server = Scripted(signing.signed({**self.CONTENT, **changes}, SEED))
        return reference_client.read_manifest(server, KEY, folder)

    def test_a_genuine_manifest_is_read(self, tmp_path: Path) -> None:
        assert self.read(tmp_path) == self.CONTENT

    def test_one_from_before_is_refused_though_it_is_genuine(self, tmp_path: Path) -> None:
        self.read(tmp_path)

        with pytest.raises(NotTrusted, match="older"):
            self.read(tmp_path, serial=4)

        assert self.read(tmp_path) == self.CONTENT
        assert self.read(tmp_path, serial=6)["serial"] == 6

    @pytest.mark.parametrize(
        "manifest",
        [
            {**signing.signed(CONTENT, SEED), "name": "other"},
            signing.signed(CONTENT, bytes(32)),
            signing.signed({**CONTENT, "minimum_client": "9.0.0"}, SEED),
        ],
        ids=["changed", "another key", "too new"],
    )
    def test_another_one_is_refused(self, tmp_path: Path, manifest: Any) -> None:
        with pytest.raises(NotTrusted):
            reference_client.read_manifest(Scripted(manifest), KEY, tmp_path)

    def row(self, content: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(content).hexdigest()
        return {"url": f"/models/{sha256}/x.onnx", "sha256": sha256, "bytes": len(content)}

    def place_of(self, folder: Path, content: bytes) -> Path:
        place = folder / "networks" / hashlib.sha256(content).hexdigest()
        place.mkdir(parents=True)
        return place

    def test_a_download_that_was_cut_off_goes_on_where_it_was(self, tmp_path: Path) -> None:
        (self.place_of(tmp_path, b"first second") / "x.onnx.part").write_bytes(b"first ")
        server = Scripted(Answer(206, {}, b"second"))

        path = reference_client.download(server, self.row(b"first second"), tmp_path)

        assert path.read_bytes() == b"first second"
        assert server.asked[0][2] == {"Range": "bytes=6-"}

    def test_a_server_that_begins_anew_is_understood(self, tmp_path: Path) -> None:
        (self.place_of(tmp_path, b"first second") / "x.onnx.part").write_bytes(b"first ")

        path = reference_client.download(
            Scripted(Answer(200, {}, b"first second")), self.row(b"first second"), tmp_path
        )

        assert path.read_bytes() == b"first second"

    def test_what_is_here_is_not_fetched_again(self, tmp_path: Path) -> None:
        path = self.place_of(tmp_path, b"whole") / "x.onnx"
        path.write_bytes(b"whole")

        assert reference_client.download(Scripted(), self.row(b"whole"), tmp_path) == path

    def test_what_was_damaged_here_is_fetched_again(self, tmp_path: Path) -> None:
        (self.place_of(tmp_path, b"whole") / "x.onnx").write_bytes(b"whol?")

        path = reference_client.download(Scripted(Answer(206, {}, b"whole")), self.row(b"whole"), tmp_path)

        assert path.read_bytes() == b"whole"

    def test_damaged_bytes_are_refused_and_thrown_away(self, tmp_path: Path) -> None:
        with pytest.raises(NotTrusted):
            reference_client.download(Scripted(Answer(206, {}, b"damaged")), self.row(b"genuine"), tmp_path)

        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_a_release_whose_files_have_the_same_names_takes_nothing_from_the_one_before(self, tmp_path: Path) -> None:
        (self.place_of(tmp_path, b"one that was cut off") / "x.onnx.part").write_bytes(b"one that")
        old = reference_client.download(Scripted(Answer(206, {}, b"old")), self.row(b"old"), tmp_path)
        server = Scripted(Answer(206, {}, b"new"))

        new = reference_client.download(server, self.row(b"new"), tmp_path)

        assert server.asked[0][2] == {"Range": "bytes=0-"}
        assert (old.name, old.read_bytes(), new.read_bytes()) == (new.name, b"old", b"new")
        reference_client.tidy({"files": [self.row(b"new")]}, tmp_path)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [new]

    def test_a_failed_job_is_an_error_with_its_reason(self) -> None:
        job = {"state": "failed", "error": {"code": "no_video", "detail": "There is no picture in it."}}

        with pytest.raises(Refused, match="no picture"):
            reference_client.follow(Scripted(job), "1")


class TestFilms:
    """A painted film has the moments, the sound and the way up of the one it was painted from."""

    def through(self, source: Path) -> Path:
        film = Film(source)
        return reference_client.encode(source.with_name("out.mp4"), film.frames(), film.rate, sound_of=film)

    @pytest.mark.parametrize("rate", [Fraction(30), Fraction(24000, 1001), Fraction(60)])
    def test_frames_stay_at_their_moments(self, tmp_path: Path, rate: Fraction) -> None:
        source = make_video(tmp_path / "in.mp4", moving(count=30), rate=rate)

        out = self.through(source)

        assert times_of(out) == pytest.approx(times_of(source), abs=1e-4)
        assert seconds_of(out) == pytest.approx(float(30 / rate), abs=1e-3)

    def test_frames_of_a_phone_that_keeps_no_even_pace_stay_at_their_moments(self, tmp_path: Path) -> None:
        starts = [0, 33, 70, 100, 180, 210, 300, 333]
        source = make_video(
            tmp_path / "in.mp4", moving(count=8), rate=30, starts=starts, time_base=Fraction(1, 1000)
        )  # fmt: skip

        out = self.through(source)

        assert times_of(out) == pytest.approx([start / 1000 for start in starts], abs=1e-3)

    def test_the_sound_is_copied(self, tmp_path: Path) -> None:
        source = make_video(tmp_path / "in.mp4", moving(count=45), rate=30, sound=hum)

        out = self.through(source)

        (wanted, rate), (heard, out_rate) = sound_of(source), sound_of(out)
        assert rate == out_rate
        np.testing.assert_array_equal(heard, wanted)

    @pytest.mark.parametrize(
        ("name", "how"),
        [
            ("in.mp4", {}),
            ("in.mkv", {"audio_codec": "libopus"}),
            ("in.mov", {"audio_codec": "pcm_s16le", "layout": "mono", "sample_rate": 44_100}),
            ("in.ts", {}),
        ],
        ids=["copied", "Opus", "uncompressed", "a stream that starts late"],
    )
    def test_picture_and_sound_stay_together(self, tmp_path: Path, name: str, how: Any) -> None:
        source = make_video(tmp_path / name, flash(0.8, 30), rate=30, sound=beep(0.8), **how)

        out = self.through(source)

        assert flash_time(out) == pytest.approx(0.8, abs=0.001)
        assert beep_time(out) == pytest.approx(0.8, abs=0.03)

    @pytest.mark.parametrize("degrees", [0, 90, 180, 270])
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_it_is_upright(self, tmp_path: Path, degrees: int, mirrored: bool) -> None:
        lying = make_video(tmp_path / "lying.mp4", quarters(64, 48, 5))
        source = turned(tmp_path / "in.mp4", lying, degrees=degrees, mirrored=mirrored)

        _, seen = frames_of(self.through(source))[0]

        upright = np.rot90([["red", "green"], ["blue", "grey"]], -degrees // 90)
        assert seen.shape == ((64, 48, 3) if degrees in (90, 270) else (48, 64, 3))
        assert corners(seen) == (upright[:, ::-1] if mirrored else upright).flatten().tolist()

    def test_colours_stay_and_the_film_says_how_they_are_meant(self, tmp_path: Path) -> None:
        source = make_video(tmp_path / "in.mp4", quarters(count=2))

        out = self.through(source)

        (_, before), (_, after) = frames_of(source)[0], frames_of(out)[0]
        assert np.abs(before.astype(int) - after).mean() < 2
        with av.open(str(out)) as film:
            frame = next(film.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (Colorspace.ITU709.value, ColorRange.MPEG.value)

    def test_a_film_without_sound_stays_without(self, tmp_path: Path) -> None:
        out = self.through(make_video(tmp_path / "in.mp4", moving(count=5)))

        with av.open(str(out)) as film:
            assert not film.streams.audio

    def test_painted_it_is_the_same_film(self, painter: Painter, tmp_path: Path) -> None:
        lying = make_video(tmp_path / "lying.mp4", moving(96, 64, 12), rate=30, sound=hum)
        film = Film(turned(tmp_path / "in.mp4", lying, degrees=90))
        embedding = np.random.default_rng(7).normal(size=8).astype(np.float32)

        out = reference_client.paint_film(painter, film, tmp_path / "out.mp4", embedding)

        assert times_of(out) == pytest.approx([index / 30 for index in range(12)], abs=1e-4)
        np.testing.assert_array_equal(sound_of(out)[0], sound_of(film.path)[0])
        assert {picture.shape for _, picture in frames_of(out)} == {(96, 64, 3)}

    @pytest.mark.parametrize("count", [1, 5, 6, 7, 40])
    def test_some_frames_are_from_all_through_the_film(self, tmp_path: Path, count: int) -> None:
        film = Film(make_video(tmp_path / "in.mp4", moving(count=count)))

        assert min(count, 6) <= len(film.some(6)) <= 11


@pytest.fixture(scope="module")
def live(tmp_path_factory: Any) -> Iterator[SimpleNamespace]:
    """A real site with its workers, presets and networks."""
    var = tmp_path_factory.mktemp("live") / "var"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ, "IMPASTO_VAR": str(var), "PORT": str(port), "IMPASTO_CHANNEL_LAYER": "valkey",
        "IMPASTO_MODEL_SIGNING_KEY": base64.b64encode(SEED).decode(),
    }  # fmt: skip
    for command in ("migrate", "load_presets", "publish_models"):
        subprocess.run([*MANAGE, command, "-v0"], env=environment, check=True, timeout=300, capture_output=True)
    log = var / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*MANAGE, "serve"], env=environment, stdout=output, stderr=output)
    site = SimpleNamespace(address=f"http://127.0.0.1:{port}", process=process, log=log)
    try:
        _wait_until_ready(site)
        yield site
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(site: SimpleNamespace) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert site.process.poll() is None, site.log.read_text()
        try:
            with urllib.request.urlopen(f"{site.address}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(site.log.read_text())


@pytest.fixture(scope="module")
def person(live: SimpleNamespace) -> Server:
    server = Server(live.address)
    server.sign_up("anna", "anna@example.org", "a long pass phrase 7")
    return server


@pytest.mark.live
class TestLive:
    def test_an_app_walks_the_whole_way_and_what_is_shown_is_what_it_painted(
        self, live: SimpleNamespace, person: Server, tmp_path: Path
    ) -> None:
        raw = list(moving(320, 240, 20))
        manifest, painter = reference_client.prepare_painter(person, KEY, tmp_path)
        assert {file["precision"] for file in manifest["files"]} == {"int8"}
        style = painter.style(
            reference_client.preset_embedding(person, manifest, STARRY), painter.embed(raw[0])[1], strength=1.0
        )
        affine = painter.lock(raw[::5], style)
        painted = [painter.paint_locked(frame, affine) for frame in raw]

        film = reference_client.encode(tmp_path / "painted.mp4", timed(painted), Fraction(25))
        job = reference_client.follow(person, reference_client.upload(person, film, "From my phone"))
        post = reference_client.publish(person, job["result"]["clip_id"], "On my own device #mobile")

        shown = Server(live.address)  # somebody else, who is not logged in
        seen = shown.call("GET", f"/api/v1/posts/{post['id']}/").json
        assert (seen["caption"], seen["hashtags"]) == ("On my own device #mobile", ["mobile"])
        (tmp_path / "seen.mp4").write_bytes(shown.call("GET", seen["clip"]["video_url"]).body)
        frames = [picture for _, picture in frames_of(tmp_path / "seen.mp4")]
        assert len(frames) == len(raw)
        for arrived, expected, camera in zip(frames, painted, raw, strict=True):
            # Encoded twice: a painting stays itself; what the camera saw is far away.
            assert psnr(arrived, expected) > 25
            assert psnr(arrived, camera) < 18

    def test_a_large_film_goes_up_in_pieces(
        self, person: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reference_client, "PIECE", 512)
        film = reference_client.encode(tmp_path / "film.mp4", timed(moving(96, 64, 10)), Fraction(25))
        assert film.stat().st_size > 3 * 512

        job = reference_client.follow(person, reference_client.upload(person, film, "In pieces"))

        clip = person.call("GET", f"/api/v1/clips/{job['result']['clip_id']}/").json
        assert (clip["title"], clip["frame_count"]) == ("In pieces", 10)

    def test_a_film_that_is_none_is_refused_with_a_reason(self, person: Server, tmp_path: Path) -> None:
        (tmp_path / "film.mp4").write_bytes(b"no film at all" * 100)

        with pytest.raises(Refused) as refusal:
            reference_client.follow(person, reference_client.upload(person, tmp_path / "film.mp4", "None"))

        assert refusal.value.problem["detail"]

    def test_the_wrong_password_is_refused(self, live: SimpleNamespace, person: Server) -> None:
        with pytest.raises(Refused) as refusal:
            Server(live.address).log_in("anna", "wrong")

        assert refusal.value.status == 400

    def test_logging_in_again_gives_a_session(self, live: SimpleNamespace, person: Server) -> None:
        again = Server(live.address)
        again.log_in("anna", "a long pass phrase 7")

        assert again.call("GET", "/api/v1/me/").json["username"] == "anna"

    def test_nobody_uploads_without_a_session(self, live: SimpleNamespace, tmp_path: Path) -> None:
        (tmp_path / "film.mp4").write_bytes(b"x")

        with pytest.raises(Refused) as refusal:
            reference_client.upload(Server(live.address), tmp_path / "film.mp4", "")

        assert refusal.value.status == 401


def psnr(one: Any, other: Any) -> float:
    error = np.mean(np.square(one.astype(float) - other.astype(float)))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def timed(pictures: Iterable[Any], rate: int = 25) -> Iterator[Shown]:
    return (Shown(picture, Fraction(index, rate)) for index, picture in enumerate(pictures))


def times_of(path: Path) -> list[float]:
    return [at for at, _ in frames_of(path)]


def seconds_of(path: Path) -> float:
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        return float((stream.duration or 0) * (stream.time_base or 0))
