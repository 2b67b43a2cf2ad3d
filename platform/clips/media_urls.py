"""Mounted by the website under `/media/`."""

from django.urls import re_path

from . import media_views

urlpatterns = [
    re_path(
        r"^clips/(?P<clip_id>[0-9a-f-]{36})/(?P<name>video\.mp4|poster\.jpg|sprite\.jpg)$",
        media_views.ClipMediaView.as_view(),
        name="clip-media",
    ),
    re_path(
        r"^clips/(?P<clip_id>[0-9a-f-]{36})/captions\.vtt$",
        media_views.ClipCaptionsView.as_view(),
        name="clip-captions",
    ),
]
