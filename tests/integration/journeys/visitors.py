"""People who use nothing but HTTP and the socket, as a browser, an app and a moderator do."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from rest_framework.test import APIClient

from jobs.models import Job
from jobs.runner import job_run_here
from tests.conftest import PASSWORD
from website.sockets import websocket_application

API = "/api/v1"
TUS = {"Tus-Resumable": "1.0.0"}
NOBODY = 4401


class Visitor:
    """Somebody without an account, until they sign up."""

    def __init__(self) -> None:
        self.http: Any = APIClient(enforce_csrf_checks=True)

    def sign_up(self, username: str) -> None:
        raise NotImplementedError

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(_address(path), query)

    def listed(self, path: str, **query: Any) -> list[Any]:
        results: list[Any] = self.get(path, **query).json()["results"]
        return results

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.generic(
            method, _address(path), _encoded(body), "application/json", headers={**self._proof(), **named}
        )

    def fetched(self, path: str) -> int:
        """The status of a media file; what is served is served whole."""
        answer = self.get(path)
        if answer.status_code == 200:
            assert len(b"".join(answer.streaming_content)) == int(answer["Content-Length"])
        return int(answer.status_code)

    def upload(self, path: Path, *, title: str) -> str:
        """Send a file in two pieces, over a connection that is cut in between. Returns the id of the ingest job."""
        data = path.read_bytes()
        said = ",".join(
            f"{name} {_base64(text.encode())}" for name, text in [("filename", path.name), ("title", title)]
        )
        place = self._tus("POST", f"{API}/uploads/", Upload_Length=str(len(data)), Upload_Metadata=said)["Location"]
        half = len(data) // 2
        self._piece(place, data[:half], 0)
        offset = int(self._tus("HEAD", place)["Upload-Offset"])
        done = self._piece(place, data[offset:], offset)
        return str(done["Impasto-Job"])

    def work_done(self, job_id: str) -> dict[str, Any]:
        """Let a worker do the job; what the API says of it then."""
        job_run_here(job=Job.objects.get(pk=job_id))
        job: dict[str, Any] = self.get(f"/jobs/{job_id}/").json()
        assert job["state"] == "succeeded", job["error"]
        return job

    def socket_snapshot(self) -> list[dict[str, Any]] | int:
        """What the socket says first, or the code it closes with."""
        return async_to_sync(_first_word)(self._socket_path(), self._socket_headers())

    def _piece(self, place: str, data: bytes, offset: int) -> Any:
        checksum = f"sha256 {_base64(hashlib.sha256(data).digest())}"
        return self._tus("PATCH", place, data, Upload_Offset=str(offset), Upload_Checksum=checksum)

    def _tus(self, method: str, place: str, data: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "application/offset+octet-stream" if method == "PATCH" else ""
        answer = self.http.generic(method, place, data, kind, headers={**self._proof(), **TUS, **named})
        assert answer.status_code < 300, answer.content
        return answer

    def _proof(self) -> dict[str, str]:
        return {}

    def _socket_path(self) -> str:
        return "/ws/jobs/"

    def _socket_headers(self) -> dict[str, str]:
        return {"host": "testserver"}


class Browser(Visitor):
    """Shows a session cookie, and a CSRF token with everything that changes something."""

    def sign_up(self, username: str) -> None:
        self.http.get("/", headers={"accept": "text/html"})
        answer = self.ask("POST", "/_allauth/browser/v1/auth/signup", _details(username))
        assert answer.status_code == 200, answer.content

    def log_in(self, username: str) -> None:
        self.http.get("/", headers={"accept": "text/html"})
        answer = self.ask("POST", "/_allauth/browser/v1/auth/login", {"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.content

    def submit(self, path: str, **fields: str) -> Any:
        """Send a form of the admin, as its page does."""
        return self.http.post(path, fields, format="multipart", headers=self._proof(), follow=True)

    def _proof(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies["csrftoken"].value, "Referer": "http://testserver/"}

    def _socket_headers(self) -> dict[str, str]:
        cookie = f"sessionid={self.http.cookies['sessionid'].value}"
        return {"host": "testserver", "origin": "http://testserver", "cookie": cookie}


class App(Visitor):
    """Shows a session token, and a ticket at the socket."""

    token = ""

    def sign_up(self, username: str) -> None:
        answer = self.ask("POST", "/_allauth/app/v1/auth/signup", _details(username))
        assert answer.status_code == 200, answer.content
        self.token = answer.json()["meta"]["session_token"]
        self.http = APIClient(enforce_csrf_checks=True)
        self.http.credentials(HTTP_X_SESSION_TOKEN=self.token)

    def _socket_path(self) -> str:
        answer = self.ask("POST", "/socket-tickets/")
        return f"/ws/jobs/?ticket={answer.json()['ticket']}" if answer.status_code < 300 else "/ws/jobs/"


async def _first_word(path: str, headers: dict[str, str]) -> list[dict[str, Any]] | int:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    socket = WebsocketCommunicator(websocket_application(), path, headers=pairs)
    connected, _ = await socket.connect()
    assert connected
    said = await socket.receive_output()
    if said["type"] == "websocket.close":
        return int(said["code"])
    await socket.disconnect()
    message: dict[str, Any] = json.loads(said["text"])
    assert message["type"] == "snapshot"
    jobs: list[dict[str, Any]] = message["jobs"]
    return jobs


def _encoded(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _details(username: str) -> dict[str, str]:
    return {"username": username, "email": f"{username}@example.org", "password": PASSWORD}


def _address(path: str) -> str:
    return path if path.startswith(("/media", "/admin", "/_allauth", "/api", "http")) else API + path


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
