"""Put the shipped music into the library, through the same process as anybody's sound."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from editor import catalogue, sounds


class Command(BaseCommand):
    help = "Load the shipped music. Safe to run again; only what changed is done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", action="store_true", help="find the beats of the shipped files and keep them")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["listen"]:
            steady = [track for track in catalogue.tracks() if track.has_beats]
            catalogue.rhythms_write({track.name: sounds.track_listen(track=track) for track in steady})
            self.stdout.write(f"{len(steady)} tracks listened to.")
            return
        loaded = [self._load(track) for track in catalogue.tracks()]
        self.stdout.write(f"{len(loaded)} tracks, {sum(loaded)} of them loaded now.")

    def _load(self, track: catalogue.Track) -> bool:
        """:raises CommandError: when the shipped file cannot be used"""
        try:
            _, was_changed = sounds.track_load(track=track)
        except sounds.SoundRefused as refused:
            raise CommandError(f"{track.file.name}: {refused.detail}") from refused
        return was_changed
