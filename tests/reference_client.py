"""
What an app does, from log-in to post, in one small file: docs/mobile.md in Python.

Frames are RGB uint8 (H, W, 3), both sides multiples of 8. The networks run here, on the device; the server only ever
sees the painted film.

    python tests/reference_client.py http://127.0.0.1:8000 film.mp4 --style vangogh-starry-night --user anna
"""

import argparse
import base64
import getpass
import hashlib
import heapq
import json
import shutil
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime
from av.sidedata.sidedata import Type as SideDataType
from av.video.reformatter import ColorRange, Colorspace
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]
VERSION = (0, 1, 0)  # of this client
NETWORKS = "networks"  # the folder of all files, each in one that is named by its checksum
EPSILON = np.float32(1e-5)
PIECE = 1024 * 1024
TICKS = 90_000  # a second: whole numbers of them for every usual frame rate
COPIED = ("aac", "mp3", "ac3", "eac3", "alac")  # sounds that MP4 holds and players play in it
TUS = {"Tus-Resumable": "1.0.0"}
ENDED = ("succeeded", "failed", "cancelled")


class Refused(Exception):
    """The server said no: `problem` is its `application/problem+json`."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")


class NotTrusted(Exception):
    """A manifest or a file is not what this server's key stands for, is from before, or needs a newer client."""


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """One server, and the session of one person."""

    def __init__(self, address: str) -> None:
        self.address, self.token = address.rstrip("/"), ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """:raises Refused: for an answer of 400 and above"""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            named["X-Session-Token"] = self.token
        if body is not None and not isinstance(body, bytes):
            body, named["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.address + path, data=body, headers=named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                raise Refused(refused.code, _problem(refused.read())) from None

    def sign_up(self, username: str, email: str, password: str) -> None:
        wish = {"username": username, "email": email, "password": password}
        self.token = self.call("POST", "/_allauth/app/v1/auth/signup", wish).json["meta"]["session_token"]

    def log_in(self, username: str, password: str) -> None:
        wish = {"username": username, "password": password}
        self.token = self.call("POST", "/_allauth/app/v1/auth/login", wish).json["meta"]["session_token"]


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) else {"detail": str(found)}
    except ValueError:
        return {"detail": body.decode(errors="replace")}


# The networks: which there are, whether they are genuine, and the bytes.


def read_manifest(server: Server, public_key: bytes, folder: Path, platform: str = "desktop") -> dict[str, Any]:
    """
    Return the newest release in ONNX, and remember in the folder that this one was seen.

    :raises NotTrusted: another key signed it, it was changed on the way, it is older than what was seen here, or this
        client is too old for it
    """
    query = urllib.parse.urlencode({"format": "onnx", "platform": platform})
    manifest: dict[str, Any] = server.call("GET", f"/api/v1/model-releases/?{query}").json
    signature = manifest.pop("signature")
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(base64.b64decode(signature["value"]), canonical)
    except InvalidSignature:
        raise NotTrusted("The manifest is not signed with the key this client knows.") from None
    _remember(manifest["serial"], folder / "manifest.serial")
    if tuple(int(part) for part in manifest["minimum_client"].split(".")) > VERSION:
        raise NotTrusted("This client is too old for these networks.")
    return manifest


def _remember(serial: int, seen: Path) -> None:
    """:raises NotTrusted: a later one was seen: this manifest is genuine, and somebody sends it again"""
    if seen.exists() and serial < int(seen.read_text()):
        raise NotTrusted("The manifest is older than one that this client has seen.")
    seen.write_text(str(serial))


def file_for(manifest: dict[str, Any], role: str, shape: str = "dynamic") -> dict[str, Any]:
    """Return the row of a role; predictor and readout come in one shape only."""
    rows = [row for row in manifest["files"] if row["role"] == role]
    return next(row for row in rows if len(rows) == 1 or row["shape"] == shape)


def download(server: Server, row: dict[str, Any], folder: Path) -> Path:
    """
    Fetch a file, or the rest of one whose download was cut off; what is here and is what it should be stays.

    It lies under its checksum: its name comes again with every release.

    :raises NotTrusted: its checksum is another one than the manifest's
    """
    path = folder / NETWORKS / row["sha256"] / row["url"].rsplit("/", 1)[1]
    part = path.with_name(f"{path.name}.part")
    if path.exists() and _sha256(path) == row["sha256"]:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    done = part.stat().st_size if part.exists() else 0
    if done < row["bytes"]:
        answer = server.call("GET", row["url"], Range=f"bytes={done}-")
        with part.open("ab" if answer.status == 206 else "wb") as file:
            file.write(answer.body)
    if _sha256(part) != row["sha256"]:
        part.unlink()
        raise NotTrusted(f"{path.name} is damaged.")
    return part.replace(path)


def tidy(manifest: dict[str, Any], folder: Path) -> None:
    """Throw away what the manifest does not name: the files of releases before."""
    named = {row["sha256"] for row in manifest["files"]}
    for place in (folder / NETWORKS).iterdir():
        if place.name not in named:
            shutil.rmtree(place)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def preset_embedding(server: Server, manifest: dict[str, Any], slug: str) -> Vector:
    """Return what this release's predictor says of a preset: no need to run it for those."""
    answer = server.call("GET", f"/api/v1/style-embeddings/?model={manifest['model_sha256']}").json
    return np.array(next(style["values"] for style in answer["styles"] if style["slug"] == slug), np.float32)


class Painter:
    """The networks of a release, run by ONNX Runtime on this device."""

    def __init__(self, manifest: dict[str, Any], files: dict[str, Path]) -> None:
        self.widths: list[int] = manifest["norm_widths"]
        self.side: int = manifest["picture_size"]
        self._sessions = {
            role: onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            for role, path in files.items()
        }

    def embed(self, picture: Picture) -> tuple[Vector, Vector]:
        """
        Return the embedding (E,) of a picture and the one that paints it as it is.

        The predictor takes its middle square, scaled.
        """
        side = min(picture.shape[:2])
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        square = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[top : top + side, left : left + side]))
        scaled = square.reformat(self.side, self.side, interpolation="BICUBIC").to_ndarray(format="rgb24")
        embedding, identity = self._run("predictor", picture=_floats(scaled.astype(np.uint8)))
        return embedding[0], identity[0]

    def style(self, embedding: Vector, identity: Vector | None = None, strength: float = 1.0) -> Vector:
        """Return the rows that the transform networks take; strength goes from the film as it is to the style."""
        reach = np.float32(min(strength, (1 + strength) / 2))
        wanted = embedding if identity is None else identity + reach * (embedding - identity)
        return self._run("readout", embedding=wanted[None])[0][0]

    def paint(self, frame: Picture, style: Vector) -> tuple[Picture, Vector]:
        """Return the painting and the statistics of its norm layers."""
        painting, statistics = self._run("transform", frame=_floats(frame), style=style[None])
        return _bytes(painting), statistics[0]

    def lock(self, frames: Iterable[Picture], style: Vector) -> Vector:
        """Return the scales and shifts that hold for a whole scene, measured over some of its frames."""
        rows = [self._by_layer(self.paint(frame, style)[1]) for frame in frames]
        affine: list[Vector] = []
        for layer, (delta, beta) in enumerate(self._by_layer(style)):
            means = np.stack([row[layer][0] for row in rows])
            variances = np.stack([row[layer][1] for row in rows])
            mean = means.mean(0)
            variance = (variances + np.square(means - mean)).mean(0)  # within the frames, and between them
            scale = (1 + delta) / np.sqrt(variance + EPSILON)
            affine += [scale, beta - mean * scale]
        return np.concatenate(affine).astype(np.float32)

    def paint_locked(self, frame: Picture, affine: Vector) -> Picture:
        return _bytes(self._run("transform-locked", frame=_floats(frame), affine=affine[None])[0])

    def _by_layer(self, row: Vector) -> list[tuple[Vector, Vector]]:
        """Split a row of 2ΣK numbers: for each norm layer K of the one kind, then K of the other."""
        ends = list(accumulate(2 * width for width in self.widths))
        parts = np.split(row, ends[:-1])
        return [(part[:width], part[width:]) for part, width in zip(parts, self.widths, strict=True)]

    def _run(self, role: str, **inputs: NDArray[np.float32]) -> list[Vector]:
        given = {name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()}
        return list(self._sessions[role].run(None, given))


def _floats(picture: Picture) -> NDArray[np.float32]:
    return (picture.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)[None]


def _bytes(painting: NDArray[np.float32]) -> Picture:
    return (painting[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)


# Films.


@dataclass(frozen=True)
class Shown:
    """A frame, and when it is shown: in seconds from the film's first one."""

    picture: Picture
    at: Fraction


class Film:
    """
    A film on this device, upright whichever way the phone was held. Every call of `frames` decodes it anew: no phone
    holds all of it in memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with av.open(str(path)) as film:
            stream = film.streams.video[0]
            self.rate = Fraction(stream.average_rate or 25)
            self.starts_at = Fraction((stream.start_time or 0) * (stream.time_base or 0))
            seconds = Fraction(film.duration or 0, av.time_base)
            self.frame_count = stream.frames or max(1, round(seconds * self.rate))

    def frames(self) -> Iterator[Shown]:
        """Yield all frames, cropped to sides that the networks take, at times that only grow."""
        turn: Turn | None = None
        last = -1 / self.rate
        with av.open(str(self.path)) as film:
            for frame in film.decode(video=0):
                turn = turn or Turn.of(frame)
                at = last + 1 / self.rate if frame.pts is None else _seconds(frame) - self.starts_at
                if at > last:
                    last = at
                    yield Shown(_cropped(turn.apply(_rgb(frame))), at)

    def some(self, count: int) -> list[Picture]:
        """Return about as many frames from all through the film."""
        step = max(1, self.frame_count // count)
        return [shown.picture for shown in islice(self.frames(), 0, None, step)]


@dataclass(frozen=True)
class Turn:
    """How a picture must be laid down to stand upright: the film's display matrix, reduced to its eight cases."""

    transposed: bool = False
    flipped_across: bool = False
    flipped_down: bool = False

    @staticmethod
    def of(frame: av.VideoFrame) -> "Turn":
        attached: Any = frame.side_data
        matrix = attached.get(SideDataType.DISPLAYMATRIX)
        if matrix is None:
            return Turn()
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])  # x' = a·x + c·y, y' = b·x + d·y
        return Turn(False, a < 0, d < 0) if abs(a) + abs(d) >= abs(b) + abs(c) else Turn(True, c < 0, b < 0)

    def apply(self, picture: Picture) -> Picture:
        upright = picture.swapaxes(0, 1) if self.transposed else picture
        return upright[:: -1 if self.flipped_down else 1, :: -1 if self.flipped_across else 1]


def encode(path: Path, frames: Iterable[Shown], rate: Fraction, *, sound_of: Film | None = None) -> Path:
    """
    Write painted frames, each at its moment, with the sound of the film that they were painted from.

    :param rate: frames a second, about
    """
    with ExitStack() as opened:
        film = opened.enter_context(av.open(str(path), "w", options={"movflags": "faststart"}))
        stream: Any = film.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "16"})
        context = stream.codec_context
        context.pix_fmt, context.time_base = "yuv420p", Fraction(1, TICKS)
        # Where a film is silent players guess by its size.
        context.color_primaries = context.color_trc = context.colorspace = Colorspace.ITU709.value
        context.color_range = ColorRange.MPEG.value
        parts = [_pictures(stream, frames)]
        if sound_of is not None:
            source: Any = opened.enter_context(av.open(str(sound_of.path)))
            known = [voice for voice in source.streams.audio if voice.codec_context]  # phones add spatial ones
            parts += [_sound(film, source, voice, sound_of.starts_at) for voice in known[:1]]
        for packet in heapq.merge(*parts, key=lambda packet: packet.dts * packet.time_base):
            film.mux(packet)
    return path


def _pictures(stream: Any, frames: Iterable[Shown]) -> Iterator[Any]:
    for shown in frames:
        if not stream.codec_context.is_open:
            stream.height, stream.width = shown.picture.shape[:2]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown.picture), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG,
        )  # fmt: skip
        frame.pts, frame.time_base = round(shown.at * TICKS), Fraction(1, TICKS)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound(film: Any, source: Any, voice: Any, starts_at: Fraction) -> Iterator[Any]:
    """Add a stream to the painted film and return its packets: copied where MP4 holds them, else as AAC."""
    if voice.codec_context.name in COPIED and (voice.codec_context.name != "aac" or voice.codec_context.extradata):
        return _copied(source, voice, film.add_stream_from_template(voice), starts_at)
    return _as_aac(source, voice, film.add_stream("aac", rate=48000, layout="stereo"), starts_at)


def _copied(source: Any, voice: Any, out: Any, starts_at: Fraction) -> Iterator[Any]:
    shift = round(starts_at / voice.time_base)
    for packet in source.demux(voice):
        if packet.dts is not None:
            packet.dts, packet.pts = packet.dts - shift, (packet.dts if packet.pts is None else packet.pts) - shift
            packet.stream = out
            yield packet


def _as_aac(source: Any, voice: Any, out: Any, starts_at: Fraction) -> Iterator[Any]:
    for frame in source.decode(voice):
        if frame.pts is not None:
            frame.pts -= round(starts_at / frame.time_base)
        yield from out.encode(frame)
    yield from out.encode(None)


def _seconds(frame: Any) -> Fraction:
    return Fraction(frame.pts * frame.time_base)


def _rgb(frame: av.VideoFrame) -> Picture:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _cropped(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[: picture.shape[0] // 8 * 8, : picture.shape[1] // 8 * 8])


# Upload, job, post.


def upload(server: Server, path: Path, title: str) -> str:
    """Send a film piece by piece (tus 1.0); what arrived stays when the connection is lost. Returns the ingest job."""
    length = path.stat().st_size
    said = ",".join(f"{name} {_base64(text.encode())}" for name, text in [("filename", path.name), ("title", title)])
    made = server.call("POST", "/api/v1/uploads/", Upload_Length=str(length), Upload_Metadata=said, **_tus())
    place = made.headers["Location"]
    with path.open("rb") as film:
        while True:
            known = server.call("HEAD", place, **_tus()).headers
            if job := known["Impasto-Job"]:  # all of it has arrived
                return str(job)
            offset = int(known["Upload-Offset"])
            film.seek(offset)
            piece = film.read(PIECE)
            server.call(
                "PATCH", place, piece, Content_Type="application/offset+octet-stream", Upload_Offset=str(offset),
                Upload_Checksum=f"sha256 {_base64(hashlib.sha256(piece).digest())}", **_tus(),
            )  # fmt: skip


def follow(server: Server, job_id: str, seconds: float = 120) -> dict[str, Any]:
    """Poll until a job has ended; apps listen at the socket too, and poll slowly. Returns the job that succeeded."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job: dict[str, Any] = server.call("GET", f"/api/v1/jobs/{job_id}/").json
        if job["state"] in ENDED:
            if job["state"] != "succeeded":
                raise Refused(409, job["error"] or {"code": job["state"]})
            return job
        time.sleep(0.5)
    raise TimeoutError(f"The job was not done after {seconds} s.")


def publish(server: Server, clip_id: str, caption: str) -> dict[str, Any]:
    """Publish a clip; the key makes a second try harmless when the answer to the first was lost."""
    wish = {"clip_id": clip_id, "caption": caption, "show_original": False}
    post: dict[str, Any] = server.call("POST", "/api/v1/posts/", wish, Idempotency_Key=uuid.uuid4().hex).json
    return post


def _tus() -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in TUS.items()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def prepare_painter(server: Server, public_key: bytes, folder: Path) -> tuple[dict[str, Any], Painter]:
    """Bring the networks here and open them; returns the manifest too."""
    manifest = read_manifest(server, public_key, folder)
    roles = ("predictor", "readout", "transform", "transform-locked")
    painter = Painter(manifest, {role: download(server, file_for(manifest, role), folder) for role in roles})
    tidy(manifest, folder)
    return manifest, painter


def paint_film(painter: Painter, film: Film, path: Path, embedding: Vector, strength: float = 1.0) -> Path:
    """Paint a film of one scene into another file: the same moments, the same sound."""
    seen = film.some(6)
    style = painter.style(embedding, painter.embed(seen[0])[1], strength)
    affine = painter.lock(seen, style)
    painted = (Shown(painter.paint_locked(shown.picture, affine), shown.at) for shown in film.frames())
    return encode(path, painted, film.rate, sound_of=film)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server")
    parser.add_argument("film", type=Path)
    parser.add_argument("--style", default="vangogh-starry-night")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--user", required=True)
    parser.add_argument("--key", help="public key of the server (base64); asked of the server if it is not known")
    parser.add_argument("--folder", type=Path, default=Path(), help="where networks and the painted film go")
    chosen = parser.parse_args()

    server = Server(chosen.server)
    server.log_in(chosen.user, getpass.getpass())
    key = chosen.key or server.call("GET", "/api/v1/model-releases/key/").json["public_key"]
    manifest, painter = prepare_painter(server, base64.b64decode(key), chosen.folder)
    embedding = preset_embedding(server, manifest, chosen.style)
    painted = paint_film(painter, Film(chosen.film), chosen.folder / "painted.mp4", embedding, chosen.strength)
    job = follow(server, upload(server, painted, chosen.film.stem))
    post = publish(server, job["result"]["clip_id"], "Painted on my own device")
    print(f"{chosen.server}/p/{post['id']}")  # noqa: T201


if __name__ == "__main__":
    main()
