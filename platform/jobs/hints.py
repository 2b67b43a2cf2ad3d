"""Tells open pages that a job changed. A hint may get lost; snapshots and polling make up for it."""

import asyncio
import logging
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 1.0


def group_of(owner_pk: int) -> str:
    """The channel group that carries `{"type": "job.changed", "job_id": …}` for a person's jobs."""
    return f"jobs.{owner_pk}"


def announce(*, job_id: UUID, owner_pk: int) -> None:
    """Send the hint once what is being written now is there to be read."""
    transaction.on_commit(partial(_send, job_id, owner_pk), robust=True)


def _send(job_id: UUID, owner_pk: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "job.changed", "job_id": str(job_id)}
    try:
        async_to_sync(_send_soon)(layer, group_of(owner_pk), message)
    except Exception as error:  # whatever the store's client raises: work does not depend on hints
        log.warning("no hint about job %s: %r", job_id, error)


async def _send_soon(layer: Any, group: str, message: dict[str, str]) -> None:
    await asyncio.wait_for(layer.group_send(group, message), PATIENCE_SECONDS)
