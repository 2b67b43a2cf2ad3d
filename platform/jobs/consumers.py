import json
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from accounts.sockets import group_of as person_group

from . import selectors, services
from .api import JobSerializer
from .hints import group_of

NOBODY = 4401
NOT_UNDERSTOOD = 4400
SNAPSHOT_JOBS_MAX = 100


class JobsConsumer(AsyncJsonWebsocketConsumer):
    """A person's work as it goes on: a snapshot first, then every change. Whoever is shut out hears nothing more."""

    user_pk: int | None = None
    # The session a browser showed; None for an app.
    session_key: str | None = None

    async def connect(self) -> None:
        self.user_pk = await self._who()
        await self.accept()  # a refusal before this would reach the browser without its code
        if self.user_pk is None:
            await self.close(NOBODY)
            return
        # Listen first: what changes while the snapshot is read is told afterwards.
        for group in self._groups():
            await self.channel_layer.group_add(group, self.channel_name)
        await self._send_snapshot()

    async def disconnect(self, code: int) -> None:
        for group in self._groups():
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        if self.user_pk is None:
            return
        match _parsed(text_data):
            case {"type": "snapshot"}:
                await self._send_snapshot()
            case {"type": "ping"}:
                await self.send_json({"type": "pong"})
            case _:
                await self.close(NOT_UNDERSTOOD)

    async def job_changed(self, event: dict[str, Any]) -> None:
        user = await self._person()
        if user is None:
            await self.close(NOBODY)
        elif job := await self._job(user, event["job_id"]):
            await self.send_json({"type": "job", "job": job})

    async def person_logged_out(self, event: dict[str, Any]) -> None:
        await self.close(NOBODY)

    def _groups(self) -> list[str]:
        return [] if self.user_pk is None else [group_of(self.user_pk), person_group(self.user_pk)]

    async def _send_snapshot(self) -> None:
        user = await self._person()
        if user is None:
            await self.close(NOBODY)
            return
        await self.send_json({"type": "snapshot", "jobs": await self._jobs(user)})

    async def _who(self) -> int | None:
        """A browser shows its session, which counts only with our own Origin; an app shows a one-time ticket."""
        ticket = parse_qs(self.scope["query_string"].decode("latin1")).get("ticket")
        if ticket:
            user = await database_sync_to_async(services.ticket_redeem)(ticket=ticket[0], at=timezone.now())
        else:
            user, self.session_key = self.scope.get("user"), self.scope["session"].session_key
        return user.pk if user is not None and user.is_active else None

    @database_sync_to_async
    def _person(self) -> User | None:
        assert self.user_pk is not None
        if self.session_key is not None and not self.scope["session"].exists(self.session_key):
            return None  # logged out, perhaps on another page
        return User.objects.filter(pk=self.user_pk, is_active=True).first()

    @database_sync_to_async
    def _jobs(self, user: User) -> list[dict[str, Any]]:
        jobs = selectors.snapshot_of(user, timezone.now())[:SNAPSHOT_JOBS_MAX]
        return _plain(JobSerializer(jobs, many=True).data)

    @database_sync_to_async
    def _job(self, user: User, job_id: str) -> dict[str, Any] | None:
        job = selectors.jobs_of(user).filter(pk=job_id).first()
        return _plain(JobSerializer(job).data) if job else None


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


def _plain(data: Any) -> Any:
    """UUIDs as text: the socket's encoder knows JSON's own types only."""
    return json.loads(json.dumps(data, cls=JSONEncoder))
