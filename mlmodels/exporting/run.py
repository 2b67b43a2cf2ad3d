"""
An exported file in its own runtime: NCHW arrays in and out, whatever the file's layout.

As a program, for a Python that has the runtime, it runs a file for every row of what is given, and notes the times:

    python -m mlmodels.exporting.run FILE FORMAT THREADS GIVEN.npz ANSWERS.npz
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Network = Callable[[list[Array]], list[Array]]


def open_onnx(path: Path, threads: int) -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    return lambda arrays: [np.asarray(value) for value in session.run(None, dict(zip(names, arrays, strict=True)))]


def open_litert(path: Path, threads: int) -> Network:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    ((name, ends),) = interpreter.get_signature_list().items()
    call = interpreter.get_signature_runner(name)

    def run(arrays: list[Array]) -> list[Array]:
        given = {key: _pixels_last(value) for key, value in zip(_in_order(ends["inputs"]), arrays, strict=True)}
        answers = call(**given)
        return [_planes(answers[key]) for key in _in_order(ends["outputs"])]

    return run


def open_executorch(path: Path, threads: int) -> Network:
    """Its number of threads is the process's own affair."""
    import torch
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(path).load_method("forward")
    return lambda arrays: [
        value.numpy().copy() for value in method.execute([torch.from_numpy(each) for each in arrays])
    ]


RUNTIMES = {"onnx": open_onnx, "litert": open_litert, "executorch": open_executorch}
# Signatures list their ends by name; the roles have an order.
ORDER = ("picture", "frame", "painting", "embedding", "identity", "style", "affine", "statistics")


def _in_order(names: list[str]) -> list[str]:
    return sorted(names, key=ORDER.index)


def _pixels_last(value: Array) -> Array:
    return np.ascontiguousarray(value.transpose(0, 2, 3, 1)) if value.ndim == 4 else value


def _planes(value: Array) -> Array:
    return np.ascontiguousarray(value.transpose(0, 3, 1, 2)) if value.ndim == 4 else value


def run_rows(network: Network, given: list[Array]) -> dict[str, Any]:
    """Run for each row of the given arrays (N, …); return `answer_0`, … (N, …) and `milliseconds` (N,)."""
    answers, times = [], []
    for row in range(len(given[0])):
        arrays = [np.ascontiguousarray(value[row : row + 1]) for value in given]
        before = time.perf_counter()
        answers.append([value.copy() for value in network(arrays)])
        times.append(1000 * (time.perf_counter() - before))
    joined = {f"answer_{index}": np.concatenate(values) for index, values in enumerate(zip(*answers, strict=True))}
    return {**joined, "milliseconds": np.array(times)}


def main() -> None:
    file, format, threads, given, answers = sys.argv[1:]
    with np.load(given) as opened:
        arrays = [opened[f"given_{index}"] for index in range(len(opened.files))]
    network = RUNTIMES[format](Path(file), int(threads))
    network([value[:1] for value in arrays])  # the first run packs weights
    np.savez(answers, **run_rows(network, arrays))


if __name__ == "__main__":
    main()
