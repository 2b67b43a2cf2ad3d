from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class WebsiteConfig(AppConfig):
    name = "website"

    def ready(self) -> None:
        from .roles import ensure_moderators

        # Signals come room by room, each after its permissions are made; the uppermost room with models is the last.
        post_migrate.connect(ensure_moderators, sender=_uppermost_room(), dispatch_uid="moderators")


def _uppermost_room() -> AppConfig:
    return [config for config in apps.get_app_configs() if config.models_module is not None][-1]
