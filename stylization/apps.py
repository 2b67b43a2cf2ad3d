from datetime import datetime

from django.apps import AppConfig

RESTYLE = "restyle"


class StylizationConfig(AppConfig):
    name = "stylization"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs import registry

        registry.register(kind=RESTYLE, handler="stylization.tasks:run_restyle", label="Painting")
        registry.register_sweep(name="styles", sweep=sweep)


def sweep(now: datetime) -> int:
    from .services import styles_sweep

    return styles_sweep(at=now)
