from django.apps import AppConfig


class StylizationConfig(AppConfig):
    name = "stylization"
    default_auto_field = "django.db.models.BigAutoField"
