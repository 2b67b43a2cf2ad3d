"""Stages that overlap: decoding, painting and encoding each keep their own thread, and memory stays bounded."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.1
_WAIT_SECONDS = 0.5


class _End:
    def __init__(self, fault: BaseException | None) -> None:
        self.fault = fault


def ahead(items: Iterable[T], depth: int, *, while_waiting: Callable[[], None] = lambda: None) -> Generator[T]:
    """
    Yield the items while another thread works out the next `depth` of them.

    `while_waiting` is called in the caller's thread about twice a second for as long as the next item is not there.

    A fault in that thread is raised here, in its place in the sequence. Closing the generator stops the thread, closes
    `items` if it is a generator, and returns when the thread has ended.
    """
    waiting: queue.Queue[Any] = queue.Queue(maxsize=depth)
    stopped = threading.Event()
    worker = threading.Thread(target=_produce, args=(items, waiting, stopped), name="ahead", daemon=True)
    worker.start()
    try:
        while True:
            try:
                item = waiting.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                while_waiting()
                continue
            if isinstance(item, _End):
                if item.fault:
                    raise item.fault
                return
            yield item
    finally:
        stopped.set()
        worker.join()


def _produce(items: Iterable[T], waiting: queue.Queue[Any], stopped: threading.Event) -> None:
    fault: BaseException | None = None
    try:
        for item in items:
            if not _offer(item, waiting, stopped):
                break
            del item  # a frame waiting in no queue would still be a frame in memory
    except BaseException as caught:
        fault = caught
    finally:
        if close := getattr(items, "close", None):
            close()
    _offer(_End(fault), waiting, stopped)


def _offer(item: Any, waiting: queue.Queue[Any], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
