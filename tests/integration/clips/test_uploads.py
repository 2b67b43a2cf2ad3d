"""Uploads over tus 1.0, as a client speaks it: every header, every refusal, and nothing left behind."""

import base64
import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from clips import conf, upload_files, uploads
from clips.models import Upload
from jobs.models import Job

pytestmark = pytest.mark.django_db
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"
DATA = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def files() -> list[Path]:
    return sorted(conf.uploads_root().glob("*")) if conf.uploads_root().exists() else []


def create(client: Any, length: int = len(DATA), *, said: str = "") -> Any:
    return client.post("/api/v1/uploads/", headers={**TUS, "Upload-Length": str(length), "Upload-Metadata": said})


def location(client: Any, length: int = len(DATA)) -> str:
    answer = create(client, length)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def send(client: Any, place: str, data: bytes, offset: int, *, kind: str = PIECE, checksum: str = "") -> Any:
    headers = {**TUS, "Upload-Offset": str(offset), **({"Upload-Checksum": checksum} if checksum else {})}
    return client.generic("PATCH", place, data, kind, headers=headers)


def head(client: Any, place: str) -> Any:
    return client.head(place, headers=TUS)


def checksum_of(data: bytes, algorithm: str = "sha256") -> str:
    digest = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return f"{algorithm} {digest}"


def metadata(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert answer["Tus-Resumable"] == "1.0.0"
    return problem


class TestCreation:
    def test_it_answers_where_the_bytes_go(self, api_client: Any, user: Any) -> None:
        answer = create(api_client, said=metadata(filename="walk ä.mp4", title="A walk"))

        upload = Upload.objects.get()
        assert answer.status_code == 201
        assert answer["Location"] == f"/api/v1/uploads/{upload.pk}"
        assert (answer["Upload-Offset"], answer["Tus-Resumable"]) == ("0", "1.0.0")
        assert "GMT" in answer["Upload-Expires"]
        assert (upload.owner, upload.filename, upload.title, upload.length) == (user, "walk ä.mp4", "A walk", len(DATA))
        assert [path.stat().st_size for path in files()] == [0]

    def test_a_file_name_is_never_a_path(self, api_client: Any) -> None:
        create(api_client, said=metadata(filename="../../../etc/cron.d/evil.mp4"))

        (file,) = files()
        assert file.parent == conf.uploads_root()
        assert uuid.UUID(file.stem)

    def test_the_first_bytes_may_come_along(self, api_client: Any) -> None:
        answer = api_client.generic(
            "POST", "/api/v1/uploads/", DATA[:1000], PIECE, headers={**TUS, "Upload-Length": str(len(DATA))}
        )

        assert (answer.status_code, answer["Upload-Offset"]) == (201, "1000")
        assert files()[0].read_bytes() == DATA[:1000]

    def test_options_say_what_is_offered(self, anonymous_client: Any, settings: Any) -> None:
        answer = anonymous_client.options("/api/v1/uploads/")

        assert answer.status_code == 204
        assert answer["Tus-Version"] == "1.0.0"
        assert answer["Tus-Max-Size"] == str(settings.UPLOAD_BYTES_MAX)
        assert {"creation", "termination", "checksum", "expiration"} <= set(answer["Tus-Extension"].split(","))
        assert {"sha1", "sha256"} <= set(answer["Tus-Checksum-Algorithm"].split(","))

    def test_nobody_uploads_without_an_account(self, anonymous_client: Any) -> None:
        assert create(anonymous_client).status_code == 401
        assert files() == []

    def test_another_version_of_tus_is_refused(self, api_client: Any) -> None:
        answer = api_client.post("/api/v1/uploads/", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "5"})

        refusal(answer, 412, "tus_version")
        assert answer["Tus-Version"] == "1.0.0"

    def test_a_file_beyond_the_limit_is_refused(self, api_client: Any, settings: Any) -> None:
        settings.UPLOAD_BYTES_MAX = 10 * 2**20

        problem = refusal(create(api_client, 10 * 2**20 + 1), 413, "too_large")

        assert "10 MB" in problem["detail"]
        assert not Upload.objects.exists()
        assert files() == []

    @pytest.mark.parametrize("length", ["", "-1", "1.5", "abc", "٣", "9" * 30])
    def test_a_length_that_is_none_is_refused(self, api_client: Any, length: str) -> None:
        answer = api_client.post("/api/v1/uploads/", headers={**TUS, "Upload-Length": length.encode().decode("latin1")})

        assert answer.status_code in (400, 413)
        assert answer["Content-Type"] == "application/problem+json"
        assert not Upload.objects.exists()
        assert files() == []

    def test_an_empty_file_is_refused(self, api_client: Any) -> None:
        refusal(create(api_client, 0), 400, "empty_file")

        assert files() == []

    @pytest.mark.parametrize("said", ["filename ä", "filename !!!", "filename " + "QUJD" * 2000, "filename /w=="])
    def test_metadata_that_cannot_be_read_is_refused(self, api_client: Any, said: str) -> None:
        answer = create(api_client, said=said.encode().decode("latin1"))

        refusal(answer, 400, "bad_tus_header")
        assert files() == []

    def test_only_so_many_are_open_at_once(self, api_client: Any, settings: Any) -> None:
        settings.UPLOADS_OPEN_MAX = 2
        for _ in range(2):
            location(api_client)

        refusal(create(api_client), 409, "too_many_uploads")

        assert len(files()) == 2

    def test_a_disk_without_room_is_said(self, api_client: Any, settings: Any) -> None:
        settings.DISK_RESERVE_BYTES = 1 << 60

        refusal(create(api_client), 507, "disk_full")

        assert not Upload.objects.exists()
        assert files() == []


class TestPieces:
    def test_a_file_arrives_in_pieces(self, api_client: Any) -> None:
        place = location(api_client)

        offsets = []
        for start in range(0, 9000, 3000):
            answer = send(
                api_client, place, DATA[start : start + 3000], start, checksum=checksum_of(DATA[start : start + 3000])
            )
            assert answer.status_code == 204
            offsets.append(answer["Upload-Offset"])

        assert offsets == ["3000", "6000", "9000"]
        assert files()[0].read_bytes() == DATA[:9000]
        asked = head(api_client, place)
        assert (asked.status_code, asked["Upload-Offset"], asked["Upload-Length"]) == (200, "9000", str(len(DATA)))
        assert asked["Cache-Control"] == "no-store"

    def test_head_gives_the_metadata_back(self, api_client: Any) -> None:
        said = metadata(filename="a.mp4", title="Café")
        place = create(api_client, said=said)["Location"]

        assert head(api_client, place)["Upload-Metadata"] == said

    def test_the_last_piece_starts_one_job(self, api_client: Any, user: Any) -> None:
        place = location(api_client)

        answer = send(api_client, place, DATA, 0)

        job = Job.objects.get()
        assert (answer.status_code, answer["Impasto-Job"]) == (204, str(job.pk))
        assert (job.kind, job.owner, job.state) == ("ingest", user, "queued")
        shown = api_client.get(place).json()
        assert (shown["state"], shown["offset"], shown["job"]["id"]) == ("ingesting", len(DATA), str(job.pk))

    def test_the_last_piece_sent_again_finds_the_same_job(self, api_client: Any) -> None:
        """The answer got lost: the client asks where it is, or sends an empty piece at the end."""
        place = location(api_client)
        first = send(api_client, place, DATA, 0)

        again = send(api_client, place, b"", len(DATA))

        assert first["Impasto-Job"] == again["Impasto-Job"] == head(api_client, place)["Impasto-Job"]
        assert Job.objects.count() == 1

    @pytest.mark.parametrize("offset", [0, 999, 1001, 10**12])
    def test_a_wrong_offset_is_refused_and_changes_nothing(self, api_client: Any, offset: int) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)

        problem = refusal(send(api_client, place, DATA[1000:2000], offset), 409, "wrong_offset")

        assert "1000" in problem["detail"]
        assert files()[0].read_bytes() == DATA[:1000]

    @pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
    def test_a_piece_that_arrived_changed_is_refused_and_not_kept(self, api_client: Any, algorithm: str) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)

        answer = send(api_client, place, DATA[1000:2000], 1000, checksum=checksum_of(b"something else", algorithm))

        refusal(answer, 460, "checksum_mismatch")
        assert files()[0].read_bytes() == DATA[:1000]
        assert head(api_client, place)["Upload-Offset"] == "1000"

    @pytest.mark.parametrize("said", ["md5 QUJD", "sha256", "sha256 ???", "crc32 AAAA"])
    def test_a_checksum_that_cannot_be_checked_is_refused(self, api_client: Any, said: str) -> None:
        place = location(api_client)

        answer = send(api_client, place, DATA[:1000], 0, checksum=said)

        assert answer.status_code in (400, 460)
        assert files()[0].read_bytes() == b""

    @pytest.mark.parametrize("kind", ["application/octet-stream", "video/mp4", "application/json", "text/plain"])
    def test_a_piece_of_another_type_is_refused(self, api_client: Any, kind: str) -> None:
        place = location(api_client)

        answer = send(api_client, place, DATA[:1000], 0, kind=kind)

        assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")
        assert files()[0].read_bytes() == b""

    def test_more_than_was_announced_is_refused_and_not_kept(self, api_client: Any) -> None:
        place = location(api_client, 1500)
        send(api_client, place, DATA[:1000], 0)

        refusal(send(api_client, place, DATA[1000:2000], 1000), 413, "upload_too_long")

        assert files()[0].read_bytes() == DATA[:1000]
        assert not Job.objects.exists()

    def test_a_connection_cut_in_the_middle_keeps_what_arrived_before(self, user: Any, api_client: Any) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)

        class Cut:
            def __init__(self) -> None:
                self.pieces: Iterator[bytes] = iter([DATA[1000:1500]])

            def read(self, size: int, /) -> bytes:
                try:
                    return next(self.pieces)
                except StopIteration:
                    raise ConnectionResetError from None

        with pytest.raises(ConnectionResetError):
            uploads.upload_append(upload=Upload.objects.get(), offset=1000, body=Cut(), at=timezone.now())

        assert head(api_client, place)["Upload-Offset"] == "1000"
        assert send(api_client, place, DATA[1000:], 1000).status_code == 204
        assert files()[0].read_bytes() == DATA

    def test_bytes_that_were_never_noted_are_written_over(self, api_client: Any) -> None:
        """A crash between the file and the row."""
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)
        with files()[0].open("ab") as file:
            file.write(b"half a piece")

        assert head(api_client, place)["Upload-Offset"] == "1000"
        assert send(api_client, place, DATA[1000:], 1000).status_code == 204

        assert files()[0].read_bytes() == DATA

    def test_a_file_that_was_lost_begins_again(self, api_client: Any) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)
        files()[0].unlink()

        assert head(api_client, place)["Upload-Offset"] == "0"
        assert send(api_client, place, DATA, 0).status_code == 204
        assert files()[0].read_bytes() == DATA

    def test_two_requests_do_not_write_at_once(self, api_client: Any) -> None:
        place = location(api_client)

        with upload_files.held(Upload.objects.get().pk):
            refusal(send(api_client, place, DATA[:1000], 0), 423, "upload_busy")

        assert send(api_client, place, DATA[:1000], 0).status_code == 204

    def test_a_full_disk_keeps_what_is_safe_and_says_so(self, api_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)
        write = os.write

        def full(descriptor: int, block: Any) -> int:
            if len(block) > 500:
                return write(descriptor, block[:500])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(upload_files.os, "write", full)
            refusal(send(api_client, place, DATA[1000:3000], 1000), 507, "disk_full")

        assert files()[0].read_bytes() == DATA[:1000]
        assert head(api_client, place)["Upload-Offset"] == "1000"
        assert send(api_client, place, DATA[1000:], 1000).status_code == 204

    def test_a_network_that_lets_no_patch_pass_is_no_hindrance(self, api_client: Any) -> None:
        place = location(api_client)

        answer = api_client.generic(
            "POST", place, DATA[:1000], PIECE,
            headers={**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
        )  # fmt: skip

        assert (answer.status_code, answer["Upload-Offset"]) == (204, "1000")
        assert api_client.post(place, headers=TUS).status_code == 405


class TestEnding:
    def test_an_upload_is_forgotten_with_its_bytes(
        self, api_client: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)

        with django_capture_on_commit_callbacks(execute=True):
            answer = api_client.delete(place, headers=TUS)

        assert answer.status_code == 204
        assert files() == []
        assert head(api_client, place).status_code == 404
        assert send(api_client, place, DATA[1000:], 1000).status_code == 404
        assert files() == []

    def test_what_is_being_made_of_it_is_cancelled(
        self, api_client: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        place = location(api_client)
        send(api_client, place, DATA, 0)

        with django_capture_on_commit_callbacks(execute=True):
            assert api_client.delete(place, headers=TUS).status_code == 204

        assert Job.objects.get().state == "cancelled"
        assert files() == []

    def test_an_expired_upload_is_not_there_and_swept_away(
        self, api_client: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        expired, fresh = location(api_client), location(api_client)
        Upload.objects.filter(pk=expired.rpartition("/")[2]).update(expires_at=timezone.now() - timedelta(seconds=1))

        assert head(api_client, expired).status_code == 404
        assert send(api_client, expired, DATA, 0).status_code == 404
        with django_capture_on_commit_callbacks(execute=True):
            uploads.uploads_sweep(timezone.now())

        assert [file.stem for file in files()] == [fresh.rpartition("/")[2]]
        assert Upload.objects.count() == 1

    def test_every_piece_gives_it_more_time(self, api_client: Any) -> None:
        place = location(api_client)
        soon = timezone.now() + timedelta(minutes=1)
        Upload.objects.update(expires_at=soon)

        send(api_client, place, DATA[:1000], 0)

        assert Upload.objects.get().expires_at > soon + timedelta(hours=1)

    def test_bytes_that_no_row_knows_are_swept_away(self, api_client: Any) -> None:
        kept = location(api_client)
        orphan = conf.uploads_root() / f"{uuid.uuid4()}.part"
        orphan.write_bytes(b"lost")

        uploads.uploads_sweep(timezone.now())

        assert [file.stem for file in files()] == [kept.rpartition("/")[2]]

    def test_what_was_complete_when_a_crash_came_is_started(self, api_client: Any) -> None:
        place = location(api_client)
        send(api_client, place, DATA[:-1], 0)
        Upload.objects.update(offset=len(DATA))

        uploads.uploads_sweep(timezone.now())

        assert api_client.get(place).json()["state"] == "ingesting"
        assert Job.objects.count() == 1


class TestSomebodyElse:
    @pytest.fixture
    def place(self, api_client: Any) -> str:
        place = location(api_client)
        send(api_client, place, DATA[:1000], 0)
        return place

    def test_it_is_not_there_for_others(self, client_of: Any, other_user: Any, moderator: Any, place: str) -> None:
        for other in (client_of(other_user), client_of(moderator)):
            assert head(other, place).status_code == 404
            refusal(other.get(place), 404, "not_found")
            refusal(send(other, place, DATA[1000:], 1000), 404, "not_found")
            refusal(other.delete(place, headers=TUS), 404, "not_found")

        assert files()[0].read_bytes() == DATA[:1000]
        assert Upload.objects.count() == 1

    def test_it_is_not_there_for_nobody(self, anonymous_client: Any, place: str) -> None:
        assert anonymous_client.get(place).status_code == 401
        assert send(anonymous_client, place, DATA[1000:], 1000).status_code == 401

    def test_an_id_nobody_has_is_not_there(self, api_client: Any) -> None:
        refusal(api_client.get(f"/api/v1/uploads/{uuid.uuid4()}"), 404, "not_found")
