from django.apps import AppConfig


class MLModelsConfig(AppConfig):
    name = "mlmodels"
    default_auto_field = "django.db.models.BigAutoField"
