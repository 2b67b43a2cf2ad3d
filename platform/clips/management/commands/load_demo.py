"""Put the shipped demo clips into the database, through the same ingest as anybody's clip."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.services import user_house
from clips import conf
from clips.demos import Demo, demos
from clips.ingest.bounds import Refusal
from clips.ingest.worker import make_mezzanine
from clips.media import prepare_media
from clips.models import Clip
from clips.services import clip_adopt
from foundation.errors import Conflict


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
            try:
                house = user_house()
            except Conflict as taken:
                raise CommandError(taken.detail) from taken
            with transaction.atomic():
                clip_adopt(owner=house, title=demo.title, media=media, demo=demo.name)
