from django.apps import AppConfig


class ClipsConfig(AppConfig):
    name = "clips"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs.registry import QUICK, register, register_sweep

        from . import services, uploads

        # Decoding is bounded below this; painting for an hour must not keep a newcomer waiting.
        register(
            kind="ingest", handler="clips.tasks:run_ingest", label="Reading the clip", queue=QUICK, seconds_max=1800
        )
        register_sweep(name="clips", sweep=services.clips_sweep)
        register_sweep(name="uploads", sweep=uploads.uploads_sweep)
