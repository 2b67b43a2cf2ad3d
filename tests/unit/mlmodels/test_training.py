"""A run resumes as if it had never been killed; bad files are refused."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels import data, training

CONFIG = """
run = "{folder}/run"
vgg = ""
content = ["{folder}/photos"]
styles = ["{folder}/paintings"]
content_pool = 2
style_pool = 2
threads = 1
checkpoint_every = 2
[network]
blocks = 1
width = 16
[[phases]]
steps = 4
size = 32
batch = 1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            pixels = rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
    path = tmp_path / "run.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


@pytest.fixture(autouse=True)
def small_style_crops(monkeypatch):
    """Style crops of 160 px are for real training; here the crop's size does not matter."""
    monkeypatch.setattr(training.Sampler, "_style", lambda self, rng: self.cache.style(rng.choice(self.styles), 32))


def weights(trainer: training.Trainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


def test_a_killed_run_goes_on_with_the_same_pictures_and_the_same_weights(config):
    # A second folder for the run that is never interrupted.
    options = training.read_options(config)
    whole = training.Trainer(options)
    for _ in range(4):
        whole.train_step()

    first = training.Trainer(options)
    first.train_step()
    first.train_step()
    first.save({})
    resumed = training.Trainer(options)
    assert resumed.step == 2
    resumed.train_step()
    resumed.train_step()

    assert torch.equal(weights(resumed), weights(whole))


def test_a_checkpoint_tells_what_it_was_trained_on(config):
    trainer = training.Trainer(training.read_options(config))
    trainer.save({"style": 0.5})

    saved = torch.load(trainer.checkpoint, weights_only=True)

    assert saved["metrics"] == {"style": 0.5}
    assert saved["options"]["content_pool"] == 2
    assert len(saved["data"]) == 16


def test_an_unknown_option_is_refused(config):
    config.write_text("learning_speed = 3\n" + config.read_text())

    with pytest.raises(training.BadConfig, match="learning_speed"):
        training.read_options(config)


def test_an_unknown_layout_is_refused(config):
    config.write_text('layout = "eight"\n' + config.read_text())

    with pytest.raises(training.BadConfig, match="student"):
        training.Trainer(training.read_options(config))


def test_a_mix_of_two_styles_lies_between_them():
    black = data.StyleSample(torch.zeros(3, 4, 4), torch.zeros(1920))
    white = data.StyleSample(torch.ones(3, 4, 4), torch.full((1920,), 8.0))

    mixed = black.mixed_with(white, 0.25)

    assert mixed.image_3SS.unique().tolist() == [0.25]
    assert mixed.statistics.unique().tolist() == [2.0]


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(data.NoPictures):
        data.list_pictures([tmp_path])


def test_the_learning_rate_warms_up_and_falls(config):
    options = training.read_options(config)

    rates = [training.learning_rate(options, step) for step in (0, 3)]

    assert 0 < rates[0] < rates[1]


def test_a_crop_is_as_large_as_asked_from_any_picture(tmp_path):
    Image.new("RGB", (31, 90), "teal").save(tmp_path / "narrow.png")

    crop = data.load_crop(tmp_path / "narrow.png", 40, random.Random(0), zoom=1.2)

    assert crop.shape == (3, 40, 40)
    assert 0 <= crop.min() <= crop.max() <= 1
