"""A run resumes as if it had never been killed; bad files are refused."""

import dataclasses
import io
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mlmodels import data, objective, release, runs, sampling, sheets, stylemodel, train, training, vgg
from mlmodels.options import BadConfig, Phase, learning_rate, read_options
from mlmodels.predictor import PREDICTORS, StatisticsPredictor
from mlmodels.vgg import VGGFeatures
from tests.media import make_video, moving

ROOT = Path(__file__).resolve().parents[3]
DRAW_STYLE = sampling.Sampler._style
CONFIG = """
stage = "student"
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
    monkeypatch.setattr(
        sampling.Sampler, "_style", lambda self, rng, size: self.cache.style(rng.choice(self.styles), 32)
    )


def weights(trainer: training.Trainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


def test_a_killed_run_goes_on_with_the_same_pictures_and_the_same_weights(config):
    # A second folder for the run that is never interrupted.
    options = read_options(config)
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


def test_a_killed_worker_goes_on_with_the_clips_views_and_mixes_that_it_would_have_drawn(config, tmp_path, monkeypatch):
    """The second of two, as a real run draws; the first one's gradients happen to be the same."""
    monkeypatch.setattr(sampling.Sampler, "_style", DRAW_STYLE)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda gradients: gradients.mul_(2))
    (tmp_path / "clips").mkdir()
    make_video(tmp_path / "clips" / "square.mp4", moving(64, 48, 8))
    given = read_options(config)
    options = dataclasses.replace(
        given, workers=2, style_size=48, style_views=2, mix_share=0.5, favourites=given.styles,
        clips=f"{tmp_path}/clips", clip_share=0.5, cache=f"{tmp_path}/cache",
        phases=[dataclasses.replace(given.phases[0], batch=4)],
    )  # fmt: skip
    whole, first = (training.Trainer(options, worker=1) for _ in range(2))
    for _ in range(4):
        whole.train_step()

    first.train_step()
    first.train_step()
    first.save({})
    resumed = training.Trainer(options, worker=1)
    resumed.train_step()
    resumed.train_step()

    assert torch.equal(weights(resumed), weights(whole))
    drawn = list(whole.sampler.cache._kept)
    assert {key.split()[0] for key in drawn} == {"content", "clip", "style"}
    assert any(key.endswith("view 1") for key in drawn)


def test_workers_learn_from_the_mean_of_their_gradients(config, monkeypatch):
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda gradients: gradients.add_(3))
    trainer = training.Trainer(dataclasses.replace(read_options(config), workers=2))
    for weight in trainer.model.parameters():
        weight.grad = torch.ones_like(weight)

    trainer._share_gradients()

    shared = [weight.grad for weight in trainer.model.parameters() if weight.grad is not None]
    assert shared
    assert all(torch.equal(gradient, torch.full_like(gradient, 2)) for gradient in shared)


def test_fifty_steps_learn_a_style_by_the_losses_of_a_real_run(config):
    """VGG is random here, and tells pictures apart all the same."""
    terms = "size = 32\ntemporal = 0.0\nlearning_rate = [3e-3, 3e-3]"
    options = 'bf16 = "off"\nwarm_up = 1\nown_share = 0.0\n'
    config.write_text(options + config.read_text().replace("size = 32", terms))
    trainer = training.Trainer(read_options(config))
    known_to(trainer, 32)

    before = trainer.train_step()
    for _ in range(49):
        trainer.step = 0  # the same pictures
        after = trainer.train_step()

    assert after["total"] < 0.3 * before["total"]
    assert after["style"] < 0.3 * before["style"]
    assert after["content"] < before["content"]


def known_to(trainer: training.Trainer, size: int) -> None:
    """Two pictures of noise hardly differ: standardized to them alone, any others are a hundred deviations off."""
    pool = torch.stack([trainer.sampler.cache.style(path, size).statistics for path in trainer.sampler.styles])
    assert isinstance(trainer.model.predictor, StatisticsPredictor)
    trainer.model.predictor.standardize_to(torch.cat([pool, 0 * pool]))


def test_some_dozens_of_steps_learn_a_moving_picture_by_every_term(config):
    """Those that the test above leaves out: temporal, own and border, with the weights of the files."""
    terms = "size = 48\nbatch = 2\nown = 15.0\nborder = 150.0\nstructure = 1.0\nlearning_rate = [3e-3, 3e-3]"
    config.write_text(
        'bf16 = "off"\nwarm_up = 1\nown_share = 0.7\n' + config.read_text().replace("size = 32\nbatch = 1", terms)
    )
    for name in "ab":
        path = config.parent / "photos" / f"{name}.png"
        Image.open(path).resize((6, 5)).resize((48, 40), Image.Resampling.BICUBIC).save(path)  # that moves visibly
    trainer = training.Trainer(read_options(config))
    known_to(trainer, 32)

    before = trainer.train_step()
    assert all(before[name] > 0 for name in TERMS)
    for _ in range(49):
        trainer.step = 0  # the same pictures
        after = trainer.train_step()

    assert after["total"] < 0.15 * before["total"]
    assert all(after[name] < 0.4 * before[name] for name in ("output", "feature", "own", "border"))


def test_a_run_reports_logs_and_draws_sheets_on_the_way(config, monkeypatch):
    monkeypatch.setattr(training, "REPORT_EVERY", 2)
    drawn: list[str] = []
    monkeypatch.setattr(training, "draw_sheet", lambda model, sampler, path: drawn.append(path.name))
    config.write_text("sheet_every = 3\n" + config.read_text())
    trainer, output = training.Trainer(read_options(config)), io.StringIO()

    trainer.run(output)

    lines = output.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["2/4", "4/4"]
    assert drawn == ["sheet-000003.jpg"]
    logged = EventAccumulator(str(trainer.folder / "log")).Reload().Scalars("style")
    saved = torch.load(trainer.checkpoint, weights_only=True)["metrics"]
    assert [event.step for event in logged] == [2, 4]
    assert logged[-1].value == pytest.approx(saved["style"])


def test_a_line_says_where_a_run_is_and_what_is_left():
    line = runs.line(50, 100, 1.2, {"total": 2.0, "style": 0.25})

    assert line == "step 50/100  1.20 s/step  1 min left  total 2.0000 style 0.2500"


def test_a_run_that_is_over_leaves_its_checkpoint_as_it_is(config):
    training.Trainer(read_options(config)).run(io.StringIO())
    again = training.Trainer(read_options(config))
    before = again.checkpoint.read_bytes()

    again.run(io.StringIO())

    assert again.checkpoint.read_bytes() == before
    assert torch.load(again.checkpoint, weights_only=True)["metrics"]["total"] > 0


def test_the_means_of_a_resumed_run_go_on(config, monkeypatch):
    first = training.Trainer(read_options(config))
    first.step = 3
    first.save({"total": 100.0})
    resumed = training.Trainer(read_options(config))

    def train_step() -> dict[str, float]:
        resumed.step += 1
        return {"total": 0.0}

    monkeypatch.setattr(resumed, "train_step", train_step)

    resumed.run(io.StringIO())

    saved = torch.load(resumed.checkpoint, weights_only=True)
    assert saved["metrics"]["total"] == pytest.approx(97)


def test_what_a_killed_run_logged_after_its_last_checkpoint_is_taken_back(tmp_path):
    for step, value in ((0, 1.0), (2, 2.0)):  # killed at 4, the checkpoint at 2
        with runs.progress(tmp_path, step, 4, {}, io.StringIO()) as told:
            told.add({"total": value})
            for at in range(step + 1, 5):
                told.report(at)

    logged = EventAccumulator(str(tmp_path / "log")).Reload().Scalars("total")

    assert [(event.step, event.value) for event in logged] == [(1, 1), (2, 1), (3, 2), (4, 2)]


def test_the_revision_is_that_of_the_code_wherever_a_run_begins_and_says_what_was_changed(tmp_path, monkeypatch):
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    (tmp_path / "code.py").write_text("1")
    git("init")
    git("add", "code.py")
    git("commit", "-m", "one")
    monkeypatch.setattr(runs, "PACKAGE", tmp_path)

    clean = runs.git_revision.__wrapped__()
    (tmp_path / "code.py").write_text("2")
    changed = runs.git_revision.__wrapped__()

    assert clean == git("rev-parse", "HEAD").strip()
    assert changed == f"{clean}-dirty"


def test_a_photograph_is_painted_in_the_style_that_is_farthest_from_it(config, tmp_path):
    (tmp_path / "photos" / "a.png").rename(tmp_path / "paintings" / "a.png")  # a style as near as can be
    Image.new("RGB", (48, 40), "black").save(tmp_path / "paintings" / "b.png")
    config.write_text("style_contest = 12\nown_share = 0.0\n" + config.read_text())
    trainer = training.Trainer(read_options(config))
    black = trainer.sampler.cache.style(tmp_path / "paintings" / "b.png", 32)

    batches = [trainer.sampler.draw(step, trainer.options.phases[0]) for step in range(6)]

    assert all(torch.equal(batch.style_BS[0], black.statistics) for batch in batches)


def test_a_checkpoint_tells_what_it_was_trained_on(config):
    trainer = training.Trainer(read_options(config))
    trainer.save({"style": 0.5})

    saved = torch.load(trainer.checkpoint, weights_only=True)

    assert saved["metrics"] == {"style": 0.5}
    assert saved["options"]["content_pool"] == 2
    assert saved["data"] == trainer.sampler.data
    assert saved["revision"] == trainer.revision == runs.git_revision()


@pytest.mark.parametrize("changed", ["photos/a.png", "paintings/b.png", "presets/c.png", "clips/d.mp4"])
def test_other_data_of_any_kind_has_another_fingerprint(config, tmp_path, changed):
    for file in (tmp_path / "presets" / "c.png", tmp_path / "clips" / "d.mp4"):
        file.parent.mkdir()
        file.write_bytes(b"as it was")
    config.write_text(f'favourites = ["{tmp_path}/presets"]\nclips = "{tmp_path}/clips"\n' + config.read_text())
    options, cache = read_options(config), data.FeatureCache(VGGFeatures())
    before, again = (sampling.Sampler(options, cache).data for _ in range(2))

    (tmp_path / changed).write_bytes(b"something else")

    assert again == before
    assert sampling.Sampler(options, cache).data != before


def test_a_run_that_goes_on_with_other_data_says_so_in_a_line(config, tmp_path):
    trainer = training.Trainer(read_options(config))
    trainer.step = 4  # all of them
    trainer.save({})
    same, other = io.StringIO(), io.StringIO()

    training.Trainer(read_options(config)).run(same)
    (tmp_path / "photos" / "a.png").write_bytes(b"something else")
    training.Trainer(read_options(config)).run(other)

    assert same.getvalue() == ""
    assert other.getvalue() == "the pictures or clips are not those of the checkpoint; going on with these\n"


def test_an_unknown_option_is_refused(config):
    config.write_text("learning_speed = 3\n" + config.read_text())

    with pytest.raises(BadConfig, match="learning_speed"):
        read_options(config)


@pytest.mark.parametrize("lines", ["style_size = 384", 'style_size = 96\nembed_with = "student.safetensors"'])
def test_a_size_of_styles_that_the_predictor_cannot_be_taught_is_refused(config, lines):
    config.write_text(f"{lines}\n" + config.read_text())

    with pytest.raises(BadConfig, match="style_size is at least 224"):
        read_options(config)


@pytest.mark.parametrize("zoom", ["[2.0]", "[0.5, 2.0]", "[2.0, 1.0]", '["a", "b"]'])
def test_a_zoom_that_is_none_is_refused(config, zoom):
    config.write_text(f"content_zoom = {zoom}\n" + config.read_text())

    with pytest.raises(BadConfig, match=r"zoom|convert"):
        read_options(config)


@pytest.mark.parametrize(("lines", "measured"), [("", (224, 0)), ('style_size = 384\nembed_with = "x"\n', (384, 176))])
def test_large_styles_are_measured_in_pieces_of_the_paintings_size(config, monkeypatch, lines, measured):
    config.write_text(lines + config.read_text())
    asked = []
    monkeypatch.setattr(data.FeatureCache, "style", lambda self, path, size, view=0, part=0: asked.append((size, part)))
    sampler = sampling.Sampler(read_options(config), data.FeatureCache(VGGFeatures()))

    sampler.style(sampler.styles[0], 176)

    assert asked == [measured]


def test_what_is_its_own_style_is_shown_to_the_predictor_as_a_frame_is(config):
    config.write_text("content_zoom = [1.5, 2.0]\nown_share = 1.0\n" + config.read_text())
    sampler = training.Trainer(options := read_options(config)).sampler

    batch = sampler.draw(0, options.phases[0])

    assert {tuple(image.shape) for image in batch.style_images} == {(3, 224, 224)}
    assert batch.images.shape[-1] == options.phases[0].size


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_predictor_is_taught_with_pictures_of_the_size_that_its_lessons_had(name):
    model = stylemodel.StyleModel("student", {"blocks": 1, "width": 16}, name)
    side = PREDICTORS[name].TAUGHT_SIZE
    images = [torch.rand(3, side, side), torch.rand(3, 40, 40)]

    embeddings = model.embed(torch.empty(2, 0), images)

    shown = torch.stack([images[0], stylemodel.resized(images[1], side)])
    assert torch.equal(embeddings, model.predictor(shown))


@pytest.mark.parametrize("line", ["", 'stage = "studend"'])
def test_a_file_without_a_known_stage_is_refused_in_one_line(config, capsys, line):
    config.write_text(config.read_text().replace('stage = "student"', line))

    assert train.main([str(config)]) == 2
    said = capsys.readouterr().err
    assert "stage must be one of teacher, student" in said
    assert said.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_graphics_card_that_is_not_there_is_refused(config):
    config.write_text('device = "cuda"\n' + config.read_text())

    with pytest.raises(BadConfig, match="cuda"):
        training.Trainer(read_options(config))


def test_what_is_kept_of_a_run_begins_the_next_one(config, tmp_path):
    trainer = training.Trainer(read_options(config))
    trainer.train_step()
    trainer.save({})
    kept = tmp_path / "kept.safetensors"
    stylemodel.keep(trainer.checkpoint, kept)
    config.write_text(f'start_from = "{kept}"\n' + config.read_text().replace("/run", "/next"))

    following = training.Trainer(read_options(config))

    assert following.step == 0
    torch.testing.assert_close(weights(following), weights(trainer), atol=1e-3, rtol=1e-3)  # half precision on disk


def test_a_part_painted_by_itself_is_the_whole_where_the_part_is_all_there_is(config):
    model = training.Trainer(read_options(config)).model
    frames, statistics = torch.rand(1, 3, 48, 48), torch.rand(1, 1920)

    with torch.no_grad():
        whole, _, alone = model(frames, statistics, [], (slice(0, 48), slice(0, 48)))
        *_, corner = model(frames, statistics, [], (slice(0, 24), slice(24, 48)))

    assert torch.allclose(alone, whole, atol=1e-5)
    assert corner.shape == (1, 3, 24, 24)
    assert not torch.allclose(corner, whole[..., :24, 24:], atol=1e-3)  # it ends where the whole goes on


def test_the_border_term_teaches_a_part_to_look_as_if_it_went_on(config):
    alone = "size = 48\nborder = 3000.0\nstyle = 0.0\ncontent = 0.0"
    config.write_text("warm_up = 1\n" + config.read_text().replace("size = 32", alone))
    trainer = training.Trainer(read_options(config))
    torch.nn.init.normal_(trainer.model.transform.film.weight, std=0.3)

    before = trainer.train_step()["border"]
    for _ in range(12):
        trainer.step = 0  # the same pictures
        after = trainer.train_step()["border"]

    assert after < 0.7 * before


def test_no_term_sees_a_size_in_weights_that_are_normalized(config):
    model = training.Trainer(read_options(config)).model
    torch.nn.init.normal_(model.transform.film.weight, std=0.3)

    whole, _, alone = model(torch.rand(1, 3, 48, 48), torch.rand(1, 1920), [], (slice(0, 24), slice(24, 48)))
    (alone - whole[..., :24, 24:].detach()).square().mean().backward()

    weight = dict(model.named_parameters())["transform.deeper.1.weight"]
    assert weight.grad is not None
    along = (weight.grad * weight).sum().abs() / (weight.grad.norm() * weight.norm())
    assert along < 0.002  # or the weights shrink without end: it cost a run


@pytest.mark.parametrize("size", [32, 48, 192])
def test_a_part_lies_within_its_frame_on_the_grid_of_the_strides(size):
    for seed in range(20):
        for side in sampling.part_of_frame(random.Random(seed), size):
            assert 0 <= side.start < side.stop <= size
            assert side.start % 8 == 0
            assert side.stop - side.start == size // 16 * 8


def test_a_teacher_begins_where_a_separable_painter_stands(config):
    student = training.Trainer(read_options(config))
    student.save({})
    text = config.read_text().replace('stage = "student"', 'stage = "teacher"\nlayout = "teacher"')
    config.write_text(f'start_from = "{student.checkpoint}"\n' + text.replace("/run", "/teacher"))

    teacher = training.Trainer(read_options(config)).model

    assert teacher.transform.plain
    images, embedding = torch.rand(1, 3, 32, 32), torch.randn(1, 128)
    with torch.no_grad():
        difference = teacher.transform(images, embedding) - student.model.transform(images, embedding)
    assert difference.abs().max() < 1e-4


@pytest.fixture
def paired(config, tmp_path) -> Path:
    """A file for the stage after distillation: a trained painter, and a picture predictor that was taught."""
    trainer = training.Trainer(read_options(config))
    trainer.save({})
    distilled = {
        "options": {"student": "mobilenetv3-texture"},
        "model": PREDICTORS["mobilenetv3-texture"]().state_dict(),
    }
    torch.save(distilled, tmp_path / "distilled.pt")
    start = f'start_from = "{trainer.checkpoint}"\nembed_with = "{tmp_path}/distilled.pt"\n'
    config.write_text(start + config.read_text().replace("/run", "/pair").replace('"student"', '"pair"'))
    return config


def test_the_pair_goes_on_with_the_painter_and_the_distilled_predictor_and_teaches_both(paired, tmp_path):
    trainer = training.Trainer(read_options(paired))
    distilled = torch.load(tmp_path / "distilled.pt", weights_only=True)["model"]
    painter = stylemodel.read_kept(tmp_path / "run" / "checkpoint.pt").weights
    now = trainer.model.state_dict()
    assert all(torch.equal(now[f"predictor.{name}"], value) for name, value in distilled.items())
    assert all(torch.equal(now[name], painter[name]) for name in painter if name.startswith("transform."))

    trainer.train_step()

    now = trainer.model.state_dict()
    assert not torch.equal(now["predictor.head.2.weight"], distilled["head.2.weight"])
    assert torch.equal(now["predictor.tail.1.running_mean"], distilled["tail.1.running_mean"])  # lessons know better


def test_a_pair_that_was_kept_is_all_that_a_later_run_needs(paired, tmp_path):
    trainer = training.Trainer(read_options(paired))
    trainer.train_step()
    trainer.save({})
    kept = tmp_path / "kept.safetensors"
    stylemodel.keep(trainer.checkpoint, kept)
    text = paired.read_text().replace(f"{tmp_path}/run/checkpoint.pt", str(kept)).replace("/pair", "/next")
    paired.write_text(text.replace(f"{tmp_path}/distilled.pt", str(kept)))

    following = training.Trainer(read_options(paired))

    torch.testing.assert_close(weights(following), weights(trainer), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "held",
    [
        b"", b"nothing of the kind", {"options": {}, "model": {}}, {"options": {"student": "mobilenetv9"}, "model": {}},
        {"options": {"student": "mobilenetv3-texture"}, "model": {"other": torch.zeros(1)}},
    ],
    ids=["empty", "no checkpoint", "of another stage", "no such predictor", "other weights"],
)  # fmt: skip
def test_a_pair_without_a_distilled_predictor_is_refused_in_a_line(paired, tmp_path, capsys, held):
    wrong = tmp_path / "distilled.pt"
    wrong.write_bytes(held) if isinstance(held, bytes) else torch.save(held, wrong)

    code = train.main([str(paired)])

    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2
    assert line.startswith(f"train: embed_with: {wrong} holds no distilled predictor: ")


def test_a_pair_that_was_killed_goes_on_and_its_predictor_needs_no_other_run_to_be_released(paired, tmp_path):
    trainer = training.Trainer(read_options(paired))
    trainer.train_step()
    trainer.save({})

    resumed = training.Trainer(read_options(paired))
    release.export(tmp_path / "pair", None, tmp_path / "out", name="trial", version="0.1", precision="half")

    assert torch.equal(weights(resumed), weights(trainer))
    shipped = release.Release(tmp_path / "out").predictor.state_dict()["head.2.weight"]
    torch.testing.assert_close(shipped, trainer.model.predictor.state_dict()["head.2.weight"], atol=1e-3, rtol=1e-3)


def test_quantization_aware_training_paints_with_the_weights_that_will_ship(paired, tmp_path):
    training.Trainer(read_options(paired)).save({})
    paired.write_text(paired.read_text().replace('stage = "pair"', 'stage = "quantize"'))
    trainer = training.Trainer(read_options(paired))
    batch = trainer.sampler.draw(0, trainer.options.phases[0])
    exact, coarse = (
        objective.losses_of(trainer.model, trainer.vgg, batch, trainer.options.phases[0], int8=int8)["content"]
        for int8 in (False, True)
    )
    before = weights(trainer)

    trainer.train_step()

    assert exact != coarse
    moved = (weights(trainer) != before).float().mean()
    assert moved > 0.5  # the gradient passes through the rounding


def test_quantization_aware_training_rounds_what_enters_a_convolution(paired):
    text = paired.read_text().replace('stage = "pair"', 'stage = "quantize"')
    paired.write_text('bf16 = "off"\n' + text)  # whose numbers are few by themselves
    trainer, seen = training.Trainer(read_options(paired)), []
    pointwise = trainer.model.transform.get_submodule("deeper.1")
    pointwise.register_forward_pre_hook(lambda part, inputs: seen.append(inputs[0].detach()))

    trainer.train_step()

    levels = (seen[0] * 1e4).round().unique()  # passing the gradient on may cost the last bit
    assert seen[0].numel() > 1000
    assert len(levels) <= 256


def test_quantization_aware_training_is_never_in_bfloat16(paired, monkeypatch):
    monkeypatch.setattr(vgg, "has_bf16", lambda: True)
    paired.write_text(paired.read_text().replace('stage = "pair"', 'stage = "quantize"'))
    trainer, kinds = training.Trainer(read_options(paired)), set()
    for part in trainer.model.transform.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.register_forward_hook(lambda part, inputs, output: kinds.add(output.dtype))

    trainer.train_step()

    assert kinds == {torch.float32}


def test_bfloat16_for_quantization_aware_training_is_refused(paired):
    paired.write_text('bf16 = "on"\n' + paired.read_text().replace('stage = "pair"', 'stage = "quantize"'))

    with pytest.raises(BadConfig, match="single precision"):
        read_options(paired)


def test_some_dozens_of_steps_learn_a_picture_with_weights_and_activations_rounded(paired):
    text = paired.read_text().replace('stage = "pair"', 'stage = "quantize"')
    terms = "size = 32\ntemporal = 0.0\nlearning_rate = [3e-3, 3e-3]"
    paired.write_text("warm_up = 1\nown_share = 0.0\n" + text.replace("size = 32", terms))
    trainer = training.Trainer(read_options(paired))

    before = trainer.train_step()
    for _ in range(39):
        trainer.step = 0  # the same pictures
        after = trainer.train_step()

    assert after["total"] < 0.25 * before["total"]


def test_a_predictor_that_was_distilled_anew_is_not_replaced_by_that_of_the_pair_it_begins_with(paired, tmp_path):
    pair = training.Trainer(read_options(paired))
    pair.train_step()
    pair.save({})
    text = paired.read_text().replace(f"{tmp_path}/run/checkpoint.pt", str(pair.checkpoint))
    paired.write_text(text.replace('/pair"', '/next"'))

    following = training.Trainer(read_options(paired)).model.state_dict()

    distilled = torch.load(tmp_path / "distilled.pt", weights_only=True)["model"]
    painter = stylemodel.part_of(pair.model.state_dict(), "transform")
    assert all(torch.equal(following[f"predictor.{name}"], value) for name, value in distilled.items())
    assert all(torch.equal(following[f"transform.{name}"], value) for name, value in painter.items())


@pytest.mark.parametrize("name", ["kept.safetensors", "checkpoint.pt"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing of the kind")

    with pytest.raises(BadConfig, match=name):
        stylemodel.read_kept(tmp_path / name)


def test_a_sheet_shows_every_photograph_in_every_style(config, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "SIDE", 32)
    trainer = training.Trainer(read_options(config))

    sheets.draw_sheet(trainer.model, trainer.sampler, tmp_path / "sheet.jpg")

    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (3 * 32, 3 * 32)  # two styles and two photographs, with a border of themselves


TERMS = ("content", "structure", "style", "output", "feature", "variation", "lattice", "border", "own")


@pytest.mark.parametrize("term", [*TERMS, "temporal"])
def test_every_term_can_be_switched_off(term):
    parts = {name: torch.ones(2) for name in TERMS}
    own = torch.tensor([True, False])
    whole = Phase(steps=1, temporal=1, **dict.fromkeys(TERMS, 1))  # type: ignore[arg-type]

    without = dataclasses.replace(whole, **{term: 0})  # type: ignore[arg-type]

    assert objective.weighed(parts, without, own) < objective.weighed(parts, whole, own)


@pytest.mark.parametrize(("off", "on", "share"), [("output", "feature", 0.002), ("feature", "output", 1.0)])
def test_each_level_of_the_temporal_term_can_be_switched_off_by_itself(off, on, share):
    parts = {name: torch.zeros(2) for name in TERMS} | {off: torch.full((2,), 9.0), on: torch.ones(2)}

    phase = dataclasses.replace(Phase(steps=1, temporal=150), **{off: 0})  # type: ignore[arg-type]

    weighed = objective.weighed(parts, phase, torch.tensor([True, False]))
    assert weighed.item() == pytest.approx(150 * share)  # a file that names no shares means what it always meant


def test_an_unknown_layout_is_refused(config):
    config.write_text('layout = "eight"\n' + config.read_text())

    with pytest.raises(BadConfig, match="student"):
        training.Trainer(read_options(config))


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
    options = read_options(config)

    rates = [learning_rate(options, step) for step in (0, 3)]

    assert 0 < rates[0] < rates[1]


def test_without_warm_up_the_first_step_has_the_whole_learning_rate(config):
    config.write_text("warm_up = 0\n" + config.read_text())

    assert learning_rate(read_options(config), 0) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("given", "change"), [("checkpoint_every = 2", "checkpoint_every = 0"), ("batch = 1", "batch = 0")]
)
def test_a_number_that_must_be_one_at_least_is_refused(config, given, change):
    config.write_text(config.read_text().replace(given, change))

    with pytest.raises(BadConfig, match="must be at least 1"):
        read_options(config)


def test_a_clip_too_short_for_a_pair_is_refused_before_the_first_step(config, tmp_path, capsys):
    (tmp_path / "clips").mkdir()
    make_video(tmp_path / "clips" / "short.mp4", moving(64, 48, 2))
    config.write_text(f'clips = "{tmp_path}/clips"\n' + config.read_text())

    assert train.main([str(config)]) == 2
    assert "short.mp4 has 2 frames" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_crop_is_as_large_as_asked_from_any_picture(tmp_path):
    Image.new("RGB", (31, 90), "teal").save(tmp_path / "narrow.png")

    crop = data.load_crop(tmp_path / "narrow.png", 40, random.Random(0), zoom=1.2)

    assert crop.shape == (3, 40, 40)
    assert 0 <= crop.min() <= crop.max() <= 1


@pytest.mark.live
def test_the_workers_of_a_run_begun_in_the_background_die_with_it(config):
    """A shell's `&` makes children ignore SIGINT, which is what torch would end them with."""
    text = config.read_text().replace("batch = 1", "batch = 2").replace("steps = 4", "steps = 100000")
    config.write_text("workers = 2\nwarm_up = 1\nsheet_every = 0\n" + text)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = subprocess.Popen([sys.executable, "-m", "mlmodels.train", str(config)], cwd=ROOT)
    finally:
        signal.signal(signal.SIGINT, before)
    checkpoint = config.parent / "run" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = psutil.Process(run.pid).children(recursive=True)

    run.kill()
    run.wait()

    assert len(workers) >= 2
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
