"""Mounted by the website under `/media/`."""

from django.urls import path

from . import media_views

urlpatterns = [path("sounds/<uuid:sound_id>/audio.m4a", media_views.SoundMediaView.as_view(), name="sound-media")]
