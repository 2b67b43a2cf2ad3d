"""The student learns what its teacher says, and lessons outlive a kill."""

import dataclasses
import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mlmodels import distillation, runs, train
from mlmodels.options import BadConfig
from mlmodels.release import Release
from mlmodels.shipped import SHIPPED
from mlmodels.stylemodel import StyleModel

CONFIG = """
stage = "distill"
run = "{folder}/run"
vgg = ""
teacher = "{folder}/teacher.pt"
lessons = [[32, 12]]
held_out = 4
steps = 4
batch = 4
threads = 1
[pictures]
"{folder}/pictures" = 1.0
"""

PICTURES = ("a", "b", "c", "d")  # the last one is held out


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    assert [distillation.is_apart(Path(f"{name}.png")) for name in PICTURES] == [False, False, False, True]
    for name in PICTURES:
        Image.fromarray(rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(tmp_path / "pictures" / f"{name}.png")
    torch.manual_seed(0)
    network = {"blocks": 1, "width": 16, "deep": 16}
    model = StyleModel("student", network).state_dict()
    torch.save({"options": {"layout": "student", "network": network}, "model": model}, tmp_path / "teacher.pt")
    path = tmp_path / "distill.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def distiller(config: Path) -> distillation.Distiller:
    return distillation.Distiller(distillation.read_options(config))


def test_lessons_are_measured_once(config, monkeypatch):
    distiller(config).prepare(io.StringIO())
    monkeypatch.setattr(distillation, "measured", lambda *_: pytest.fail("measured again"))

    again = distiller(config)
    again.prepare(io.StringIO())

    assert again.lessons[0].done == 12
    assert np.abs(again.lessons[0].statistics).sum(1).min() > 0


def test_lessons_that_are_held_out_show_pictures_that_no_other_lesson_shows(config, monkeypatch):
    small, large = distillation.lessons_of(two_sizes(config))

    taught = [
        pictures for kind, count in ((small, 12), (large, 8)) for pictures in shown(kind, range(count), monkeypatch)
    ]
    apart = shown(large, range(8, 12), monkeypatch)

    assert all("d" not in pictures for pictures in taught)
    assert all(set(pictures) == {"d"} for pictures in apart)


def test_a_large_lesson_is_not_a_small_one_once_more(config, monkeypatch):
    small, large = (shown(kind, range(8), monkeypatch) for kind in distillation.lessons_of(two_sizes(config)))

    assert small != large


def shown(lessons: distillation.Lessons, indices: range, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Which pictures each of the lessons shows: one, or two laid over each other."""
    cut: list[str] = []

    def load_crop(path: Path, size: int, *_: object, **__: object) -> torch.Tensor:
        cut.append(path.stem)
        return torch.zeros(3, size, size)

    monkeypatch.setattr(distillation, "load_crop", load_crop)
    pictures = []
    for index in indices:
        cut.clear()
        lessons._draw(index)
        pictures.append(list(cut))
    return pictures


def two_sizes(config: Path) -> distillation.DistillOptions:
    return dataclasses.replace(distillation.read_options(config), lessons=[[32, 12], [48, 12]])


def test_lessons_of_before_are_not_taken_for_ones_whose_pictures_are_held_out(config):
    options = distillation.read_options(config)
    (lessons,) = distillation.lessons_of(options)
    of_before = Path(options.run) / f"lessons-32-12-1-{lessons.data}"
    of_before.mkdir()
    (of_before / "done").write_text("12")

    (again,) = distillation.lessons_of(options)

    assert again.done == 0


def test_pictures_of_which_none_can_be_held_out_are_refused(config, tmp_path):
    (tmp_path / "pictures" / "d.png").unlink()

    with pytest.raises(BadConfig, match="too few pictures"):
        distiller(config)


@pytest.mark.parametrize("held_out", [0, 12])
def test_lessons_of_which_none_is_left_are_refused(config, held_out):
    config.write_text(config.read_text().replace("held_out = 4", f"held_out = {held_out}"))

    with pytest.raises(BadConfig, match="held_out"):
        distillation.read_options(config)


def test_lessons_have_their_room_on_the_disk_before_they_are_measured(config):
    lessons = distillation.Lessons(distillation.read_options(config), 64, 8)

    for path in lessons.folder.glob("*.npy"):
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_disk_without_room_for_the_lessons_is_said_at_once(config, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)

    with pytest.raises(OSError, match="No space left"):
        distillation.Lessons(distillation.read_options(config), 64, 8)

    assert not [path for path in Path(distillation.read_options(config).run).rglob("*") if path.is_file()]


def test_lessons_that_a_kill_left_half_written_are_measured_again(config):
    first = distiller(config)
    first.prepare(io.StringIO())
    whole = np.array(first.lessons[0].statistics)
    first.lessons[0]._mark(0)
    first.lessons[0].statistics[:] = 0

    again = distiller(config)
    again.prepare(io.StringIO())

    np.testing.assert_array_equal(again.lessons[0].statistics, whole)


def test_a_killed_student_goes_on_where_it_was(config):
    whole = distiller(config)
    whole.prepare(io.StringIO())
    for _ in range(4):
        whole.train_step()

    first = distiller(config)
    first.prepare(io.StringIO())
    first.train_step()
    first.train_step()
    first.save({})
    resumed = distiller(config)
    resumed.run(io.StringIO())

    assert resumed.step == 4
    assert torch.equal(weights(resumed), weights(whole))


def test_batch_norms_settle_on_the_lessons_whatever_they_followed_before(config):
    ours = distiller(config)
    ours.prepare(io.StringIO())
    norm = next(part for part in ours.student.modules() if isinstance(part, torch.nn.BatchNorm2d))
    assert norm.running_mean is not None
    norm.running_mean.fill_(100)
    seen = []
    norm.register_forward_pre_hook(lambda part, inputs: seen.append(inputs[0].mean((0, 2, 3))))

    ours.settle()

    assert len(seen) == distillation.SETTLING
    torch.testing.assert_close(norm.running_mean, torch.stack(seen).mean(0), atol=1e-4, rtol=1e-3)
    assert norm.momentum == 0.1


def weights(distiller: distillation.Distiller) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in distiller.student.parameters()])


def test_who_says_what_the_teacher_says_is_without_fault(config):
    ours = distiller(config)
    ours.prepare(io.StringIO())
    target, images = ours.targets[0][:4], torch.rand(4, 3, 32, 32)

    assert ours.weighed(ours.errors(target, target)) == 0
    assert ours.output_loss(images, target, target) < 1e-9  # training and use sum a norm's statistics in another order
    assert all(error > 0 for error in ours.errors(target + 1, target).values())
    assert ours.output_loss(images, target + 10, target) > 0


def taught(config: Path, **options: Any) -> distillation.Distiller:
    """One step further, by the same lessons."""
    ours = distillation.Distiller(dataclasses.replace(distillation.read_options(config), **options))
    ours.prepare(io.StringIO())
    ours.train_step()
    return ours


def test_the_output_term_teaches_the_student(config):
    without, again, with_it = (taught(config, output=weight) for weight in (0.0, 0.0, 1.0))

    assert torch.equal(weights(without), weights(again))
    assert not torch.equal(weights(without), weights(with_it))
    assert all(weight.grad is None for weight in with_it.teacher.parameters())


def test_either_term_of_the_loss_can_be_all_there_is(config):
    ours = distiller(config)
    ours.prepare(io.StringIO())
    film, target = ours.teacher.transform.film, ours.targets[0][:4]
    film.weight[:, 0] = 0  # a number that no norm layer reads
    unread = target + 3 * torch.eye(128)[0]
    read = target + 3 * torch.eye(128)[1]

    def loss(predicted: torch.Tensor, **only: Any) -> float:
        ours.options = dataclasses.replace(ours.options, **only)
        return float(ours.weighed(ours.errors(predicted, target)))

    assert loss(unread, embedding=0.0, readout=1.0) == 0
    assert loss(read, embedding=0.0, readout=2.0) == pytest.approx(
        2 * float((3 * film.weight[:, 1]).square().mean() / ours.read_spread), rel=1e-3
    )
    assert loss(unread, embedding=1.0, readout=0.0) == pytest.approx(9 / 128 / float(ours.spread), rel=1e-3)
    assert loss(read, embedding=1.0, readout=0.0) == pytest.approx(9 / 128 / float(ours.spread), rel=1e-3)


def test_some_dozens_of_steps_learn_a_batch_by_heart(config):
    config.write_text("settled = 0.0\noutput = 0.1\n" + config.read_text().replace("steps = 4", "steps = 1000"))
    ours = distiller(config)
    ours.prepare(io.StringIO())

    before = ours.train_step()
    for _ in range(39):
        ours.step = 30  # the same lessons, warmed up
        after = ours.train_step()

    assert all(after[name] < 0.1 * before[name] for name in ("total", "embedding", "readout"))
    assert after["output"] < 0.5 * before["output"]


def test_a_teacher_that_sees_pictures_is_refused_before_lessons_are_measured(config, tmp_path, capsys):
    saved = torch.load(tmp_path / "teacher.pt", weights_only=True)
    sees = StyleModel("student", saved["options"]["network"], "mobilenetv3-texture").state_dict()
    torch.save({**saved, "predictor": "mobilenetv3-texture", "model": sees}, tmp_path / "teacher.pt")

    code = train.main([str(config)])

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err == f"train: teacher: {tmp_path}/teacher.pt has no predictor of VGG statistics\n"


@pytest.mark.parametrize(("change", "said"), [("batch = 0", "batch must be"), ('student = "vit"', "no student vit")])
def test_an_option_that_cannot_be_is_refused(config, change, said):
    config.write_text(
        f"{change}\n" + config.read_text().replace("batch = 4\n", "" if "batch" in change else "batch = 4\n")
    )

    with pytest.raises(BadConfig, match=said):
        distillation.read_options(config)


def test_an_unknown_option_is_refused(config):
    config.write_text("speed = 3\n" + config.read_text())

    with pytest.raises(BadConfig, match="speed"):
        distillation.read_options(config)


@pytest.mark.parametrize("kind", ["checkpoint", "release"])
def test_a_new_student_takes_over_the_eyes_of_an_earlier_one(config, kind):
    if kind == "checkpoint":
        earlier = distiller(config)
        earlier.save({})
        known, where = earlier.student.state_dict(), earlier.checkpoint
    else:
        known, where = Release(SHIPPED).predictor.state_dict(), SHIPPED
    config.write_text(f'start_from = "{where}"\n' + config.read_text().replace("/run", "/next"))

    ours = distiller(config)
    ours.begin()

    torch.testing.assert_close(ours.student.state_dict()["blocks.5.steps.0.weight"], known["blocks.5.steps.0.weight"])


@pytest.mark.parametrize("kind", ["no file", "no checkpoint", "of another stage"])
def test_a_student_that_begins_with_something_else_is_refused_in_a_line(config, tmp_path, capsys, kind):
    wrong = tmp_path / "earlier.pt"
    if kind == "no checkpoint":
        wrong.write_bytes(b"nothing of the kind")
    elif kind == "of another stage":
        wrong.write_bytes((tmp_path / "teacher.pt").read_bytes())
    config.write_text(f'start_from = "{wrong}"\n' + config.read_text())

    code = train.main([str(config)])

    said = capsys.readouterr()
    (line,) = said.err.splitlines()
    assert (code, said.out) == (2, "")  # before any lesson is measured
    assert line.startswith(f"train: start_from: {wrong} holds no distilled predictor: ")


def test_a_student_that_begins_with_a_folder_without_a_release_is_refused_in_a_line(config, tmp_path, capsys):
    config.write_text(f'start_from = "{tmp_path}"\n' + config.read_text())

    assert train.main([str(config)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_last_steps_are_taken_with_the_batch_norms_as_they_will_be_used(config):
    config.write_text("settled = 0.5\n" + config.read_text())
    ours = distiller(config)
    ours.prepare(io.StringIO())
    norm = next(part for part in ours.student.modules() if isinstance(part, torch.nn.BatchNorm2d))
    means = []
    for _ in range(4):
        ours.train_step()
        assert norm.running_mean is not None
        means.append(norm.running_mean.clone())

    assert not torch.equal(means[0], means[1])  # moves with the batches
    assert not torch.equal(means[1], means[2])  # settled on many of them
    assert torch.equal(means[2], means[3])


def test_a_run_whose_batch_norms_never_stand_still_ends_settled(config, monkeypatch):
    config.write_text("settled = 0.0\n" + config.read_text())
    ours = distiller(config)
    settled: list[int] = []
    monkeypatch.setattr(ours, "settle", lambda: settled.append(ours.step))

    ours.run(io.StringIO())

    assert settled == [4]


def test_a_run_says_and_logs_the_parts_of_its_loss_and_draws_the_teachers_painting_beside_the_students(
    config, monkeypatch
):
    monkeypatch.setattr(distillation, "REPORT_EVERY", 2)
    config.write_text("sheet_every = 3\noutput = 1.0\n" + config.read_text())
    ours, output = distiller(config), io.StringIO()

    ours.run(output)

    lines = output.getvalue().splitlines()[1:]  # lessons before
    assert [row.split()[0] for row in lines] == ["step", "step", "held"]
    assert [name in lines[0] for name in ("min left", "total", "embedding", "readout", "output")] == [True] * 5
    run = ours.checkpoint.parent
    log = EventAccumulator(str(run / "log")).Reload()
    assert [event.step for event in log.Scalars("readout")] == [2, 4]
    assert [event.step for event in log.Scalars("held out/held_out")] == [4]
    with Image.open(run / "sheet-000003.jpg") as sheet:
        assert sheet.size == (4 * 32, 4 * 32)  # four lessons are held out


def test_a_checkpoint_tells_what_it_was_taught_with(config):
    ours = distiller(config)
    ours.run(io.StringIO())

    saved = torch.load(ours.checkpoint, weights_only=True)

    assert saved["options"] == dataclasses.asdict(ours.options)
    assert saved["data"] == [lessons.data for lessons in ours.lessons]
    assert saved["revision"] == ours.revision == runs.git_revision()
    assert saved["metrics"].keys() == {"held_out"}
    assert saved["means"].keys() == {"total", "embedding", "readout"}


def test_a_run_that_is_over_leaves_its_checkpoint_as_it_is_and_measures_nothing(config):
    distiller(config).run(io.StringIO())
    again, output = distiller(config), io.StringIO()
    before = again.checkpoint.read_bytes()

    again.run(output)

    assert output.getvalue() == ""
    assert again.checkpoint.read_bytes() == before


def test_a_run_that_goes_on_with_other_pictures_says_so(config, tmp_path):
    distiller(config).run(io.StringIO())
    (tmp_path / "pictures" / "a.png").write_bytes((tmp_path / "pictures" / "a.png").read_bytes() + b" ")
    output = io.StringIO()

    distiller(config).run(output)

    assert output.getvalue() == runs.OTHER_DATA + "\n"


def test_a_checkpoint_from_before_the_means_were_kept_is_gone_on_with(config):
    first = distiller(config)
    first.prepare(io.StringIO())
    first.train_step()
    first.save({})
    saved = torch.load(first.checkpoint, weights_only=True)
    del saved["means"]
    torch.save(saved, first.checkpoint)

    resumed = distiller(config)
    resumed.begin()

    assert (resumed.step, resumed.means) == (1, {})
