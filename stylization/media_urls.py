"""Mounted by the website under `/media/`."""

from django.urls import re_path

from . import api

urlpatterns = [
    re_path(
        r"^styles/(?P<style_id>[0-9a-f-]{36})/(?P<name>image\.jpg|thumbnail\.jpg)$", api.style_media, name="style-media"
    ),
]
