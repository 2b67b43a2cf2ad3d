from datetime import datetime

from django.apps import AppConfig

RENDER = "render"


class EditorConfig(AppConfig):
    name = "editor"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs import registry

        registry.register(kind=RENDER, handler="editor.tasks:run_render", label="Rendering")
        registry.register_sweep(name="sounds", sweep=sweep_sounds)
        registry.register_sweep(name="rendered segments", sweep=sweep_segments)


def sweep_sounds(now: datetime) -> int:
    from .sounds import sounds_sweep

    return sounds_sweep(at=now)


def sweep_segments(now: datetime) -> int:
    from .segments import segments_sweep

    return segments_sweep(at=now)
