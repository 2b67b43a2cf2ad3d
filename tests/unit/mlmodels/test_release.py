"""A release is written, loaded and used, with random weights: what is promised holds for any."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mlmodels import release
from mlmodels.network import EighthNetwork
from mlmodels.predictor import MobileNetV3Texture


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A release exported from two checkpoints as training leaves them."""
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("release")
    network = EighthNetwork(blocks=2, width=16)
    weights = {f"transform.{name}": value for name, value in network.state_dict().items()}
    options = {"stage": "student", "layout": "student", "network": {"blocks": 2, "width": 16}}
    transform = {
        "model": weights,
        "options": options,
        "step": 7,
        "metrics": {"style": 0.5},
        "data": "d",
        "revision": "r",
    }
    predictor = {
        "model": MobileNetV3Texture().state_dict(),
        "options": {"student": "mobilenetv3-texture"},
        "step": 3,
        "metrics": {"held_out": 0.4},
    }
    for name, state in (("transform", transform), ("predictor", predictor)):
        (root / name).mkdir()
        torch.save(state, root / name / "checkpoint.pt")
    release.export(root / "transform", root / "predictor", root / "out", name="trial", version="0.1")
    return root / "out"


class Recording(torch.nn.Module):
    """A predictor that keeps what it is shown."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen = images
        return torch.zeros(1, 8)


def test_a_predictor_is_shown_the_middle_square_at_the_size_that_its_release_says():
    pair, pixels = release.Pair(), np.zeros((40, 60, 3), np.uint8)
    pixels[:, 10:50] = 255
    pair.predictor, pair.picture_size = Recording(), 288

    pair.embed(pixels)

    assert pair.predictor.seen.shape == (1, 3, 288, 288)
    assert pair.predictor.seen[..., 20:-20].min() == 1  # but for its seam, which is scaled with what lies beside it


@pytest.fixture(scope="module")
def trial(folder) -> release.Release:
    return release.load_release(folder)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (2, 45, 67, 3), dtype=np.uint8)


def test_a_release_knows_its_name_and_checksum(trial, folder):
    assert (trial.name, trial.version, trial.embedding_size) == ("trial", "0.1", 128)
    assert len(trial.sha256) == 64
    assert release.load_release(folder) is trial


@pytest.mark.parametrize("said", [320, 256, None])
def test_a_release_says_how_large_its_predictor_is_shown_pictures(folder, frames, tmp_path, said):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    description = json.loads((copy / "model.json").read_text())
    assert description.pop("picture_size") == 320
    (copy / "model.json").write_text(json.dumps(description | ({"picture_size": said} if said else {})))
    side = said or 224  # what those were taught with that say nothing

    changed = release.Release(copy)

    shown = release.to_tensor(release.middle_square(frames[0], side)[None])
    assert changed.picture_size == side
    np.testing.assert_array_equal(changed.embed(frames[0]), changed.predictor(shown)[0].numpy())


def test_releases_of_the_same_weights_that_look_at_pictures_differently_are_told_apart(trial, folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    description = json.loads((copy / "model.json").read_text()) | {"picture_size": 256}
    (copy / "model.json").write_text(json.dumps(description))

    assert release.Release(copy).sha256 != trial.sha256


def test_frames_of_odd_size_come_back_in_their_size(trial, frames):
    painted = trial.paint(frames, trial.embed(frames[0]))

    assert painted.shape == frames.shape
    assert painted.dtype == np.uint8


def test_each_frame_may_have_its_own_style(trial, frames):
    embeddings = np.stack([trial.embed(frame) for frame in frames])

    together = trial.paint(frames, embeddings)
    alone = trial.paint(frames[1:], embeddings[1])

    assert np.abs(together[1].astype(int) - alone[0].astype(int)).max() <= 1  # rounding of another convolution order


def test_painting_does_not_touch_its_input(trial, frames):
    before = frames.copy()

    trial.paint(frames, trial.embed(frames[0]))

    assert np.array_equal(frames, before)


def test_scene_statistics_of_one_frame_paint_it_as_live_ones_do(trial, frames):
    embedding, frame = trial.embed(frames[0]), frames[:1]

    folded = trial.paint(frame, embedding, statistics=trial.statistics(frame, embedding))

    assert np.abs(folded.astype(int) - trial.paint(frame, embedding).astype(int)).max() <= 1


def test_with_scene_statistics_a_frame_looks_the_same_in_any_company(trial, frames):
    embedding = trial.embed(frames[0])
    scene = trial.statistics(frames, embedding)

    alone = trial.paint(frames[1:], embedding, statistics=scene)
    together = trial.paint(frames, embedding, statistics=scene)

    assert np.abs(together[1].astype(int) - alone[0].astype(int)).max() <= 1


def test_a_picture_below_32_pixels_is_refused(trial):
    with pytest.raises(release.TooSmall, match="at least 32"):
        trial.paint(np.zeros((1, 31, 64, 3), np.uint8), np.zeros(128, np.float32))


def test_an_embedding_depends_on_the_picture_and_not_on_the_call(trial, frames):
    assert np.array_equal(trial.embed(frames[0]), trial.embed(frames[0]))
    assert not np.array_equal(trial.embed(frames[0]), trial.embed(frames[0] // 4))
    assert trial.embed(frames[0]).dtype == np.float32


@pytest.mark.parametrize("shape", [(40, 300, 3), (300, 40, 3), (1000, 1000, 3), (8, 8, 3)])
def test_any_picture_can_be_a_style(trial, shape):
    assert trial.embed(np.full(shape, 90, np.uint8)).shape == (128,)


def test_strength_goes_from_the_own_picture_to_the_style_and_past_it(trial):
    own, style = np.zeros(trial.embedding_size, np.float32), np.ones(trial.embedding_size, np.float32)

    assert np.array_equal(trial.blend([(style, 3.0)], own, 0.0), own)
    assert np.array_equal(trial.blend([(style, 3.0)], own, 1.0), style)
    np.testing.assert_allclose(trial.blend([(style, 3.0)], own, 1.5), 1.25)


def test_styles_mix_by_relative_weight(trial):
    one, other = np.eye(trial.embedding_size, dtype=np.float32)[:2]

    mixed = trial.blend([(one, 1.0), (other, 3.0)], np.zeros_like(one), 1.0)

    np.testing.assert_allclose(mixed[:3], [0.25, 0.75, 0])


@pytest.mark.parametrize(("weights", "strength"), [([], 1.0), ([0.0], 1.0), ([-1.0], 1.0), ([1.0], 1.6), ([1.0], -0.1)])
def test_a_mix_that_means_nothing_is_refused(trial, weights, strength):
    style = np.ones(2, np.float32)

    with pytest.raises(ValueError, match=r"strength|weight"):
        trial.blend([(style, weight) for weight in weights], style, strength)


def test_a_folder_without_a_release_is_refused(tmp_path):
    with pytest.raises(release.BadRelease):
        release.load_release(tmp_path)


def test_a_damaged_weight_file_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "transform.safetensors").write_bytes(b"not weights at all")

    with pytest.raises(release.BadRelease):
        release.Release(tmp_path)


def test_a_release_ships_in_eight_bits(folder):
    stored = load_file(folder / "transform.safetensors")

    assert {value.dtype for name, value in stored.items() if name.endswith(".weight")} == {torch.int8}
    assert json.loads((folder / "model.json").read_text())["precision"] == "int8"


def test_half_precision_loads_as_well_and_paints_nearly_the_same(trial, folder, frames):
    halves = folder.parent / "halves"
    release.export(
        folder.parent / "transform", folder.parent / "predictor", halves, name="trial", version="0.1", precision="half"
    )
    embedding = trial.embed(frames[0])

    difference = release.Release(halves).paint(frames, embedding) - trial.paint(frames, embedding).astype(float)

    assert np.abs(difference).mean() < 4  # levels of 255; weights are half a step of 127 off at most


def test_integers_that_lost_their_scales_are_refused(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    stored = load_file(broken / "transform.safetensors")
    save_file(
        {name: value for name, value in stored.items() if not name.endswith(".scale")}, broken / "transform.safetensors"
    )

    with pytest.raises(release.BadRelease, match="scales"):
        release.Release(broken)


def test_a_fault_while_a_release_is_written_leaves_the_one_that_was_there(folder, tmp_path, monkeypatch):
    there = shutil.copytree(folder, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in there.iterdir()}
    written = []

    def full(weights, path):
        written.append(path)
        if len(written) == 2:
            raise OSError("No space left on device")
        save_file(weights, path)

    monkeypatch.setattr(release, "save_file", full)
    runs = folder.parent
    with pytest.raises(OSError, match="No space left"):
        release.export(runs / "transform", runs / "predictor", there, name="next", version="0.2")

    assert {path.name: path.read_bytes() for path in there.iterdir()} == before
