from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone


@pytest.fixture
def start(user: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Queue a chore that nobody does: `start()`, `start(owner=other_user)`."""
    from jobs import registry
    from jobs.services import job_start

    monkeypatch.setattr(registry, "_kinds", dict(registry._kinds))
    registry.register(kind="chore", handler="nowhere:chore", label="Chore")

    def queue(**changes: Any) -> Any:
        return job_start(**{"owner": user, "kind": "chore", "payload": {}, "subject": {}, **changes})

    return queue


@pytest.fixture
def run() -> Callable[[Any], Any]:
    """Take a queued job as a worker does, and return the attempt: `run(start()).report(…)`."""
    from jobs.attempts import Attempt
    from jobs.leases import job_claim

    def take(job: Any) -> Attempt:
        held = job_claim(job_id=job.pk, at=timezone.now())
        assert held is not None, "somebody has it already"
        return Attempt(held)

    return take
