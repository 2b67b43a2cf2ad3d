"""The waveform of a clip, for those who may edit it."""

import uuid

import pytest

from clips.media import prepare_media
from clips.services import clip_adopt
from foundation.files import remove_tree
from tests.media import beep, make_video, moving

pytestmark = pytest.mark.django_db


@pytest.fixture
def beeping(user, tmp_path):
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    video = make_video(folder / "video.mp4", moving(96, 64, 25), rate=25, sound=beep(0.5))
    return clip_adopt(owner=user, title="Beep", media=prepare_media(video, folder))


def peaks_url(clip) -> str:
    return f"/api/v1/clips/{clip.pk}/peaks/"


def test_a_clip_is_loud_when_it_beeps_and_its_answer_keeps_for_ever(api_client, beeping):
    answer = api_client.get(peaks_url(beeping))

    said = answer.json()
    assert said["per_second"] == 20
    assert 18 <= len(said["peaks"]) <= 22
    assert max(said["peaks"][:9]) < 0.1
    assert max(said["peaks"][10:12]) > 0.6
    assert "immutable" in answer["Cache-Control"]


def test_a_silent_clip_has_no_peaks(api_client, make_clip, user):
    assert api_client.get(peaks_url(make_clip(user))).json()["peaks"] == []


def test_a_clip_of_somebody_else_is_not_there(client_of, other_user, beeping):
    assert client_of(other_user).get(peaks_url(beeping)).status_code == 404


def test_nobody_is_asked_to_sign_in(anonymous_client, beeping):
    assert anonymous_client.get(peaks_url(beeping)).status_code == 401


def test_a_clip_whose_file_is_gone_has_no_waveform(api_client, beeping):
    remove_tree(beeping.video_path.parent)

    assert api_client.get(peaks_url(beeping)).status_code == 404
