"""Put the shipped presets into the database, with files, palettes and embeddings."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from stylization import catalogue, services
from stylization.embedding import NoModel, embed_pictures, shipped_model_sha256
from stylization.models import Style


class Command(BaseCommand):
    help = "Load the preset styles. Safe to run again; only what changed is done."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            loaded = [services.preset_load(preset=preset) for preset in catalogue.presets()]
        changed = sum(was_changed for _, was_changed in loaded)
        self.stdout.write(f"{len(loaded)} presets, {changed} of them loaded now.")
        self._embed([style for style, _ in loaded])

    def _embed(self, styles: list[Style]) -> None:
        shipped = shipped_model_sha256()
        if shipped is None:
            self.stderr.write("No model weights are here yet: the first painting will work out the embeddings.")
            return
        stale = [style for style in styles if services.style_embedding(style=style, model_sha256=shipped) is None]
        if not stale:
            return
        try:
            found = embed_pictures([services.picture_path(style) for style in stale])
        except NoModel as fault:
            self.stderr.write(f"The embeddings could not be worked out: {fault}")
            return
        with transaction.atomic():
            for style, embedding in zip(stale, found.embeddings, strict=True):
                services.style_embedding_store(style=style, embedding=embedding, model_sha256=found.model_sha256)
        self.stdout.write(f"{len(stale)} embeddings worked out.")
