from django.apps import AppConfig


class ClipsConfig(AppConfig):
    name = "clips"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs.registry import register_sweep

        from . import services

        register_sweep(name="clips", sweep=services.clips_sweep)
