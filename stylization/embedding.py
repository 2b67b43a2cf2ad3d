"""
Embeddings of pictures, worked out in a process of their own.

Whoever asks may go on to fork (a queue's main process does), and a process that has run torch must never fork again.
"""

import base64
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.processes import ModuleFailed, run_module
from mlmodels.shipped import SHIPPED, checksum, release_files

WEIGHTS = SHIPPED
SECONDS = 300


class NoModel(RuntimeError):
    """The weights are missing or cannot be loaded."""


@dataclass(frozen=True)
class Embedded:
    """Embeddings in the order of the pictures, and the checksum of the model that made them."""

    model_sha256: str
    embeddings: list[NDArray[np.float32]]


def shipped_model_sha256(weights: Path = WEIGHTS) -> str | None:
    """What `Release.sha256` will say, found out without importing torch; None while no weights are there."""
    try:
        return checksum(release_files(weights))
    except FileNotFoundError:
        return None


def embed_pictures(pictures: Sequence[Path]) -> Embedded:
    """:raises NoModel: saying what the process said last"""
    try:
        answer = json.loads(run_module("stylization.embedding", [str(path) for path in pictures], seconds=SECONDS))
    except ModuleFailed as failed:
        raise NoModel(str(failed)) from failed
    embeddings = [np.frombuffer(base64.b64decode(text), dtype=np.float32) for text in answer["embeddings"]]
    return Embedded(answer["model_sha256"], embeddings)


def main(pictures: list[str]) -> None:
    from stylization.engine.engines import open_engine
    from stylization.engine.still import read_picture

    engine = open_engine()
    embeddings = [engine.embed(read_picture(Path(picture)).rgb) for picture in pictures]
    encoded = [base64.b64encode(embedding.astype(np.float32).tobytes()).decode() for embedding in embeddings]
    sys.stdout.write(json.dumps({"model_sha256": engine.model.sha256, "embeddings": encoded}))


if __name__ == "__main__":
    main(sys.argv[1:])
