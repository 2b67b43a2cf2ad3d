"""Tells open pages that a job changed. A hint may get lost; snapshots and polling make up for it."""

import asyncio
import logging
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from . import selectors

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 1.0
# Of a long queue, those who wait at its head; the others see their place when they look again.
TOLD_AT_ONCE = 50


def group_of(owner_pk: int) -> str:
    """The channel group that carries `{"type": "job.changed", "job_id": …}` for a person's jobs."""
    return f"jobs.{owner_pk}"


def announce(*, job_id: UUID, owner_pk: int) -> None:
    """Send the hint once what is being written now is there to be read."""
    transaction.on_commit(partial(_send, [(job_id, owner_pk)]), robust=True)


def announce_queue(kind: str) -> None:
    """Tell those who wait for the same workers that somebody before them has gone."""
    waiting = selectors.waiting_beside(kind).values_list("pk", "owner_id")[:TOLD_AT_ONCE]
    if behind := list(waiting):
        transaction.on_commit(partial(_send, behind), robust=True)


def _send(jobs: list[tuple[UUID, int]]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(_send_soon)(layer, jobs)
    except Exception as error:  # whatever the store's client raises: work does not depend on hints
        log.warning("no hint about job %s: %r", jobs[0][0], error)


async def _send_soon(layer: Any, jobs: list[tuple[UUID, int]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for job_id, owner_pk in jobs:
            await layer.group_send(group_of(owner_pk), {"type": "job.changed", "job_id": str(job_id)})
