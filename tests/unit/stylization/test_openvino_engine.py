"""The OpenVINO engine beside torch's, with the weights that ship."""

import builtins

import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels.evaluation import measure
from mlmodels.evaluation.metrics import content_distance, look
from mlmodels.evaluation.painters import EnginePainter, at_strength, bare_call
from mlmodels.vgg import VGGFeatures
from stylization.engine import engines
from stylization.engine.engines import open_engine

pytest.importorskip("openvino")


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Three frames of 64 × 96 with areas, edges and a little noise."""
    random = np.random.default_rng(0)
    areas = random.integers(0, 230, (3, 8, 12, 3)).repeat(8, 1).repeat(8, 2)
    return (areas + random.integers(0, 25, areas.shape)).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding(frames) -> np.ndarray:
    return open_engine("torch").embed(frames[0])


def test_it_is_the_default_where_openvino_is_installed():
    assert engines.DEFAULT == "openvino"
    assert {"torch", "openvino", "openvino-float"} <= set(engines.names())


@pytest.mark.parametrize(("name", "least"), [("openvino", 33), ("openvino-float", 40)])
def test_a_scene_looks_as_torch_paints_it(name, least, frames, embedding):
    torch_engine, engine = open_engine("torch"), open_engine(name)
    expected = torch_engine.paint(frames, embedding, torch_engine.statistics(frames, embedding))

    painted = engine.paint(frames, embedding, engine.statistics(frames, embedding))

    assert painted.shape == frames.shape
    assert psnr(painted, expected) > least  # decibels; 30 is the bar on held-out frames


def test_a_frame_without_a_scene_is_painted_as_torch_paints_it(frames, embedding):
    painted = open_engine("openvino").paint(frames[:1], embedding)

    assert np.array_equal(painted, open_engine("torch").paint(frames[:1], embedding))


def test_the_network_alone_can_be_timed_with_a_scene_and_without(frames, embedding):
    engine = open_engine("openvino")
    painter = EnginePainter(engine)
    scene = engine.statistics(frames, embedding)
    before = engine.paint(frames, embedding, scene)

    for call in (bare_call(painter, frames, embedding, scene), bare_call(painter, frames, embedding)):
        assert call is not None
        call()

    assert np.array_equal(engine.paint(frames, embedding, scene), before)


def test_photographs_are_measured_as_the_eight_bits_paint_them(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "STRENGTHS", (1.0,))
    for name, frame in (("photo", frames[0]), ("style", frames[1])):
        Image.fromarray(frame).save(tmp_path / f"{name}.png")
    torch.manual_seed(0)
    engine, vgg = open_engine("openvino"), VGGFeatures()
    plan = measure.Plan([tmp_path / "photo.png"], [tmp_path / "style.png"], [], scene=True, picture_side=64)

    (row,) = measure.picture_rows({"ours": EnginePainter(engine)}, vgg, plan)

    style = at_strength(EnginePainter(engine), engine.embed(frames[0]), engine.embed(frames[1]), 1.0)
    eight_bits = engine.paint(frames[:1], style, engine.statistics(frames[:1], style))[0]
    floating = open_engine("torch").paint(frames[:1], style)[0]
    expected, other = (content_distance(look(vgg, painted), look(vgg, frames[0])) for painted in (eight_bits, floating))
    assert row["ours"]["content at 1.0"] == pytest.approx(expected, rel=1e-6)
    assert other != pytest.approx(expected, rel=1e-5)


def test_a_scene_is_painted_at_other_sizes_too(frames, embedding):
    engine = open_engine("openvino")
    scene = engine.statistics(frames, embedding)

    half = engine.paint(frames[:, ::2, ::2].copy(), embedding, scene)

    assert half.shape == (3, 32, 48, 3)


def test_another_style_on_a_measured_scene_is_left_to_torch(frames, embedding):
    engine, torch_engine = open_engine("openvino"), open_engine("torch")
    other = embedding + np.float32(0.5)

    painted = engine.paint(frames[:1], other, engine.statistics(frames, embedding))

    assert psnr(painted, torch_engine.paint(frames[:1], other, torch_engine.statistics(frames, embedding))) > 50


def test_the_same_model_is_named_whatever_paints():
    assert open_engine("openvino").model == open_engine("torch").model


def test_torch_paints_where_openvino_cannot_be_loaded(monkeypatch, caplog):
    real = builtins.__import__

    def refusing(name, *rest):
        if "openvino_engine" in name:
            raise ImportError("libopenvino.so: wrong C library")
        return real(name, *rest)

    engines._openvino.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refusing)

    assert open_engine("openvino").name == "torch"
    assert "painting with torch" in caplog.text
    engines._openvino.cache_clear()


def psnr(painted: np.ndarray, expected: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(painted.astype(float) - expected).mean())))
