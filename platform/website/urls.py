from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from . import views

Patterns = list[URLPattern | URLResolver]
ROOMS = ["accounts", "jobs", "clips", "mlmodels", "stylization", "editor", "community"]
# Addresses that belong to the server; every other one is the browser client's.
OURS = "api|_allauth|admin|media|models|static|ws|healthz|readyz|robots.txt|favicon.ico"


def _offered(room: str, module: str) -> Patterns:
    """Return the `urlpatterns` a room offers, or none."""
    name = f"{room}.{module}"
    return import_module(name).urlpatterns if apps.is_installed(room) and find_spec(name) else []


api: Patterns = [pattern for room in ROOMS for pattern in _offered(room, "urls")]
media: Patterns = [pattern for room in ROOMS for pattern in _offered(room, "media_urls")]

urlpatterns: Patterns = [
    path("api/v1/", include(api)),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("_allauth/", include("allauth.headless.urls")),
    path("media/", include(media)),
    path("models/", include(_offered("mlmodels", "download_urls"))),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", RedirectView.as_view(url="/static/client/icon.svg", permanent=True)),
    path("readyz", views.readyz, name="readyz"),
    re_path(rf"^(?!(?:{OURS})(?:/|$)).*$", views.client, name="client"),
]

handler400 = "website.views.bad_request"
handler403 = "website.views.forbidden"
handler404 = "website.views.not_found"
handler500 = "website.views.server_error"
