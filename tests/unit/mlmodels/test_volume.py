"""The volume table counts what is there."""

import json

import pytest
import torch
from torch import nn

from mlmodels import volume
from mlmodels.network import NETWORKS
from mlmodels.options import STYLE_SIZE
from mlmodels.shipped import SHIPPED, weight_files
from mlmodels.vgg import CONVOLUTIONS, STATISTICS_SIZE
from tests.unit.mlmodels.networks import FULL_SIZE

STUDENT = {"layout": "student", "network": FULL_SIZE, "predictor": "mobilenetv3-texture"}


@pytest.fixture(scope="module")
def steps() -> list[volume.Step]:
    return volume.volumes(STUDENT, {"int8": {"style": 0.05}})


def test_every_step_is_smaller_than_the_one_before(steps):
    sizes = [step.bytes for step in steps]

    assert [step.name for step in steps] == list(volume.STEPS)
    assert sizes == sorted(sizes, reverse=True)


def test_pruning_is_counted_against_the_painter_as_it_was_and_leaves_the_predictor_alone(steps):
    wide, narrow = steps[2:4]

    assert narrow.predictor == wide.predictor
    assert narrow.transform.parameters < 0.75 * wide.transform.parameters
    assert narrow.transform.multiply_adds["1280x720"] < 0.6 * wide.transform.multiply_adds["1280x720"]
    assert wide.transform.parameters == sum(value.numel() for value in NETWORKS["student"]().parameters())


def test_the_int8_pair_is_small(steps):
    assert steps[-1].bytes <= 2_000_000
    assert volume.reduction(steps) >= 95


def test_the_files_that_ship_are_small():
    assert sum(file.stat().st_size for file in weight_files(SHIPPED)) <= 2_000_000


def test_the_teacher_is_counted_at_the_size_of_picture_that_it_reads(steps):
    work = STATISTICS_SIZE * 256 + 256 * 128  # of the two linear layers
    for block, (inputs, outputs, layers) in CONVOLUTIONS.items():
        pixels = (STYLE_SIZE // 2 ** (block - 1)) ** 2
        work += 9 * pixels * outputs * (inputs + (layers - 1) * outputs)

    assert set(steps[0].predictor.multiply_adds.values()) == {work}


def test_a_convolution_is_counted_as_arithmetic_says():
    network = nn.Conv2d(3, 8, 3, padding=1, bias=False)

    assert volume._multiply_adds(network, torch.zeros(1, 3, 10, 12)) == 3 * 8 * 9 * 10 * 12


def test_the_predictor_costs_the_same_for_every_frame_size(steps):
    assert len(set(steps[0].predictor.multiply_adds.values())) == 1
    assert len(set(steps[0].transform.multiply_adds.values())) == 2


def test_int8_bytes_are_about_a_quarter():
    network = NETWORKS["student"]()

    assert 0.24 < volume._int8(network) / volume._fp32(network) < 0.30


def test_the_command_writes_table_and_json(tmp_path, capsys):
    (tmp_path / "model.json").write_text(json.dumps(STUDENT))
    (tmp_path / "int8.json").write_text(json.dumps({"ours": {"style": 0.0512, "content": 0.7}}))
    written = tmp_path / "volume.json"

    volume.main(["--release", str(tmp_path), "--measured", f"int8={tmp_path / 'int8.json'}", "--json", str(written)])

    assert "0.0512" in capsys.readouterr().out
    assert json.loads(written.read_text())["reduction_percent"] > 90


def test_what_was_measured_of_the_shipped_steps_is_kept_and_shown(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(volume, "KNOWN", tmp_path / "effects.json")
    for step, style in (("int8", 0.0512), ("teacher", 0.0433)):
        (tmp_path / "out.json").write_text(json.dumps({"ours": {"style": style, "milliseconds": {}}}))
        volume.main(["--measured", f"{step}={tmp_path / 'out.json'}", "--keep"])
    capsys.readouterr()

    volume.main([])

    shown = capsys.readouterr().out
    assert ("0.0512" in shown, "0.0433" in shown) == (True, True)
    assert json.loads((tmp_path / "effects.json").read_text()) == {
        "teacher": {"style": 0.0433},
        "int8": {"style": 0.0512},
    }


def test_what_was_measured_of_another_release_is_not_kept_for_the_shipped_one(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(STUDENT))

    with pytest.raises(SystemExit):
        volume.main(["--release", str(tmp_path), "--keep"])


def test_an_unknown_step_is_refused():
    with pytest.raises(SystemExit):
        volume.main(["--measured", "int4=x.json"])
