"""Put the shipped demo clips into the database, through the same ingest as anybody's clip."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from clips import conf
from clips.demos import Demo, demos
from clips.ingest.bounds import Refusal
from clips.ingest.worker import make_mezzanine
from clips.media import prepare_media
from clips.models import Clip
from clips.services import clip_adopt

HOUSE = "impasto"


class Command(BaseCommand):
    help = "Load the demo clips. Safe to run again; only what is missing is done."

    def handle(self, *args: Any, **options: Any) -> None:
        there = set(Clip.objects.exclude(demo="").values_list("demo", flat=True))
        missing = [demo for demo in demos() if demo.name not in there]
        for demo in missing:
            self._load(demo)
        self.stdout.write(f"{len(demos())} demo clips, {len(missing)} of them loaded now.")

    def _load(self, demo: Demo) -> None:
        """:raises CommandError: when the shipped file cannot be used"""
        work = Path(settings.VAR_DIR) / "work"
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=work, prefix="demo-") as name:
            directory = Path(name)
            try:
                video = make_mezzanine(demo.video, directory, conf.bounds(), lambda **_: None)
            except Refusal as refusal:
                raise CommandError(f"{demo.video.name}: {refusal.detail}") from refusal
            media = prepare_media(video, directory)
            with transaction.atomic():
                clip_adopt(owner=_house(), title=demo.title, media=media, demo=demo.name)


def _house() -> User:
    """The account that the demo clips belong to; nobody can log in with it."""
    house, is_new = User.objects.get_or_create(username=HOUSE, defaults={"display_name": "Impasto"})
    if is_new:
        house.set_unusable_password()
        house.save(update_fields=["password"])
    return house
