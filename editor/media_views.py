"""The bytes of sounds, each through a permission check."""

from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import person_of
from foundation.serving import AnyAccept, serve

from . import selectors


class SoundMediaView(APIView):
    """A sound: one of the library for everybody signed in, an own one for its owner and the moderators."""

    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "options"]

    @extend_schema(exclude=True)
    def get(self, request: Request, sound_id: UUID) -> HttpResponseBase:
        sound = selectors.sound_to_hear(person_of(request), sound_id)
        return serve(
            request, sound.file, content_type="audio/mp4", tag=f"{sound.sha256[:32]}.audio", made_at=sound.created_at
        )

    def head(self, request: Request, sound_id: UUID) -> HttpResponseBase:
        return self.get(request, sound_id)
