"""
The painting process: `python -m stylization.preview.worker FD`. Reads requests from a socket, answers JPEGs.

A message is one JSON object; an answer is `1` and a JPEG, or `0` and a JSON object with `code` and `detail`.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from stylization.engine.engines import Engine, open_engine
from stylization.engine.errors import StylizeError
from stylization.engine.recipe import PaintRecipe, StyleShare
from stylization.engine.scene import Palette
from stylization.engine.still import read_picture
from stylization.engine.video import paint_batch

IDLE_SECONDS = 600
MEMORY_ABOVE_START = 2 * 2**30
FRAMES_KEPT, EMBEDDINGS_KEPT = 24, 256
JPEG_QUALITY = 88
PR_SET_PDEATHSIG = 1

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Remembers the last few answers of a slow question."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        if key not in self._known:
            self._known[key] = make()
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


class Unreadable(StylizeError):
    code = "preview_unreadable"


@dataclass(frozen=True)
class Frame:
    image: NDArray[np.uint8]
    own: NDArray[np.float32]


class Painter:
    """Paints single frames; what does not change while a slider moves is kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._frames: Recent[tuple[str, float, int], Frame] = Recent(FRAMES_KEPT)
        self._embeddings: Recent[tuple[str, int], NDArray[np.float32]] = Recent(EMBEDDINGS_KEPT)

    def paint(self, request: dict[str, Any]) -> bytes:
        where = (request["video"], float(request["at_seconds"]), int(request["height"]))
        frame = self._frames.get(where, lambda: self._read(*where))
        recipe = PaintRecipe(
            styles=tuple(self._share(item) for item in request["styles"]),
            strength=float(request["strength"]),
            keep_colors=bool(request["keep_colors"]),
            brush=float(request["brush"]),
        )
        mix = [(share.embedding, share.weight) for share in recipe.styles if share.embedding is not None]
        embedding = self._engine.blend(mix, frame.own, recipe.strength)
        return _jpeg(paint_batch(self._engine, [frame.image], Palette(embedding, None), recipe)[0])

    def _read(self, video: str, at_seconds: float, height: int) -> Frame:
        from clips.media import UnusableVideo, read_frame

        try:
            image = read_frame(Path(video), at_seconds, height)
        except (UnusableVideo, FileNotFoundError) as fault:
            raise Unreadable("The frame cannot be read.") from fault
        return Frame(image, self._engine.embed(image))

    def _share(self, item: dict[str, Any]) -> StyleShare:
        path = Path(item["image"])
        key = (item["image"], path.stat().st_mtime_ns)
        embedding = self._embeddings.get(key, lambda: self._engine.embed(read_picture(path).rgb))
        return StyleShare(item["name"], float(item["weight"]), embedding=embedding)


def serve(connection: Connection, engine: Engine) -> None:
    """Answer until the other side goes away, nothing is asked for long, or memory runs out."""
    painter = Painter(engine)
    while connection.poll(IDLE_SECONDS):
        try:
            request = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            connection.send_bytes(b"1" + painter.paint(request))
        except StylizeError as fault:
            connection.send_bytes(_refusal(fault.code, str(fault)))
        except MemoryError:
            connection.send_bytes(_refusal("preview_out_of_memory", "The frame is too large to preview."))
            return
        except OSError as fault:
            connection.send_bytes(
                _refusal("preview_unreadable", f"The frame cannot be read: {fault.strerror or fault}")
            )


def _refusal(code: str, detail: str) -> bytes:
    return b"0" + json.dumps({"code": code, "detail": detail}).encode()


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise MemoryError
    return data.tobytes()


def die_with_parent(parent: int) -> None:
    """Be killed when the thread that started this process ends, however it ends; it lives as long as the server."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def bound_memory() -> None:
    """After the network is loaded: its libraries alone map gigabytes that cost nothing."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_ABOVE_START,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(handle: int, parent: int) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then lets go of this process
    engine = open_engine()
    bound_memory()
    serve(Connection(handle), engine)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
