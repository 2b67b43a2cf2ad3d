from datetime import datetime

from django.apps import AppConfig


class MLModelsConfig(AppConfig):
    name = "mlmodels"
    verbose_name = "Networks for other devices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs import registry

        from . import checks  # noqa: F401  registers itself

        registry.register_sweep(name="models", sweep=sweep)


def sweep(now: datetime) -> int:
    from .releasing import workplaces_sweep
    from .services import models_sweep

    return models_sweep(at=now) + workplaces_sweep()
