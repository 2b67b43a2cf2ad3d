"""Who paints. An engine wraps one way of running the network; more can be registered without touching the pipeline."""

import difflib
import importlib.util
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import BadRecipe

if TYPE_CHECKING:
    from mlmodels.release import Release

logger = logging.getLogger(__name__)

THREADS = 2
# Looked for, not imported: the web process knows the engines' names and never pays for one.
DEFAULT = "openvino" if importlib.util.find_spec("openvino") else "torch"


@dataclass(frozen=True)
class Model:
    """Which weights paint, so that any painting can be explained and made again."""

    name: str
    version: str
    sha256: str


class Engine(Protocol):
    """
    Images are RGB uint8, B × H × W × 3 where there are several; embeddings float32 (E,).

    `statistics` is opaque: whatever the same engine's `paint` wants to be given back.
    """

    name: str
    model: Model

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]: ...

    def blend(
        self, styles: Sequence[tuple[NDArray[np.float32], float]], own: NDArray[np.float32], strength: float
    ) -> NDArray[np.float32]: ...

    def statistics(self, frames: NDArray[np.uint8], embedding: NDArray[np.float32]) -> Any: ...

    def paint(
        self, frames: NDArray[np.uint8], embedding: NDArray[np.float32], statistics: Any = None
    ) -> NDArray[np.uint8]: ...


_openers: dict[str, Callable[[], Engine]] = {}


def register(name: str, opener: Callable[[], Engine]) -> None:
    _openers[name] = opener


def names() -> list[str]:
    return sorted(_openers)


def open_engine(name: str = DEFAULT) -> Engine:
    """:raises BadRecipe: no engine of that name"""
    if name not in _openers:
        near = difflib.get_close_matches(name, _openers, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there is {', '.join(names())}."
        raise BadRecipe(f"There is no engine {name}{hint}")
    return _openers[name]()


class TorchEngine:
    """The eager network on the processor: slower than the exported ones, and what they are compared with."""

    name = "torch"

    def __init__(self, release: "Release | None" = None) -> None:
        from mlmodels.release import load_release  # torch takes a second to import: only who paints pays

        self._release = release or load_release()
        self.model = Model(self._release.name, self._release.version, self._release.sha256)

    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        settle_threads()
        return self._release.embed(image)

    def blend(
        self, styles: Sequence[tuple[NDArray[np.float32], float]], own: NDArray[np.float32], strength: float
    ) -> NDArray[np.float32]:
        return self._release.blend(list(styles), own, strength)

    def statistics(self, frames: NDArray[np.uint8], embedding: NDArray[np.float32]) -> Any:
        settle_threads()
        return self._release.statistics(frames, embedding)

    def paint(
        self, frames: NDArray[np.uint8], embedding: NDArray[np.float32], statistics: Any = None
    ) -> NDArray[np.uint8]:
        settle_threads()
        return self._release.paint(frames, embedding, statistics)


def settle_threads() -> None:
    # OpenMP counts threads per calling thread, and painting has a thread of its own: so here, not once at the start.
    import torch

    if torch.get_num_threads() != THREADS:
        torch.set_num_threads(THREADS)


@cache
def _torch() -> Engine:
    return TorchEngine()


@cache
def _openvino(int8: bool) -> Engine:
    try:
        from .openvino_engine import OpenVinoEngine
    except ImportError as fault:  # installed, but not for this processor or this C library
        logger.warning("OpenVINO cannot be loaded, painting with torch: %s", fault)
        return _torch()
    return OpenVinoEngine(int8=int8)


register("torch", _torch)
if DEFAULT == "openvino":
    register("openvino", lambda: _openvino(True))
    register("openvino-float", lambda: _openvino(False))
