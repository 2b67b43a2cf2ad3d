from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone


class Work:
    """The handler of the kind "chore": does what a test tells it to."""

    def __init__(self) -> None:
        self.does: Callable[[Any], None] = lambda attempt: attempt.commit(lambda: {"clip_id": "made"})
        self.runs = 0

    def __call__(self, attempt: Any) -> None:
        self.runs += 1
        self.does(attempt)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    from jobs import registry

    work = Work()
    monkeypatch.setattr(registry.Kind, "load_handler", lambda kind: work)
    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    registry.register(kind="chore", handler="nowhere:chore", label="Chore")
    registry.register(kind="errand", handler="nowhere:errand", label="Errand", queue="quick")
    return work


@pytest.fixture
def claim() -> Callable[..., Any]:
    """Take a queued job as a worker does: `claim(start())`."""
    from jobs.leases import job_claim

    def take(job: Any) -> Any:
        held = job_claim(job_id=job.pk, at=timezone.now())
        assert held is not None, "somebody has it already"
        return held

    return take


@pytest.fixture
def start(user: Any, work: Work) -> Callable[..., Any]:
    """Queue a chore: `start()`, `start(kind="errand", owner=other_user)`."""
    from jobs.services import job_start

    def queue(**changes: Any) -> Any:
        return job_start(**{"owner": user, "kind": "chore", "payload": {"n": 1}, "subject": {}, **changes})

    return queue
