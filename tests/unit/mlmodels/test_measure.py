"""Measuring over folders: every painter, every strength, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels.evaluation import measure
from mlmodels.evaluation.bars import judge
from mlmodels.evaluation.measure import NoData
from mlmodels.evaluation.painters import EnginePainter, at_strength, paint_clip
from mlmodels.release import Release
from mlmodels.vgg import VGGFeatures
from tests.media import make_video, moving
from tests.unit.mlmodels.painters import Copyist, Scenic, Tinter


def silent(stage: str, done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture
def data(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for folder, count in (("content", 3), ("styles", 2)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            small = Image.fromarray(draw.integers(0, 255, (6, 8, 3), dtype=np.uint8))
            small.resize((64, 48)).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "clips").mkdir()
    make_video(tmp_path / "clips" / "square.mp4", moving(64, 48, 14))
    return tmp_path


@pytest.fixture
def plan(data: Path) -> measure.Plan:
    return measure.plan_from(
        data / "content",
        data / "styles",
        data / "clips",
        frames=12,
        runs=1,
        picture_side=32,
        clip_side=32,
        sizes=((40, 32),),
    )


@pytest.fixture(scope="module")
def vgg() -> VGGFeatures:
    torch.manual_seed(0)
    return VGGFeatures()


def test_the_copyist_keeps_content_and_steadiness_and_has_the_inputs_style(plan, vgg):
    result = measure.evaluate({"ours": Copyist()}, vgg, plan, silent)

    ours, given = result["ours"], result["input"]
    assert ours["content"] == 0
    assert ours["style"] == pytest.approx(given["style"])
    assert ours["warping_gap_1"] == given["warping_gap_1"]
    assert ours["warping_gap_10"] == given["warping_gap_10"]
    assert ours["flicker"] == 1
    assert result["bars"] == []


def test_a_result_is_json_and_has_the_same_numbers_for_ours_and_the_peer(plan, vgg):
    result = measure.evaluate({"ours": Tinter(), "peer": Copyist()}, vgg, plan, silent)

    assert json.loads(json.dumps(result)) == result
    assert result["ours"].keys() == result["peer"].keys()
    assert [point["strength"] for point in result["peer"]["curve"]] == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]
    assert len(result["rows"]["pictures"]) == 3
    assert len(result["rows"]["clips"]) == 3  # one clip in three styles


def test_the_curve_at_strength_1_is_the_number_itself(plan, vgg):
    ours = measure.evaluate({"ours": Tinter()}, vgg, plan, silent)["ours"]

    (point,) = [point for point in ours["curve"] if point["strength"] == 1]
    assert (point["style"], point["content"]) == (ours["style"], ours["content"])


def test_the_network_alone_is_timed_where_the_painter_offers_it(plan):
    times = measure.measure_speed({"ours": Tinter(), "peer": Copyist()}, plan, silent)

    assert times["ours"]["40x32"].keys() == {"whole", "network"}
    assert times["peer"]["40x32"].keys() == {"whole"}


def test_painters_are_timed_in_turn():
    called = []

    medians = measure.interleaved({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, runs=2)

    assert called == ["a", "b"] * 3  # one round to warm up
    assert all(median >= 0 for median in medians.values())


def test_a_clip_is_painted_by_its_scene_or_frame_by_frame():
    dark, light = np.full((32, 32, 3), 50, np.uint8), np.full((32, 32, 3), 150, np.uint8)
    nothing = np.zeros(3, np.float32)

    alone = paint_clip(Scenic(), [dark, light], nothing, scene=False)
    together = paint_clip(Scenic(), [dark, light], nothing, scene=True)

    assert [frame[0, 0, 0] for frame in alone] == [50, 150]
    assert [frame[0, 0, 0] for frame in together] == [100, 100]


@pytest.mark.parametrize("scene", [False, True])
def test_photographs_are_painted_by_statistics_of_their_own_where_clips_are(plan, vgg, scene):
    given = []

    class Recording(Scenic):
        def paint(self, frames, embedding, statistics=None):
            given.append(statistics)
            return super().paint(frames, embedding, statistics)

    rows = list(measure.picture_rows({"ours": Recording()}, vgg, replace(plan, scene=scene)))

    assert len(given) == len(rows) * len(measure.STRENGTHS)
    photos = [measure.read_picture(path, plan.picture_side) for path in plan.content for _ in measure.STRENGTHS]
    for statistics, photo in zip(given, photos, strict=True):
        assert (statistics is None) if not scene else np.array_equal(statistics, photo.reshape(-1, 3).mean(0))


def test_a_painter_without_scenes_paints_frame_by_frame_all_the_same():
    frame = np.full((32, 32, 3), 50, np.uint8)

    assert np.array_equal(paint_clip(Copyist(), [frame], np.zeros(3, np.float32), scene=True)[0], frame)


def test_an_engine_of_the_stylizer_is_a_painter():
    class Engine(Scenic):
        model = SimpleNamespace(name="impasto", sha256="e" * 64)

        def blend(self, styles, own, strength):
            return own

    painter = EnginePainter(Engine())

    assert (painter.name, painter.sha256) == ("impasto (scenic)", "e" * 64)
    assert paint_clip(painter, [np.zeros((32, 32, 3), np.uint8)], np.zeros(3, np.float32), scene=True)[0].max() == 0


def test_strength_goes_from_the_own_vector_to_the_styles_and_past_it():
    own, style = np.zeros(2, np.float32), np.ones(2, np.float32)

    assert at_strength(Copyist(), own, style, 0.0).tolist() == [0, 0]
    assert at_strength(Copyist(), own, style, 1.5).tolist() == [1.5, 1.5]


def test_a_painter_that_knows_a_better_way_to_strength_0_goes_it(release):
    knowing = Release(release)
    torch.nn.init.zeros_(knowing.predictor.identity.weight)
    torch.nn.init.constant_(knowing.predictor.identity.bias, 0.5)
    own, style = np.zeros(8, np.float32), np.ones(8, np.float32)

    assert at_strength(knowing, own, style, 0.0).tolist() == [0.5] * 8
    assert at_strength(knowing, own, style, 1.0).tolist() == [1] * 8


@pytest.mark.parametrize(("most", "expected"), [(None, 10), (20, 10), (5, 5), (1, 1)])
def test_a_subset_is_spread_over_the_folder(most, expected):
    paths = [Path(str(number)) for number in range(10)]

    found = measure.spread(paths, most)

    assert len(set(found)) == expected
    assert found[0] == paths[0]


def test_a_missing_folder_is_refused(data):
    with pytest.raises(NoData, match="no folder"):
        measure.plan_from(data / "nowhere", data / "styles", data / "clips")


@pytest.mark.parametrize("empty", ["content", "styles", "clips"])
def test_an_empty_folder_is_refused(data, empty):
    for file in (data / empty).iterdir():
        file.unlink()

    with pytest.raises(NoData, match=empty):
        measure.plan_from(data / "content", data / "styles", data / "clips")


def test_a_picture_that_is_none_is_refused(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")

    with pytest.raises(NoData, match=r"broken\.jpg cannot be read"):
        measure.read_picture(tmp_path / "broken.jpg", 32)


def test_a_clip_that_is_none_is_refused(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no clip")

    with pytest.raises(NoData, match=r"broken\.mp4 cannot be read"):
        measure.read_frames(tmp_path / "broken.mp4", 32, 12)


def test_a_clip_too_short_for_the_widest_gap_is_refused(tmp_path):
    short = make_video(tmp_path / "short.mp4", moving(64, 48, 6))

    with pytest.raises(NoData, match="at least 11"):
        measure.read_frames(short, 32, 25)


def test_too_few_frames_are_said_before_anything_is_measured_and_not_of_the_clip(data):
    with pytest.raises(NoData, match="10 frames of a clip are too few: the warping error needs at least 11"):
        measure.plan_from(data / "content", data / "styles", data / "clips", frames=10)


def scores(style: float, content: float, warping: float, milliseconds: float) -> dict:
    times = {"1280x720": {"network": milliseconds, "whole": 2 * milliseconds}}
    return {"style": style, "content": content, "warping_gap_1": warping, "milliseconds": times}


def test_bars_are_ratios_to_the_peer_and_warping_counts_above_the_input():
    result = {
        "input": {"warping_gap_1": 0.02},
        "ours": scores(0.06, 0.9, 0.04, 10),
        "peer": scores(0.1, 1.0, 0.07, 130),
    }

    style, content, warping, speed = judge(result)

    assert (style.ratio, style.met) == (pytest.approx(0.6), True)
    assert (content.ratio, content.met) == (pytest.approx(0.9), False)
    assert (warping.ratio, warping.met) == (pytest.approx(0.4), True)
    assert (speed.ratio, speed.met) == (pytest.approx(13), True)
    assert speed.ours == pytest.approx(92.16)


def test_beside_a_peer_steadier_than_the_input_there_is_no_ratio():
    result = {"input": {"warping_gap_1": 0.02}, "ours": scores(1, 1, 0.03, 10), "peer": scores(1, 1, 0.01, 10)}

    warping = judge(result)[2]

    assert (warping.ratio, warping.met) == (None, False)


def test_the_speed_bar_waits_for_its_size():
    result = {"input": {"warping_gap_1": 0}, "ours": scores(1, 1, 1, 1), "peer": scores(1, 1, 1, 1)}
    for who in ("ours", "peer"):
        result[who]["milliseconds"] = {"40x32": {"whole": 1.0}}

    assert len(judge(result)) == 3
