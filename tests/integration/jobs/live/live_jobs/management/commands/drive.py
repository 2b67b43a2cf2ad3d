import json
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.test import Client

from accounts.models import User
from jobs.models import Job
from jobs.services import job_cancel, job_start


class Command(BaseCommand):
    help = "Do what the test asks for, one JSON array a line: start or cancel a job."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        self.user = User.objects.create_user("anna")
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE finished (job TEXT NOT NULL)")
        for line in sys.stdin:
            verb, argument = json.loads(line)
            self.stdout.write(json.dumps(getattr(self, verb)(argument)))
            self.stdout.flush()

    def start(self, payload: dict[str, Any]) -> str:
        return str(job_start(owner=self.user, kind="hash", payload=payload, subject={}).pk)

    def cancel(self, job_id: str) -> str:
        return job_cancel(job=Job.objects.get(pk=job_id), by=self.user).state

    def log_in(self, username: str) -> str:
        """Return the session of a page on which this person has logged in."""
        browser = Client()
        browser.force_login(User.objects.get_or_create(username=username)[0])
        return browser.cookies["sessionid"].value
