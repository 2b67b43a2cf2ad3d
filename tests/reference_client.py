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
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Vector = NDArray[np.float32]
VERSION = (0, 1, 0)  # of this client
NETWORKS = "networks"  # the folder of all files, each in one that is named by its checksum
EPSILON = np.float32(1e-5)
PIECE = 1024 * 1024
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


def decode(path: Path) -> Iterator[Picture]:
    """Yield the frames of a film, cropped to sides that the networks take."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            picture = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
            yield picture[: picture.shape[0] // 8 * 8, : picture.shape[1] // 8 * 8]


def encode(path: Path, frames: Iterable[Picture], rate: int) -> Path:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as film:
        stream: Any = film.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "16"})
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(frames):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        film.mux(stream.encode(None))
    return path


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
    frames = list(decode(chosen.film))
    _, identity = painter.embed(frames[0])
    style = painter.style(preset_embedding(server, manifest, chosen.style), identity, chosen.strength)
    affine = painter.lock(frames[:: max(1, len(frames) // 6)], style)
    painted = encode(chosen.folder / "painted.mp4", (painter.paint_locked(frame, affine) for frame in frames), 25)
    job = follow(server, upload(server, painted, chosen.film.stem))
    post = publish(server, job["result"]["clip_id"], "Painted on my own device")
    print(f"{chosen.server}/p/{post['id']}")  # noqa: T201


if __name__ == "__main__":
    main()
