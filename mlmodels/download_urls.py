"""Mounted by the website under `/models/`."""

from django.urls import re_path

from . import api

urlpatterns = [
    re_path(
        r"^(?P<sha256>[0-9a-f]{64})/(?P<filename>[A-Za-z0-9][A-Za-z0-9._-]*)$",
        api.ModelDownloadView.as_view(),
        name="model-download",
    ),
]
