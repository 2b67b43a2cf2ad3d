"""
Exported networks against Magenta's int8 one, one thread each, in turns: `make bench` (needs `make exporters` and
`make peers`; BENCH_RELEASE names another release than the shipped one). Prints medians and their ratio.
"""

import json
import os
import statistics
from pathlib import Path

import numpy as np
import pytest

from mlmodels.evaluation.peers import Magenta, PeerMissing
from mlmodels.exporting import ConvertersMissing, ExportedFile, apart, export
from mlmodels.exporting.verify import psnr, timed_answers_of
from mlmodels.release import SHIPPED

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1800)]

ROUNDS = 15 * int(os.environ.get("BENCH_RUNS", "3"))
RELEASE = Path(os.environ.get("BENCH_RELEASE", SHIPPED))
SIDE = 384
LEAST_RATIO = 3.0


@pytest.fixture(scope="module")
def magenta() -> Magenta:
    try:
        return Magenta(threads=1)
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ExportedFile]:
    try:
        made = export(RELEASE, "litert", tmp_path_factory.mktemp("ours"), shapes=[f"{SIDE}x{SIDE}"])
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


def test_the_rebuilt_peer_paints_what_the_package_paints(magenta, theirs):
    photograph, style = areas(SIDE, seed=1), areas(256, seed=2)
    embedding = magenta.embed(style)

    expected = magenta.paint(photograph[None], embedding)[0].transpose(2, 0, 1) / np.float32(255)
    given = photograph.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
    painted = timed_answers_of(theirs["float"], [given, embedding[None]])["answer_0"][0]

    assert psnr(painted, expected) > 25  # the package rounds activations to 256 levels throughout


def areas(side: int, *, seed: int) -> np.ndarray:
    """Areas and edges with a little noise, as pictures have."""
    draw = np.random.default_rng(seed)
    blocks = draw.integers(0, 230, (side // 32, side // 32, 3)).repeat(32, 0).repeat(32, 1)
    return (blocks + draw.integers(0, 25, blocks.shape)).astype(np.uint8)


@pytest.mark.parametrize("role", ["transform", "transform-locked"])
def test_transform_is_three_times_as_fast_as_magenta_s_in_litert(ours, theirs, tmp_path, role):
    files = [ours[role].path, theirs["int8"].path]

    apart.run("tests.performance.litert_turns", [str(tmp_path / "times.json"), str(ROUNDS), *map(str, files)])
    own, other = (statistics.median(times) for times in json.loads((tmp_path / "times.json").read_text()))

    print(f"{role}: {own:.1f} ms, Magenta int8 {other:.1f} ms, {other / own:.2f} times as fast")  # noqa: T201
    assert other / own >= LEAST_RATIO
