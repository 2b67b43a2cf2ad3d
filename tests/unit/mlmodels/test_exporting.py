"""ONNX files give what torch gives, for every role, layout and size; what there is not is refused beforehand."""

import json
import operator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, fx, nn

from mlmodels.exporting import CannotExport, ExportedFile, export, onnx_graph
from mlmodels.exporting.roles import role_graphs
from mlmodels.exporting.verify import answers_of
from mlmodels.network import EPSILON
from mlmodels.release import BadRelease, Release
from tests.unit.mlmodels.networks import FULL_SIZE, LAYOUTS
from tests.unit.mlmodels.releases import write_release

# The integers are the release's own, so nothing is lost but the order of sums in fp32.
SAME = 2e-5
SHAPES = ["dynamic", "64x96", "48x54"]
PLAIN_OPERATORS = {
    "Add", "Cast", "Concat", "Conv", "DepthToSpace", "Div", "Gemm", "GlobalAveragePool", "HardSigmoid", "Identity",
    "Mul", "Pad", "ReduceMean", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Split", "Sqrt",
    "Sub",
}  # fmt: skip


class Exported:
    """A release, what it was exported to, and sessions of that."""

    def __init__(self, release: Path, folder: Path) -> None:
        self.release = Release(release)
        self.network = self.release.transform
        self.files = export(release, "onnx", folder, shapes=SHAPES)

    def run(self, role: str, shape: str, *given: Tensor) -> list[np.ndarray]:
        (path,) = (file.path for file in self.files if (file.role, file.shape) == (role, shape))
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        return session.run(None, dict(zip(names, (value.numpy() for value in given), strict=True)))


@pytest.fixture(scope="module", params=LAYOUTS)
def exported(request, tmp_path_factory) -> Exported:
    folder = tmp_path_factory.mktemp(request.param)
    return Exported(write_release(folder, request.param), folder / "files")


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Path:
    return write_release(tmp_path_factory.mktemp("student"), "student")


def test_the_predictor_gives_the_embeddings_that_torch_gives(exported):
    side = exported.release.picture_size
    picture = seeded(1, 3, side, side)

    answers = exported.run("predictor", f"{side}x{side}", picture)

    predictor = exported.release.predictor
    with torch.inference_mode():
        embedding = predictor(picture)
        expected = embedding.numpy(), predictor.identity_of(embedding).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.1
    for answer, wanted in zip(answers, expected, strict=True):
        assert np.abs(answer - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_the_readout_gives_the_style_that_torch_gives(exported):
    (style,) = exported.run("readout", "-", EMBEDDING)

    assert np.abs(style - exported.network.film(EMBEDDING).numpy()).max() < SAME


@pytest.mark.parametrize(
    ("shape", "height", "width"),
    [("dynamic", 64, 96), ("dynamic", 40, 128), ("dynamic", 32, 32), ("64x96", 64, 96), ("48x54", 48, 54)],
)
def test_the_transform_paints_what_torch_paints(exported, shape, height, width):
    frame = seeded(1, 3, height, width)

    painting, _ = exported.run("transform", shape, frame, exported.network.film(EMBEDDING))

    assert painting.shape == (1, 3, height, width)
    assert np.abs(painting - exported.network(frame, EMBEDDING).numpy()).max() < SAME


def test_the_statistics_are_those_that_torch_measures(exported):
    frame = seeded(1, 3, 64, 96)

    _, statistics = exported.run("transform", "dynamic", frame, exported.network.film(EMBEDDING))

    measured = exported.network.statistics(frame, EMBEDDING)
    for (mean, variance), own_mean, own_variance in zip(
        pairs(torch.from_numpy(statistics), exported.network.widths), measured.means, measured.variances, strict=True
    ):
        torch.testing.assert_close(mean, own_mean.flatten(), rtol=1e-4, atol=SAME)
        torch.testing.assert_close(variance, own_variance.flatten(), rtol=1e-3, atol=SAME)


@pytest.mark.parametrize(
    ("shape", "height", "width"), [("dynamic", 64, 96), ("dynamic", 40, 128), ("64x96", 64, 96), ("48x54", 48, 54)]
)
def test_the_locked_transform_paints_by_the_statistics_of_another_frame(exported, shape, height, width):
    first, later = seeded(1, 3, 64, 96), seeded(1, 3, height, width, seed=5)
    style = exported.network.film(EMBEDDING)
    statistics = torch.from_numpy(exported.run("transform", "64x96", first, style)[1])

    (painting,) = exported.run("transform-locked", shape, later, affine_of(style, statistics, exported.network.widths))

    scene = exported.network.statistics(first, EMBEDDING)
    expected, _ = exported.network.paint(later, EMBEDDING, scene)
    assert painting.shape == (1, 3, height, width)
    assert np.abs(painting - expected.numpy()).max() < SAME


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_a_frame_of_one_grey_is_painted_as_torch_paints_it(exported, grey):
    """A covered lens: next to no variance anywhere, where rounding shows."""
    frame = torch.full((1, 3, 64, 96), grey)

    painting, statistics = exported.run("transform", "dynamic", frame, exported.network.film(EMBEDDING))

    assert np.isfinite(statistics).all()
    assert np.abs(painting - exported.network(frame, EMBEDDING).numpy()).max() < 1e-3


def test_files_are_named_by_release_role_shape_and_precision(exported):
    side = exported.release.picture_size

    assert [file.path.name for file in exported.files] == [
        f"small-v1-predictor-{side}x{side}-int8.onnx",
        "small-v1-readout-int8.onnx",
        "small-v1-transform-dynamic-int8.onnx",
        "small-v1-transform-locked-dynamic-int8.onnx",
        "small-v1-transform-64x96-int8.onnx",
        "small-v1-transform-locked-64x96-int8.onnx",
        "small-v1-transform-48x54-int8.onnx",
        "small-v1-transform-locked-48x54-int8.onnx",
    ]
    assert {(file.format, file.precision, file.layout) for file in exported.files} == {("onnx", "int8", "NCHW")}


def test_only_plain_operators_are_used(exported):
    models = [onnx.load(file.path) for file in exported.files]

    assert {node.op_type for model in models for node in model.graph.node} <= PLAIN_OPERATORS
    assert {opset.version for model in models for opset in model.opset_import} == {18}


def test_no_operator_takes_more_buffers_than_webgpu_promises_a_shader(exported):
    assert all(most_buffers(onnx.load(file.path)) <= 8 for file in exported.files)


def most_buffers(model: onnx.ModelProto) -> int:
    """Return what one operator reads and writes at most, lengths and axes not counted: a shader knows them."""
    known = {one.name for one in model.graph.initializer if one.data_type == onnx.TensorProto.INT64}
    return max(len(set(node.input) - known) + len(node.output) for node in model.graph.node)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 30, 49, 50, 120])
def test_however_many_pieces_are_parted_and_joined_in_order(count):
    sizes = [1 + piece % 3 for piece in range(count)]
    graph = fx.Graph()
    whole = graph.placeholder("whole")
    pieces = graph.call_method("split", (whole, sizes), {"dim": 1})
    taken = [graph.call_function(operator.getitem, (pieces, piece)) for piece in range(count)]
    graph.output(graph.call_function(torch.cat, (list(reversed(taken)),), {"dim": 1}))
    given = torch.arange(float(sum(sizes)))[None]
    dimensions = {"whole": tuple(given.shape)}

    model = onnx_graph.build(
        fx.GraphModule(nn.Module(), graph), "pieces", inputs=dimensions, outputs={"all": given.shape}
    )

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = torch.cat(list(reversed(given.split(sizes, 1))), 1)
    assert session.run(None, {"whole": given.numpy()})[0].tolist() == expected.tolist()
    assert most_buffers(model) <= 8


def test_weights_are_the_integers_of_the_release(student, tmp_path):
    (file,) = (file for file in export(student, "onnx", tmp_path, shapes=["64x64"]) if file.role == "readout")

    (integers,) = (
        onnx.numpy_helper.to_array(value)
        for value in onnx.load(file.path).graph.initializer
        if value.data_type == onnx.TensorProto.INT8
    )
    np.testing.assert_array_equal(integers, load_file(student / "transform.safetensors")["film.weight"].numpy())


def test_the_file_says_what_it_is_of(student, tmp_path):
    file = export(student, "onnx", tmp_path, shapes=["64x64"])[-1]

    said = {entry.key: entry.value for entry in onnx.load(file.path).metadata_props}
    assert said["release"] == "small-v1"
    assert said["role"] == "transform-locked"
    assert said["weights_sha256"] == Release(student).sha256
    assert [int(width) for width in said["norm_widths"].split(",")] == Release(student).transform.widths


def test_the_same_release_gives_the_same_bytes(student, tmp_path):
    first, again = (bytes_of(export(student, "onnx", tmp_path / name, shapes=["dynamic"])) for name in ("a", "b"))

    assert first == again


def test_at_full_size_int8_paints_what_torch_paints(tmp_path):
    """The last convolution holds the fixed filter: its integers are not the release's, and it is not rounded."""
    folder = write_release(tmp_path, "student", sizes=FULL_SIZE)
    network, frame = Release(folder).transform, seeded(1, 3, 64, 96)
    embedding = torch.randn(1, 128, generator=torch.Generator().manual_seed(2))
    (file,) = (
        each for each in export(folder, "onnx", tmp_path / "files", shapes=["64x96"]) if each.role == "transform"
    )

    (painting, _) = answers_of(file, [frame.numpy(), network.film(embedding).numpy()])

    assert np.abs(painting - network(frame, embedding).numpy()).max() < SAME


def test_single_precision_is_there_to_compare_with(student, tmp_path):
    files = export(student, "onnx", tmp_path, shapes=["64x64"], precisions=["fp32"])

    assert {file.precision for file in files} == {"fp32"}
    assert not [
        value for file in files for value in onnx.load(file.path).graph.initializer
        if value.data_type == onnx.TensorProto.INT8
    ]  # fmt: skip


@pytest.mark.parametrize("shape", ["65x64", "64x", "16x64", "64x4096", "64×64", "small", ""])
def test_a_shape_that_there_is_not_is_refused(student, tmp_path, shape):
    with pytest.raises(CannotExport, match="shape"):
        export(student, "onnx", tmp_path / "files", shapes=["64x64", shape])

    assert not (tmp_path / "files").exists()


def test_a_format_that_there_is_not_is_refused_by_name(student, tmp_path):
    with pytest.raises(CannotExport, match=r"'caffe'.*onnx"):
        export(student, "caffe", tmp_path)


def test_a_precision_that_the_format_has_not_is_refused(student, tmp_path):
    with pytest.raises(CannotExport, match="int8 or fp32"):
        export(student, "onnx", tmp_path, precisions=["int4"])


def test_a_folder_without_a_whole_release_is_refused(student, tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({"name": "torn"}))

    with pytest.raises(BadRelease):
        export(tmp_path, "onnx", tmp_path / "files")


def test_an_operation_that_no_network_has_is_refused_by_name():
    with pytest.raises(NotImplementedError, match="tanh"):
        onnx_graph.build(fx.symbolic_trace(nn.Tanh()), "tanh", inputs={"x": (1, 3)}, outputs={"y": (1, 3)})


def test_exporting_leaves_the_release_as_it_was(student):
    release = Release(student)
    frame = seeded(1, 3, 40, 40)
    before = release.transform(frame, EMBEDDING)

    assert len(list(role_graphs(release, ["40x40"]))) == 4
    assert torch.equal(before, release.transform(frame, EMBEDDING))


def seeded(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


EMBEDDING = torch.randn(1, 8, generator=torch.Generator().manual_seed(2))


def pairs(rows: Tensor, widths: list[int]) -> list[tuple[Tensor, Tensor]]:
    """Two vectors (K,) for each norm layer."""
    flat = iter(rows[0].split([width for width in widths for _ in range(2)]))
    return list(zip(flat, flat, strict=True))


def affine_of(style: Tensor, statistics: Tensor, widths: list[int]) -> Tensor:
    """What docs/exports.md tells a client to compute."""
    parts: list[Tensor] = []
    for (delta, beta), (mean, variance) in zip(pairs(style, widths), pairs(statistics, widths), strict=True):
        scale = (1 + delta) / torch.sqrt(variance + EPSILON)
        parts += [scale, beta - mean * scale]
    return torch.cat(parts)[None]


def bytes_of(files: list[ExportedFile]) -> list[bytes]:
    return [file.path.read_bytes() for file in files]
