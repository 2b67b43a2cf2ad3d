import threading
import time
from collections.abc import Iterator

import pytest

from stylization.engine.pipeline import ahead


def test_items_arrive_in_order() -> None:
    assert list(ahead(range(50), depth=3)) == list(range(50))


def test_a_fault_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the third frame is broken")

    relay = ahead(items(), depth=4)

    assert next(relay) == 1
    with pytest.raises(ValueError, match="third frame"):
        next(relay)


def test_it_never_runs_further_ahead_than_allowed() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    relay = ahead(items(), depth=2)
    next(relay)
    time.sleep(0.4)

    # one taken, two waiting, one in the maker's hand
    assert len(made) <= 4
    relay.close()


def test_closing_ends_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    relay = ahead(items(), depth=2)
    next(relay)
    relay.close()

    assert closed.is_set()
    assert threading.active_count() == before


def test_the_caller_is_asked_while_it_waits() -> None:
    asked: list[float] = []
    ready = threading.Event()

    def items() -> Iterator[str]:
        ready.wait(10)
        yield "late"

    def waiting() -> None:
        asked.append(time.monotonic())
        ready.set()

    assert list(ahead(items(), depth=1, while_waiting=waiting)) == ["late"]
    assert asked
