"""The way to strength 0 is learned while the pair stands still, and weights from before it have none."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mlmodels import identity, runs, train
from mlmodels.options import BadConfig
from mlmodels.predictor import SeeingPredictor
from mlmodels.release import Release
from mlmodels.stylemodel import Kept, StyleModel, read_kept, write_kept
from tests.unit.mlmodels.networks import NARROW
from tests.unit.mlmodels.releases import write_release

NETWORK = {"width": 16, "deep": 24, "blocks": 1, **NARROW}
CONFIG = """
stage = "identity"
run = "{folder}/run"
vgg = ""
start_from = "{folder}/pair.safetensors"
content = ["{folder}/pictures"]
pool = 6
held_out = 2
size = 48
batch = 2
steps = {steps}
warm_up = 1
checkpoint_every = 2
threads = 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for name in "abcdef":
        areas = Image.fromarray(rng.integers(0, 255, (6, 7, 3), dtype=np.uint8))
        areas.resize((70, 60), Image.Resampling.BICUBIC).save(tmp_path / "pictures" / f"{name}.png")
    write_pair(tmp_path)
    return tmp_path


def write_pair(folder: Path, predictor: str = "mobilenetv3-texture") -> None:
    torch.manual_seed(0)
    model = StyleModel("student", NETWORK, predictor)
    torch.nn.init.normal_(model.transform.film.weight, std=0.05)
    write_kept(Kept("student", NETWORK, predictor, model.state_dict()), folder / "pair.safetensors")


def config(folder: Path, steps: int = 4) -> Path:
    path = folder / "identity.toml"
    path.write_text(CONFIG.format(folder=folder, steps=steps))
    return path


def trainer(folder: Path, steps: int = 4) -> identity.IdentityTrainer:
    return identity.IdentityTrainer(identity.read_options(config(folder, steps)))


def test_pictures_come_back_nearer_to_what_they_were(folder):
    run = trainer(folder, steps=25)
    owns = run.look()
    before = run.held_out(owns)

    for _ in range(25):
        run.train_step(owns)

    after = run.held_out(owns)
    assert after["psnr_db"] > before["psnr_db"] + 0.5
    assert after["content"] < before["content"]


def test_nothing_but_the_way_to_strength_0_learns(folder):
    began = read_kept(folder / "pair.safetensors").weights

    assert train.main([str(config(folder))]) == 0

    ended = read_kept(folder / "run" / "checkpoint.pt").weights
    changed = {name for name, value in ended.items() if not torch.equal(value, began[name])}
    assert changed == {"predictor.identity.weight", "predictor.identity.bias"}


def test_a_killed_run_ends_as_one_that_was_not(folder):
    whole = trainer(folder)
    whole.run(io.StringIO())
    ended = read_kept(whole.checkpoint).weights["predictor.identity.weight"]
    whole.checkpoint.unlink()

    killed = trainer(folder)
    owns = killed.look()
    taught = owns[2:]
    for _ in range(2):
        killed.train_step(taught)
    killed.save({})
    killed.train_step(taught)  # lost with the process
    trainer(folder).run(io.StringIO())

    again = read_kept(whole.checkpoint).weights["predictor.identity.weight"]
    # Where in memory a number lies decides how it is rounded; other pictures would turn signs.
    assert torch.allclose(again, ended, atol=1e-5)
    assert ended.abs().max() > 1e-3


def test_a_run_that_is_over_does_nothing(folder):
    trainer(folder).run(io.StringIO())
    said = io.StringIO()

    trainer(folder).run(said)

    assert said.getvalue() == ""


def test_of_a_mean_of_embeddings_it_is_the_mean(folder):
    predictor = predictor_of(read_kept(folder / "pair.safetensors").model())
    torch.nn.init.normal_(predictor.identity.weight)
    embeddings = torch.randn(5, 128, generator=torch.Generator().manual_seed(1))

    of_mean = predictor.identity_of(embeddings.mean(0, keepdim=True))[0]

    assert torch.allclose(of_mean, predictor.identity_of(embeddings).mean(0), atol=1e-4)


def test_weights_from_before_it_leave_the_own_embedding_as_it_is(folder):
    model = read_kept(folder / "pair.safetensors").model()
    old = {name: value for name, value in model.state_dict().items() if ".identity." not in name}
    torch.nn.init.normal_(predictor_of(model).identity.weight)

    model.load_state_dict(old)

    own = torch.randn(1, 128, generator=torch.Generator().manual_seed(2))
    assert torch.equal(predictor_of(model).identity_of(own), own)


def predictor_of(model: StyleModel) -> SeeingPredictor:
    assert isinstance(model.predictor, SeeingPredictor)
    return model.predictor


def test_strength_0_of_a_release_is_what_its_predictor_says(tmp_path):
    release = Release(write_release(tmp_path, "student"))
    own, style = np.ones(8, np.float32), np.zeros(8, np.float32)

    expected = release.predictor.identity_of(torch.ones(1, 8))[0].numpy()
    assert np.abs(expected - own).max() > 0.1
    np.testing.assert_array_equal(release.blend([(style, 1.0)], own, 0.0), expected)
    np.testing.assert_allclose(release.blend([(style, 1.0)], own, 0.5), expected / 2, atol=1e-6)


def test_a_pair_whose_predictor_sees_no_pictures_is_refused(folder):
    write_pair(folder, "statistics")

    with pytest.raises(BadConfig, match="no predictor that sees pictures"):
        trainer(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("pool = 6", "pool = 2"), "held_out"),
        (("held_out = 2", "held_out = 0"), "held_out"),
        (("checkpoint_every = 2", "checkpoint_every = 0"), "checkpoint_every must be at least 1"),
        (("pool = 6\nheld_out = 2", "pool = 9\nheld_out = 6"), "too few"),
        (("steps = 4", "stepps = 4"), "stepps"),
        (("pair.safetensors", "none.safetensors"), "none.safetensors"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(folder, change, said, capsys):
    path = config(folder)
    path.write_text(path.read_text().replace(*change))

    assert train.main([str(path)]) == 2

    refusal = capsys.readouterr().err
    assert said in refusal
    assert len(refusal.splitlines()) == 1
    assert not (folder / "run").exists()


def test_a_run_says_and_logs_the_parts_of_its_loss_and_draws_what_photographs_come_back_as(folder, monkeypatch):
    monkeypatch.setattr(identity, "REPORT_EVERY", 2)
    path = config(folder)
    path.write_text("sheet_every = 3\n" + path.read_text())
    output = io.StringIO()

    identity.IdentityTrainer(identity.read_options(path)).run(output)

    lines = output.getvalue().splitlines()
    assert [row.split()[0] for row in lines] == ["held", "step", "held", "step", "held"]
    assert [name in lines[1] for name in ("min left", "total", "content", "pixels")] == [True] * 4
    assert "psnr_db" in lines[0]
    log = EventAccumulator(str(folder / "run" / "log")).Reload()
    assert [event.step for event in log.Scalars("pixels")] == [2, 4]
    assert [event.step for event in log.Scalars("held out/psnr_db")] == [0, 2, 4]
    with Image.open(folder / "run" / "sheet-000003.jpg") as sheet:
        assert sheet.size == (2 * 48, 2 * 48)  # two photographs are held out


def test_a_checkpoint_tells_what_it_was_trained_on(folder):
    run = trainer(folder)
    run.run(io.StringIO())

    saved = torch.load(run.checkpoint, weights_only=True)

    assert saved["options"].items() >= dataclasses.asdict(run.options).items()
    assert saved["data"] == run.data
    assert saved["revision"] == run.revision == runs.git_revision()
    assert saved["metrics"].keys() == {"content", "psnr_db"}
    assert saved["means"].keys() == {"total", "content", "pixels"}


def test_a_run_that_goes_on_with_other_photographs_says_so(folder):
    run = trainer(folder)
    run.train_step(run.look())
    run.save({})
    changed = folder / "pictures" / "a.png"
    changed.write_bytes(changed.read_bytes() + b" ")
    said = io.StringIO()

    trainer(folder).run(said)

    assert said.getvalue().splitlines()[0] == runs.OTHER_DATA


def test_a_checkpoint_from_before_the_means_were_kept_is_gone_on_with(folder):
    run = trainer(folder)
    run.save({})
    saved = torch.load(run.checkpoint, weights_only=True)
    del saved["means"]
    torch.save(saved, run.checkpoint)

    assert trainer(folder).means == {}


def test_a_run_needs_no_warm_up(folder):
    run = trainer(folder)
    run.options = dataclasses.replace(run.options, warm_up=0)

    run.train_step(run.look())

    assert run.optimizer.param_groups[0]["lr"] == run.options.learning_rate
