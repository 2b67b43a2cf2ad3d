"""
Exported networks against Magenta's int8 one, one thread each, in turns: `make bench` (needs `make exporters` and
`make peers`). Prints medians and their ratio.
"""

import os
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from mlmodels.evaluation.peers import Magenta, PeerMissing
from mlmodels.exporting import ConvertersMissing, ExportedFile, apart, export
from mlmodels.exporting.verify import psnr, timed_answers_of
from mlmodels.release import SHIPPED, Release

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1800)]

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
SIDE, FRAMES = 384, 12
LEAST_RATIO = 3.0


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).random((FRAMES, 3, SIDE, SIDE), np.float32)


@pytest.fixture(scope="module")
def magenta() -> Magenta:
    try:
        return Magenta(threads=1)
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportedFile]:
    try:
        made = export(SHIPPED, "litert", tmp_path_factory.mktemp("ours"), shapes=[f"{SIDE}x{SIDE}"])
    except ConvertersMissing as missing:
        pytest.skip(str(missing))
    return {file.role: file for file in made}


@pytest.fixture(scope="module")
def theirs(magenta: Magenta, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportedFile]:
    """Magenta's network in LiteRT, with int8 arithmetic and with weights dequantized."""
    folder, made = tmp_path_factory.mktemp("theirs"), {}
    for kind in ("int8", "float"):
        path = folder / f"magenta-{kind}.tflite"
        apart.run(
            "tests.performance.magenta_litert",
            [str(magenta.transform_file), str(path), *(["float"] if kind == "float" else [])],
        )
        made[kind] = ExportedFile(path, "transform", "litert", kind, f"{SIDE}x{SIDE}", "NHWC")
    return made


def test_the_rebuilt_peer_paints_what_the_package_paints(magenta, theirs, frames):
    pixels = (255 * frames[:1].transpose(0, 2, 3, 1)).round().astype(np.uint8)
    embedding = np.random.default_rng(1).standard_normal(100).astype(np.float32)

    expected = magenta.paint(pixels, embedding)[0].transpose(2, 0, 1) / np.float32(255)
    given = pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255
    painted = timed_answers_of(theirs["float"], [given, embedding[None]])["answer_0"][0]

    assert psnr(painted, expected) > 25  # the package rounds activations to 256 levels throughout


@pytest.mark.parametrize("role", ["transform", "transform-locked"])
def test_transform_is_three_times_as_fast_as_magenta_s_in_litert(ours, theirs, frames, role):
    network = Release(SHIPPED).transform
    rows = np.zeros((FRAMES, 2 * sum(network.widths)), np.float32)
    style = np.zeros((FRAMES, 100), np.float32)

    def run(file: ExportedFile, *given: np.ndarray) -> Callable[[], float]:
        return lambda: statistics.median(timed_answers_of(file, given)["milliseconds"])

    ratio = ratio_of_medians(run(ours[role], frames, rows), run(theirs["int8"], frames, style), f"{role} in LiteRT")

    assert ratio >= LEAST_RATIO


def ratio_of_medians(ours: Callable[[], float], theirs: Callable[[], float], what: str) -> float:
    """Measure in turns, so that a busy minute costs both."""
    rounds = [(ours(), theirs()) for _ in range(RUNS)]
    own, other = (statistics.median(each) for each in zip(*rounds, strict=True))
    print(f"{what}: {own:.1f} ms, Magenta int8 {other:.1f} ms, {other / own:.2f} times as fast")  # noqa: T201
    return other / own
