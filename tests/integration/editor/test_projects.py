"""Projects over the API: whose they are, what may be in them, and that no save undoes another."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from clips.models import Clip
from clips.services import clip_remove
from editor import services
from editor.editlist.schema import json_schema
from editor.models import Project, ProjectRevision

pytestmark = pytest.mark.django_db
PROJECTS = "/api/v1/projects/"


def put(client: Any, project: Any, edit: Any, revision: int | str, title: str = "Holiday") -> Any:
    body = {"title": title, "edit": edit}
    pk = project.pk if isinstance(project, Project) else project
    return client.put(f"{PROJECTS}{pk}/", body, headers={"If-Match": f'"{revision}"'})


class TestBeginning:
    def test_a_project_may_begin_empty(self, api_client: Any) -> None:
        answer = api_client.post(PROJECTS, {"title": "Holiday"})

        assert answer.status_code == 201
        assert answer["ETag"] == '"1"'
        project = answer.json()
        assert (project["title"], project["revision"], project["duration_seconds"]) == ("Holiday", 1, 0)
        assert project["edit"]["segments"] == project["clips"] == project["sounds"] == project["missing"] == []
        assert project["poster_url"] is None

    def test_a_project_begins_with_the_whole_of_a_clip(self, api_client: Any, clip: Clip) -> None:
        project = api_client.post(PROJECTS, {"clip_id": str(clip.pk)}).json()

        (segment,) = project["edit"]["segments"]
        assert (segment["clip"], segment["start"], segment["end"]) == (str(clip.pk), 0, 10)
        assert project["edit"]["canvas"] == {"aspect": "9:16", "short_side": 720, "frame_rate": 30}
        assert (project["title"], project["duration_seconds"]) == ("A walk", 10)
        assert [shown["id"] for shown in project["clips"]] == [str(clip.pk)]
        assert project["poster_url"] == f"/media/clips/{clip.pk}/poster.jpg"

    def test_a_project_begins_with_a_track_of_the_library_and_nothing_else(
        self, api_client: Any, make_sound: Any
    ) -> None:
        rain = make_sound()

        answer = api_client.post(PROJECTS, {"title": "Rain", "edit": {"version": 1, "music": {"track": str(rain.pk)}}})

        assert answer.status_code == 201
        assert [sound["id"] for sound in answer.json()["sounds"]] == [str(rain.pk)]
        assert answer.json()["missing"] == []

    def test_a_project_does_not_begin_with_a_track_that_was_taken_out(self, api_client: Any, make_sound: Any) -> None:
        gone = make_sound(removed_at=timezone.now())

        answer = api_client.post(PROJECTS, {"edit": {"version": 1, "music": {"track": str(gone.pk)}}})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["edit.music.track"])

    def test_a_project_begins_with_an_edit_list(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        answer = api_client.post(PROJECTS, {"title": "Cut", "edit": edit_of(clip, clip)})

        assert (answer.status_code, answer.json()["duration_seconds"]) == (201, 4)

    def test_a_project_begins_with_one_of_both(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        answer = api_client.post(PROJECTS, {"clip_id": str(clip.pk), "edit": edit_of(clip)})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["clip_id"])

    def test_a_demo_is_everybodys_to_begin_with(self, api_client: Any, other_user: Any, make_clip: Any) -> None:
        demo = make_clip(other_user, demo="swan")

        assert api_client.post(PROJECTS, {"clip_id": str(demo.pk)}).status_code == 201

    def test_somebody_elses_clip_is_refused_by_name(self, api_client: Any, other_user: Any, make_clip: Any) -> None:
        answer = api_client.post(PROJECTS, {"clip_id": str(make_clip(other_user).pk)})

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["clip_id"])

    def test_a_clip_a_little_over_the_limit_is_cut_to_it(self, api_client: Any, user: Any, make_clip: Any) -> None:
        long = make_clip(user, duration_seconds=60.4, frame_count=1812)

        assert api_client.post(PROJECTS, {"clip_id": str(long.pk)}).json()["duration_seconds"] == 60

    @pytest.mark.parametrize(
        ("width", "height", "rate", "canvas"),
        [
            (1920, 1080, 29.97, ("16:9", 720, 30)),
            (854, 480, 25.0, ("16:9", 480, 25)),
            (500, 480, 12.5, ("1:1", 480, 24)),
            (240, 426, 59.94, ("9:16", 360, 60)),
        ],
    )
    def test_the_canvas_is_the_nearest(
        self, width: int, height: int, rate: float, canvas: tuple[str, int, int]
    ) -> None:
        found = services.canvas_for(width, height, rate)

        assert (found.aspect, found.short_side, found.frame_rate) == canvas

    def test_nobody_has_more_projects_than_allowed(self, api_client: Any, settings: Any) -> None:
        settings.EDITOR_PROJECTS_MAX = 1
        api_client.post(PROJECTS, {})

        answer = api_client.post(PROJECTS, {})

        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_projects")

    def test_the_same_key_begins_one_project(self, api_client: Any) -> None:
        answers = [api_client.post(PROJECTS, {}, headers={"Idempotency-Key": "one"}) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert [answer["ETag"] for answer in answers] == ['"1"', '"1"']
        assert Project.objects.count() == 1


class TestWhose:
    def test_the_list_has_ones_own_the_one_changed_last_first(
        self, api_client: Any, user: Any, other_user: Any, clip: Clip, make_clip: Any, make_project: Any
    ) -> None:
        older, newer = make_project(user, clip, title="Older"), make_project(user, title="Newer")
        make_project(other_user, make_clip(other_user), title="Not mine")
        Project.objects.filter(pk=older.pk).update(updated_at=timezone.now() - timedelta(days=1))

        listed = api_client.get(PROJECTS).json()["results"]

        assert [project["title"] for project in listed] == ["Newer", "Older"]
        assert listed[0]["id"] == str(newer.pk)
        assert set(listed[0]) == {
            "id", "title", "revision", "duration_seconds", "poster_url", "created_at", "updated_at",
        }  # fmt: skip
        assert listed[1]["poster_url"] == f"/media/clips/{clip.pk}/poster.jpg"

    def test_the_list_asks_the_database_no_more_for_more(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(6):
            make_project(user, clip)

        with django_assert_max_num_queries(4):
            api_client.get(PROJECTS)

    @pytest.mark.parametrize(
        ("method", "rest"),
        [("get", ""), ("put", ""), ("delete", ""), ("post", "duplicate/"), ("post", "render/")],
    )
    def test_somebody_elses_project_is_not_found(
        self, client_of: Any, user: Any, other_user: Any, make_project: Any, method: str, rest: str
    ) -> None:
        project = make_project(user)

        answer = getattr(client_of(other_user), method)(
            f"{PROJECTS}{project.pk}/{rest}", {"edit": {"version": 1}}, headers={"If-Match": '"1"'}
        )

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert Project.objects.filter(pk=project.pk).exists()

    def test_nobody_sees_none(self, anonymous_client: Any) -> None:
        assert anonymous_client.get(PROJECTS).status_code == 401

    def test_a_removed_project_is_gone_with_what_it_was(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)
        put(api_client, project, edit_of(clip, clip), 1)

        assert api_client.delete(f"{PROJECTS}{project.pk}/").status_code == 204
        assert api_client.get(f"{PROJECTS}{project.pk}/").status_code == 404
        assert not ProjectRevision.objects.exists()

    def test_a_copy_has_the_same_edit_and_a_life_of_its_own(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)

        copy = api_client.post(f"{PROJECTS}{project.pk}/duplicate/")

        assert (copy.status_code, copy["ETag"]) == (201, '"1"')
        assert (copy.json()["title"], copy.json()["edit"]) == ("Holiday (copy)", project.edit)
        put(api_client, copy.json()["id"], edit_of(), 1)
        project.refresh_from_db()
        assert len(project.edit["segments"]) == 1


class TestSaving:
    def test_a_save_makes_the_next_revision_and_keeps_the_one_before(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)
        before = project.edit

        answer = put(api_client, project, edit_of(clip, clip), 1, title="Longer")

        assert (answer.status_code, answer["ETag"]) == (200, '"2"')
        assert (answer.json()["title"], answer.json()["revision"], answer.json()["duration_seconds"]) == (
            "Longer",
            2,
            4,
        )
        kept = ProjectRevision.objects.get()
        assert (kept.revision, kept.title, kept.edit) == (1, "Holiday", before)

    def test_saving_what_is_saved_changes_nothing(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)

        answer = put(api_client, project, edit_of(clip), 1)

        assert (answer.status_code, answer["ETag"]) == (200, '"1"')
        assert not ProjectRevision.objects.exists()

    def test_without_a_revision_nothing_is_saved(self, api_client: Any, user: Any, make_project: Any) -> None:
        project = make_project(user)

        answer = api_client.put(f"{PROJECTS}{project.pk}/", {"title": "x", "edit": {"version": 1}})

        assert (answer.status_code, answer.json()["code"]) == (428, "revision_required")

    @pytest.mark.parametrize("tag", ['"7"', "1", '"x"', '"1", "2"', '"99999999999999999999"'])
    def test_another_revision_is_refused(self, api_client: Any, user: Any, make_project: Any, tag: str) -> None:
        project = make_project(user)

        answer = api_client.put(
            f"{PROJECTS}{project.pk}/", {"title": "x", "edit": {"version": 1}}, headers={"If-Match": tag}
        )

        assert (answer.status_code, answer.json()["code"]) == (412, "edited_elsewhere")
        project.refresh_from_db()
        assert (project.title, project.revision) == ("Holiday", 1)

    def test_a_star_saves_over_whatever_is_there(self, api_client: Any, user: Any, make_project: Any) -> None:
        project = make_project(user)

        answer = api_client.put(
            f"{PROJECTS}{project.pk}/", {"title": "Mine", "edit": {"version": 1}}, headers={"If-Match": "*"}
        )

        assert (answer.status_code, answer.json()["revision"]) == (200, 2)

    def test_of_two_saves_from_one_revision_the_second_is_told(
        self, api_client: Any, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)

        first, second = (put(api_client, project, edit_of(clip), 1, title=title) for title in ("Left", "Right"))

        assert (first.status_code, second.status_code) == (200, 412)
        project.refresh_from_db()
        assert (project.title, project.revision) == ("Left", 2)

    def test_a_save_that_was_overtaken_between_reading_and_writing_is_told(
        self, user: Any, clip: Clip, make_project: Any, edit_of: Any
    ) -> None:
        project = make_project(user, clip)
        Project.objects.filter(pk=project.pk).update(revision=2)  # after it was read

        with pytest.raises(services.EditedElsewhere):
            services.project_save(project=project, title="x", edit=edit_of(), revision=1, at=timezone.now())
        assert not ProjectRevision.objects.exists()

    def test_only_so_many_earlier_ones_are_kept(
        self, user: Any, clip: Clip, make_project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "REVISIONS_KEPT", 3)
        project = make_project(user, clip)

        for number in range(5):
            services.project_save(
                project=project, title=f"Take {number}", edit=project.edit, revision=None, at=timezone.now()
            )

        assert list(project.earlier.values_list("revision", flat=True)) == [5, 4, 3]


def test_of_two_tabs_that_read_the_same_revision_the_first_to_write_wins(
    user: Any, clip: Clip, edit_of: Any, make_project: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, check = make_project(user, clip), services.edit_checked
    left, right = client_of(user), client_of(user)
    answers = []

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        """The right tab saves while the left one's edit is being checked."""
        monkeypatch.setattr(services, "edit_checked", check)
        answers.append(put(right, project, edit_of(clip), 1, title="Right").status_code)
        return check(*args, **kwargs)

    monkeypatch.setattr(services, "edit_checked", meanwhile)
    answers.append(put(left, project, edit_of(clip), 1, title="Left").status_code)

    assert answers == [200, 412]
    project.refresh_from_db()
    assert (project.title, project.revision, project.earlier.count()) == ("Right", 2, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_saving_at_once_exactly_one_wins(
    user: Any, make_clip: Callable[..., Clip], edit_of: Any, make_project: Any, client_of: Any, tmp_path: Path
) -> None:
    clip = make_clip(user)
    project = make_project(user, clip)
    tabs = [client_of(user) for _ in range(4)]
    connect = connector(tmp_path / "db.sqlite3")
    start, answers, revisions = threading.Barrier(len(tabs)), [], set()

    def save(tab: Any, number: int) -> None:
        connections["default"] = connect()
        try:
            start.wait()
            answers.append(put(tab, project, edit_of(*[clip] * (number + 2)), 1).status_code)
            revisions.add(Project.objects.get(pk=project.pk).revision)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=save, args=(tab, number)) for number, tab in enumerate(tabs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [200, 412, 412, 412]
    assert revisions == {2}


def connector(path: Path) -> Callable[[], Any]:
    """
    How a thread gets a connection as a server's would be.

    The tests' SQLite lies in memory, where threads cannot wait for each other; a copy of it on the disk can.
    """
    options = dict(connection.settings_dict)
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
        options["NAME"] = str(path)
    wrapper = type(connections["default"])
    return lambda: wrapper(options, "default")


class TestWhatMayBeInIt:
    def errors(self, client: Any, edit: Any) -> dict[str, list[str]]:
        """The same refusal wherever an edit list comes in."""
        answers = [client.post(f"{PROJECTS}validate/", {"edit": edit}), client.post(PROJECTS, {"edit": edit})]
        assert [answer.status_code for answer in answers] == [400, 400]
        assert answers[0].json() == answers[1].json()
        assert answers[0]["Content-Type"] == "application/problem+json"
        assert answers[0].json()["code"] == "edit_refused"
        assert answers[0].json()["detail"]
        return answers[0].json()["errors"]

    def test_every_fault_is_named_with_its_place(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        edit = edit_of(clip, clip)
        edit["segments"][1]["end"] = -1
        edit["segments"][0]["colour"] = "red"
        edit["canvas"] = {"aspect": "4:3"}

        assert set(self.errors(api_client, edit)) == {
            "edit.segments.1.end", "edit.segments.0.colour", "edit.canvas.aspect",
        }  # fmt: skip

    def test_transitions_that_do_not_fit_are_named(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        edit = edit_of(clip, clip)
        edit["segments"][1]["transition"] = {"kind": "crossfade", "seconds": 3}

        assert set(self.errors(api_client, edit)) == {"edit.segments.1.transition.seconds"}

    def test_somebody_elses_clips_and_sounds_are_named(
        self, api_client: Any, user: Any, other_user: Any, clip: Clip, make_clip: Any, make_sound: Any, edit_of: Any
    ) -> None:
        theirs, their_sound = make_clip(other_user), make_sound(other_user)
        edit = edit_of(clip, theirs, music={"track": str(their_sound.pk)})
        edit["segments"][0]["unstyled"] = str(theirs.pk)
        edit["voices"] = [{"id": "v", "sound": str(their_sound.pk), "at": 0}]

        assert set(self.errors(api_client, edit)) == {
            "edit.segments.1.clip", "edit.segments.0.unstyled", "edit.music.track", "edit.voices.0.sound",
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["../../etc/passwd", "x", "CLIP", f"{uuid.UUID(int=5)}", "\0"])
    def test_what_is_not_there_is_named(self, api_client: Any, clip: Clip, edit_of: Any, name: str) -> None:
        edit = edit_of(clip)
        edit["segments"][0]["clip"] = name

        assert set(self.errors(api_client, edit)) == {"edit.segments.0.clip"}

    def test_a_clips_id_counts_in_one_spelling_only(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        edit = edit_of(clip)
        edit["segments"][0]["clip"] = str(clip.pk).upper()

        assert set(self.errors(api_client, edit)) == {"edit.segments.0.clip"}

    def test_a_deleted_clip_cannot_be_brought_in(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        clip_remove(clip=clip, at=timezone.now())

        assert set(self.errors(api_client, edit_of(clip))) == {"edit.segments.0.clip"}

    def test_a_segment_may_end_a_frame_after_its_clip_and_no_later(
        self, api_client: Any, clip: Clip, edit_of: Any
    ) -> None:
        edit = edit_of(clip)
        edit["segments"][0]["end"] = 10.03
        assert api_client.post(PROJECTS, {"edit": edit}).status_code == 201

        edit["segments"][0]["end"] = 10.2
        assert self.errors(api_client, edit)["edit.segments.0.end"] == ["The clip ends at 10.00 s."]

    def test_a_video_is_no_longer_than_a_clip_may_be(
        self, api_client: Any, clip: Clip, edit_of: Any, settings: Any
    ) -> None:
        settings.CLIP_SECONDS_MAX = 3

        assert set(self.errors(api_client, edit_of(clip, clip))) == {"edit.segments"}

    def test_speed_counts_for_the_length(self, api_client: Any, clip: Clip, edit_of: Any, settings: Any) -> None:
        settings.CLIP_SECONDS_MAX = 3
        edit = edit_of(clip)
        edit["segments"][0]["speed"] = 0.5

        assert set(self.errors(api_client, edit)) == {"edit.segments"}

    def test_words_that_cannot_be_kept_are_named(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        edit = edit_of(clip, texts=[{"id": "t", "start": 0, "end": 1, "text": "a\0b"}])

        assert set(self.errors(api_client, edit)) == {"edit.texts.0.text"}

    @pytest.mark.parametrize("edit", [7, "x", [], None, True, {}, {"version": 2}])
    def test_what_is_no_edit_list_is_refused(self, api_client: Any, edit: Any) -> None:
        answer = api_client.post(f"{PROJECTS}validate/", {"edit": edit})

        assert answer.status_code == 400
        assert all(name.startswith("edit") for name in answer.json()["errors"])

    def test_a_thousand_faults_are_not_all_told(self, api_client: Any) -> None:
        edit = {"version": 1, **{f"odd{number}": 1 for number in range(1000)}}

        answer = api_client.post(f"{PROJECTS}validate/", {"edit": edit})

        assert len(answer.json()["errors"]) == 50
        assert len(answer.json()["detail"]) < 1000

    def test_a_valid_one_is_laid_out(self, api_client: Any, clip: Clip, edit_of: Any) -> None:
        edit = edit_of(clip, clip, canvas={"aspect": "16:9", "frame_rate": 25})
        edit["segments"][1]["transition"] = {"kind": "crossfade", "seconds": 0.4}

        assert api_client.post(f"{PROJECTS}validate/", {"edit": edit}).json() == {
            "width": 1280, "height": 720, "frame_rate": 25, "frames": 90, "duration_seconds": 3.6,
            "segments": [
                {"id": "s0", "start_seconds": 0.0, "end_seconds": 2.0},
                {"id": "s1", "start_seconds": 1.6, "end_seconds": 3.6},
            ],
        }  # fmt: skip
        assert not Project.objects.exists()


class TestBodies:
    @pytest.fixture
    def send(self, api_client: Any) -> Callable[[str], Any]:
        return lambda body: api_client.generic("POST", f"{PROJECTS}validate/", body, "application/json")

    @pytest.mark.parametrize(
        "body",
        [
            '{"edit": {"version": 1, "cover": NaN}}', '{"edit": {"version": 1, "cover": Infinity}}',
            '{"edit": {"version": 1, "cover": 1e999}}', '{"edit": {"version": 1, "cover": -1e999}}',
            '{"edit": {"version": 1, "cover": 1' + "0" * 400 + "}}",
            '{"edit": {"version": 1, "cover": ' + "9" * 5000 + "}}",
            '{"edit": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"edit": {"\\ud800": 1, "version": 1}}',
            '{"edit": {"version": 1, "texts": [{"id": "t", "start": 0, "end": 1, "text": "\\ud800"}]}}',
            '{"edit": {"version": 1}', "", "[]", "null", '"x"', '{"edit": {"version": 1, "' + "x" * 9000 + '": 1}}',
        ],
    )  # fmt: skip
    def test_odd_json_is_refused_in_words(self, send: Any, body: str) -> None:
        answer = send(body)

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]

    def test_a_body_that_is_too_large_is_refused(self, send: Any) -> None:
        answer = send(json.dumps({"edit": {"version": 1, "odd": "x" * 600_000}}))

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_other_kinds_of_bodies_are_refused(self, api_client: Any) -> None:
        assert api_client.post(f"{PROJECTS}validate/", {"edit": "x"}, format="multipart").status_code == 415


class TestDeletedClips:
    @pytest.fixture
    def half_gone(self, user: Any, clip: Clip, make_clip: Any, make_project: Any) -> Project:
        """Its first clip was deleted after it was made."""
        project = make_project(user, clip, make_clip(user, title="The sea"))
        clip_remove(clip=clip, at=timezone.now())
        return project

    def test_a_project_still_opens_and_says_what_is_gone(self, api_client: Any, clip: Clip, half_gone: Project) -> None:
        project = api_client.get(f"{PROJECTS}{half_gone.pk}/").json()

        assert [shown["title"] for shown in project["clips"]] == ["The sea"]
        assert project["missing"] == [str(clip.pk)]
        assert len(project["edit"]["segments"]) == 2
        assert project["poster_url"] is None

    def test_it_still_saves_with_what_was_in_it(self, api_client: Any, clip: Clip, half_gone: Project) -> None:
        edit = {**half_gone.edit, "original_volume": 0.5}

        assert put(api_client, half_gone, edit, 1).status_code == 200

    def test_a_step_back_may_bring_it_in_again(
        self, api_client: Any, clip: Clip, half_gone: Project, edit_of: Any
    ) -> None:
        before = half_gone.edit
        put(api_client, half_gone, edit_of(), 1)

        assert put(api_client, half_gone, before, 2).status_code == 200

    def test_another_deleted_clip_cannot_come_in(
        self, api_client: Any, user: Any, clip: Clip, half_gone: Project, make_clip: Any, edit_of: Any
    ) -> None:
        other = make_clip(user)
        clip_remove(clip=other, at=timezone.now())

        answer = put(api_client, half_gone, edit_of(clip, other), 1)

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["edit.segments.1.clip"])

    def test_it_is_not_rendered_and_says_why(self, api_client: Any, half_gone: Project) -> None:
        answer = api_client.post(f"{PROJECTS}{half_gone.pk}/render/", {})

        assert (answer.status_code, answer.json()["code"]) == (409, "something_missing")
        assert "segment 1 was deleted" in answer.json()["detail"]

    def test_when_the_row_is_swept_too_the_project_stays(self, api_client: Any, clip: Clip, half_gone: Project) -> None:
        Clip.objects.filter(pk=clip.pk).delete()

        assert api_client.get(f"{PROJECTS}{half_gone.pk}/").json()["missing"] == [str(clip.pk)]
        assert api_client.post(f"{PROJECTS}{half_gone.pk}/duplicate/").status_code == 201

    def test_the_clip_before_restyling_may_be_gone(
        self, api_client: Any, user: Any, make_clip: Any, edit_of: Any, make_project: Any
    ) -> None:
        painted, original = make_clip(user), make_clip(user)
        edit = edit_of(painted)
        edit["segments"][0]["unstyled"] = str(original.pk)
        project = make_project(user, edit=edit)
        clip_remove(clip=original, at=timezone.now())

        assert api_client.post(f"{PROJECTS}{project.pk}/render/", {}).status_code == 202


def test_the_schema_is_public(anonymous_client: Any) -> None:
    answer = anonymous_client.get("/api/v1/edit-list.schema.json")

    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(json_schema()))


def test_the_poster_is_of_the_clip_at_the_cover(
    api_client: Any, clip: Clip, user: Any, make_clip: Any, edit_of: Any
) -> None:
    sea = make_clip(user)

    project = api_client.post(PROJECTS, {"edit": edit_of(clip, sea, cover=3.0)}).json()

    assert project["poster_url"] == f"/media/clips/{sea.pk}/poster.jpg"


def test_staff_see_projects_and_change_none(make_user: Any, client_of: Any, user: Any, make_project: Any) -> None:
    project = make_project(user)
    staff = client_of(make_user("root", is_superuser=True, is_staff=True))

    assert "Holiday" in staff.get("/admin/editor/project/").content.decode()
    assert staff.get("/admin/editor/project/add/").status_code == 403
    assert staff.post(f"/admin/editor/project/{project.pk}/delete/", {"post": "yes"}).status_code == 403


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NUMBERS: Any = st.sampled_from([0, -1, 1, 0.5, 2, 1e-9, 1e9, 10**30, "1", "x", None, True, [], 86400])
IDS = st.sampled_from(["s", "t", "", "a" * 41, "é", None, 3])


@st.composite
def nearly_edit_lists(draw: Any, names: list[str]) -> Any:
    """Edit lists with the right names and any values, so that garbage gets past the first door."""
    clip = st.sampled_from([*names, "x", str(uuid.UUID(int=1)), None])
    transition = st.fixed_dictionaries(
        {"kind": st.sampled_from(["cut", "dip", "crossfade", "wipe"]), "seconds": NUMBERS}
    )
    segment = st.fixed_dictionaries(
        {"id": IDS, "clip": clip, "start": NUMBERS, "end": NUMBERS},
        optional={"speed": NUMBERS, "transition": transition, "unstyled": clip, "reverse": ODD, "view": ODD},
    )
    timed = st.fixed_dictionaries({"id": IDS, "start": NUMBERS, "end": NUMBERS, "text": st.text(max_size=9)})
    voice = st.fixed_dictionaries({"id": IDS, "sound": clip, "at": NUMBERS})
    return draw(
        st.fixed_dictionaries(
            {"version": st.sampled_from([1, 1, 1, 2])},
            optional={
                "segments": st.lists(segment, max_size=4),
                "texts": st.lists(timed, max_size=2),
                "voices": st.lists(voice, max_size=2),
                "music": st.fixed_dictionaries({"track": clip, "start": NUMBERS}) | ODD,
                "cover": NUMBERS,
                "canvas": ODD,
                "odd": ODD,
            },
        )
    )


def test_no_garbage_breaks_the_server(
    user: Any, api_client: Any, clip: Clip, make_sound: Any, make_project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *_: True)
    project, names = make_project(user, clip), [str(clip.pk), str(make_sound().pk)]
    client: APIClient = api_client
    answers = []

    @settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(edit=nearly_edit_lists(names) | ODD)
    def send(edit: Any) -> None:
        body = json.dumps({"title": "x", "edit": edit})
        for method, place in (("POST", "validate/"), ("POST", ""), ("PUT", f"{project.pk}/")):
            answer = client.generic(method, f"{PROJECTS}{place}", body, "application/json", headers={"If-Match": "*"})
            assert answer.status_code in (200, 201, 400, 409), (method, place, body, answer.content)
            answers.append(answer.status_code)

    send()
    assert {200, 400} <= set(answers)
