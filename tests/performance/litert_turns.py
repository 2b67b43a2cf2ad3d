"""
LiteRT files in turns in one process, one thread each, so that a busy moment costs all of them alike. Times are those
that the processor spent on them: on a busy machine a clock on the wall measures the others' work as well.

    python -m tests.performance.litert_turns TIMES.json ROUNDS FILE.tflite…
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def opened(path: str) -> Any:
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    draw = np.random.default_rng(0)
    for given in interpreter.get_input_details():
        interpreter.set_tensor(given["index"], draw.random(given["shape"], np.float32))
    interpreter.invoke()  # the first run packs weights
    return interpreter


def main() -> None:
    target, rounds, *paths = sys.argv[1:]
    interpreters = [opened(path) for path in paths]
    times: list[list[float]] = [[] for _ in paths]
    for _ in range(int(rounds)):
        for interpreter, measured in zip(interpreters, times, strict=True):
            before = time.process_time()
            interpreter.invoke()
            measured.append(1000 * (time.process_time() - before))
    Path(target).write_text(json.dumps(times))


if __name__ == "__main__":
    main()
