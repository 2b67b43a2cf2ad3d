import os
import signal
import socket
import sys
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from website.supervisor import lock, valkey
from website.supervisor.canary import Canary
from website.supervisor.processes import Service
from website.supervisor.supervisor import Supervisor

MANAGE = str(settings.ROOT_DIR / "manage.py")
FIRST_ADMIN = """Make the first admin in another terminal: .venv/bin/python {manage} createsuperuser
Staff site: /admin/"""


class Command(BaseCommand):
    help = "Run the whole site: web server, workers, reaper and the embedded channel store. Ctrl-C stops all of it."
    requires_system_checks = ["database"]

    announced = False
    listener: socket.socket | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (IMPASTO_HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port to listen on (PORT)")
        parser.add_argument(
            "--only", choices=["web", "workers"], help="one half: machines that only serve, machines that only work"
        )

    def handle(self, *, host: str, port: int, only: str | None, **options: Any) -> None:
        self.address = _address(host, port)
        self._check_migrated()
        self._take_lock()
        clusters = [] if only == "web" else self._clusters()
        reaper = Service("reaper", [sys.executable, MANAGE, "reap_jobs"]) if clusters else None
        services = [*self._store(), *self._web(host, port, only), *clusters, *filter(None, [reaper])]
        supervisor = Supervisor(services, self._on_tick)
        self.canary = Canary(supervisor, clusters, reaper)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, supervisor.request_stop)
        self.stdout.write("Starting Impasto (stop with Ctrl-C) …")
        supervisor.run()
        self.stdout.write("Impasto has stopped.")

    def _check_migrated(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database is not up to date. Run `make run`, or `python manage.py migrate` first.")
        connection.close()

    def _take_lock(self) -> None:
        run = Path(settings.VAR_DIR) / "run"
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lock.take(run / "serve.lock", f"at {self.address} (process {os.getpid()})")
        except lock.AlreadyRunning as holder:
            raise CommandError(f"Impasto is already running {holder}. Stop it first.") from None

    def _store(self) -> list[Service]:
        if not settings.VALKEY_IS_EMBEDDED:
            return []
        socket_folder = settings.VALKEY_SOCKET.parent
        socket_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if socket_folder.stat().st_uid != os.getuid():
            raise CommandError(f"{socket_folder} belongs to somebody else.")
        try:
            return [valkey.service(settings.VALKEY_SOCKET)]
        except valkey.ValkeyMissing as missing:
            raise CommandError(str(missing)) from None

    def _web(self, host: str, port: int, only: str | None) -> list[Service]:
        if only == "workers":
            return []
        # Opened here and handed down: a port in use is known at once, and a restart of the server loses nobody.
        self.listener = self._listen(host, port)
        fd = self.listener.fileno()
        command = [sys.executable, "-m", "website.web", str(fd)]
        return [Service("web server", command, {"PYTHONPATH": _python_path()}, pass_fds=[fd])]

    def _listen(self, host: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError as error:
            listener.close()
            hint = f"Try another port: PORT={port + 1} make run"
            raise CommandError(f"Cannot listen at {self.address}: {error.strerror}. {hint}") from None
        return listener

    def _clusters(self) -> list[Service]:
        return [
            Service(f"{name} workers", [sys.executable, MANAGE, "qcluster"], {"Q_CLUSTER_NAME": name})
            for name in settings.WORK_CLUSTERS
        ]

    def _on_tick(self) -> None:
        if self.listener is not None and not self.announced:
            self._announce()
        self.canary.look()

    def _announce(self) -> None:
        """Say where we are once the web server really answers, be it that it refuses this host name."""
        try:
            urllib.request.urlopen(f"{self.address}/healthz", timeout=0.2).close()
        except HTTPError:
            pass
        except OSError:
            return
        self.announced = True
        self.stdout.write(self.style.SUCCESS(f"\nImpasto is ready: {self.address}"))
        if not get_user_model().objects.filter(is_superuser=True).exists():
            self.stdout.write(FIRST_ADMIN.format(manage=Path(MANAGE).name))
        self.stdout.flush()


def _python_path() -> str:
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    ours = [str(settings.ROOT_DIR), str(settings.ROOT_DIR / "platform")]
    return os.pathsep.join(filter(None, [*ours, *given]))


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"
