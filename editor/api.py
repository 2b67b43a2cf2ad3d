import re
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.authentication import person_of
from clips.api import ClipSerializer, media_url
from clips.selectors import clip_to_paint
from foundation.errors import ApplicationError, NotFound
from foundation.idempotency import HEADER, idempotent
from foundation.pagination import CursorPagination
from jobs.api import JobSerializer

from . import peaks, selectors, services, sounds
from .checking import Checked, edit_checked
from .editlist.schema import EditList, json_schema
from .models import TITLE_MAX, Project, Sound
from .parsers import EditParser, SoundParser
from .rendering.errors import RenderError
from .throttles import ProjectThrottle, RenderThrottle, SoundThrottle

KEY = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, description="Sent again with the same key: done once.")
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag of the revision that was changed."
)
REVISION = re.compile(r'^(?:W/)?"([1-9][0-9]{0,8})"$')


def audio_url(sound: Sound) -> str:
    return reverse("sound-media", args=[sound.pk])


@extend_schema_field(EditList)  # type: ignore[arg-type]  # drf-spectacular reads pydantic models, its stubs do not
class EditField(serializers.JSONField):
    """An edit list. What is wrong with it is said by `checking`, with the path of each place."""


class SoundSerializer(serializers.ModelSerializer[Sound]):
    """A sound that may go into an edit. Needs `request` in its context, to know whose it is."""

    moods = serializers.ListField(child=serializers.CharField(), source="mood_list", read_only=True)
    beats = serializers.ListField(child=serializers.FloatField(), read_only=True, help_text="Seconds")
    peaks = serializers.ListField(child=serializers.FloatField(), read_only=True, help_text="20 a second, 0 to 1")
    audio_url = serializers.SerializerMethodField()
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Sound
        fields = [
            "id", "kind", "title", "author", "licence", "credit", "moods", "bpm", "beats", "peaks",
            "duration_seconds", "audio_url", "mine",
        ]  # fmt: skip
        read_only_fields = fields

    def get_audio_url(self, sound: Sound) -> str:
        return audio_url(sound)

    def get_mine(self, sound: Sound) -> bool:
        return sound.owner_id is not None and sound.owner_id == self.context["request"].user.pk


class ProjectBriefSerializer(serializers.ModelSerializer[Project]):
    """A project in a list."""

    poster_url = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ["id", "title", "revision", "duration_seconds", "poster_url", "created_at", "updated_at"]
        read_only_fields = fields

    def get_poster_url(self, project: Project) -> str | None:
        clip = project.poster_clip
        return media_url(clip, "poster.jpg") if clip is not None and clip.deleted_at is None else None


class ProjectSerializer(ProjectBriefSerializer):
    """A project, to be worked on. Needs `request` in its context."""

    edit = EditField(read_only=True)
    clips = serializers.SerializerMethodField(help_text="Those that the edit names and that are still there.")
    sounds = serializers.SerializerMethodField(help_text="Those that the edit names and that are still there.")
    missing = serializers.SerializerMethodField(help_text="Ids that the edit names and that are gone.")

    class Meta(ProjectBriefSerializer.Meta):
        fields = [*ProjectBriefSerializer.Meta.fields, "edit", "clips", "sounds", "missing"]
        read_only_fields = fields

    def to_representation(self, project: Project) -> dict[str, Any]:
        self._contents: Checked = services.project_contents(project)
        return super().to_representation(project)

    @extend_schema_field(ClipSerializer(many=True))
    def get_clips(self, project: Project) -> list[Any]:
        return list(ClipSerializer(list(self._contents.clips.values()), many=True).data)

    @extend_schema_field(SoundSerializer(many=True))
    def get_sounds(self, project: Project) -> list[Any]:
        sounds = list(self._contents.sounds.values())
        return list(SoundSerializer(sounds, many=True, context=self.context).data)

    def get_missing(self, project: Project) -> list[str]:
        return self._contents.missing


class ProjectCreateSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=TITLE_MAX, required=False, allow_blank=True, default="")
    clip_id = serializers.UUIDField(required=False, allow_null=True, help_text="Begin with the whole of this clip")
    edit = EditField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("clip_id") is not None and attrs.get("edit") is not None:
            raise serializers.ValidationError({"clip_id": ["Begin with a clip or with an edit list, not with both."]})
        return attrs


class ProjectSaveSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=TITLE_MAX, required=False, allow_blank=True, default=None)
    edit = EditField()


class EditInSerializer(serializers.Serializer[Any]):
    edit = EditField()


class PlacedSegmentSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    start_seconds = serializers.FloatField()
    end_seconds = serializers.FloatField()


class LaidOutSerializer(serializers.Serializer[Checked]):
    """What becomes of an edit list in time."""

    width = serializers.SerializerMethodField()
    height = serializers.SerializerMethodField()
    frame_rate = serializers.IntegerField(source="timeline.frame_rate")
    frames = serializers.IntegerField(source="timeline.frames")
    duration_seconds = serializers.FloatField(source="timeline.seconds")
    segments = serializers.SerializerMethodField()

    def get_width(self, checked: Checked) -> int:
        return checked.edit.canvas.size[0]

    def get_height(self, checked: Checked) -> int:
        return checked.edit.canvas.size[1]

    @extend_schema_field(PlacedSegmentSerializer(many=True))
    def get_segments(self, checked: Checked) -> list[dict[str, Any]]:
        rate = checked.timeline.frame_rate
        return [
            {
                "id": placed.segment.id,
                "start_seconds": round(placed.span.start / rate, 6),
                "end_seconds": round(placed.span.end / rate, 6),
            }
            for placed in checked.timeline.placed
        ]


class RenderInSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=TITLE_MAX, required=False, allow_blank=True, default="")


class SoundUploadSerializer(serializers.Serializer[Any]):
    audio = serializers.FileField(help_text="MP3, M4A, OGG, WAV, FLAC or WebM; at most 20 MB and 10 minutes")
    title = serializers.CharField(max_length=TITLE_MAX, required=False, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=["music", "voice"])


class SoundQuery(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["library", "mine"], required=False)
    mood = serializers.CharField(max_length=30, required=False, allow_blank=True)
    bpm_min = serializers.FloatField(min_value=0, max_value=1000, required=False)
    bpm_max = serializers.FloatField(min_value=0, max_value=1000, required=False)
    q = serializers.CharField(max_length=120, required=False, allow_blank=True)


class ProjectPagination(CursorPagination):
    order_field = "updated_at"


class Narrowed(APIView):
    """Writing is counted by its own measure; reading by the site's."""

    writing: type[BaseThrottle] | None = None

    def get_throttles(self) -> list[BaseThrottle]:
        is_read = self.request.method in ("GET", "HEAD", "OPTIONS")
        own = [self.writing()] if self.writing and not is_read else []
        return [*super().get_throttles(), *own]


class ProjectAnswers(Narrowed):
    """An answer that is a project carries its revision as `ETag`."""

    parser_classes: list[type[BaseParser]] = [EditParser]
    writing = ProjectThrottle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        data = getattr(answer, "data", None)
        if answer.status_code < 300 and isinstance(data, dict) and "revision" in data:
            answer["ETag"] = f'"{data["revision"]}"'
        return answer

    def answer(self, request: Request, project: Project, status: int = 200) -> Response:
        return Response(ProjectSerializer(project, context={"request": request}).data, status=status)


class ProjectsView(ProjectAnswers):
    @extend_schema(operation_id="projects", responses=ProjectBriefSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = ProjectPagination()
        page = pages.paginate_queryset(selectors.projects_of(person_of(request)), request, self)
        return pages.get_paginated_response(ProjectBriefSerializer(page, many=True).data)

    @extend_schema(
        operation_id="project_create",
        parameters=[KEY],
        request=ProjectCreateSerializer,
        responses={201: ProjectSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        form = _form(ProjectCreateSerializer, request.data)
        return self.answer(request, _begun(request, form), 201)


class ProjectView(ProjectAnswers):
    @extend_schema(operation_id="project", responses=ProjectSerializer)
    def get(self, request: Request, project_id: UUID) -> Response:
        return self.answer(request, selectors.project_for_owner(person_of(request), project_id))

    @extend_schema(
        operation_id="project_save",
        parameters=[IF_MATCH],
        request=ProjectSaveSerializer,
        responses=ProjectSerializer,
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        project = selectors.project_for_owner(person_of(request), project_id)
        revision = revision_in(request.headers.get("If-Match"))
        form = _form(ProjectSaveSerializer, request.data)
        saved = services.project_save(project=project, revision=revision, at=timezone.now(), **form)
        return self.answer(request, saved)

    @extend_schema(operation_id="project_remove", responses={204: None})
    def delete(self, request: Request, project_id: UUID) -> Response:
        services.project_remove(project=selectors.project_for_owner(person_of(request), project_id))
        return Response(status=204)


class ProjectDuplicateView(ProjectAnswers):
    @extend_schema(operation_id="project_duplicate", parameters=[KEY], request=None, responses={201: ProjectSerializer})
    @idempotent
    def post(self, request: Request, project_id: UUID) -> Response:
        project = selectors.project_for_owner(person_of(request), project_id)
        return self.answer(request, services.project_duplicate(project=project, at=timezone.now()), 201)


class ProjectValidateView(Narrowed):
    parser_classes = [EditParser]
    writing = ProjectThrottle

    @extend_schema(operation_id="project_validate", request=EditInSerializer, responses=LaidOutSerializer)
    def post(self, request: Request) -> Response:
        form = _form(EditInSerializer, request.data)
        return Response(LaidOutSerializer(edit_checked(person_of(request), form["edit"])).data)


class ProjectRenderView(Narrowed):
    parser_classes = [EditParser]
    writing = RenderThrottle

    @extend_schema(
        operation_id="project_render", parameters=[KEY], request=RenderInSerializer, responses={202: JobSerializer}
    )
    @idempotent
    def post(self, request: Request, project_id: UUID) -> Response:
        form = _form(RenderInSerializer, request.data)
        project = selectors.project_for_owner(person_of(request), project_id)
        return Response(JobSerializer(services.render_start(project=project, **form)).data, status=202)


class PeaksSerializer(serializers.Serializer[Any]):
    per_second = serializers.IntegerField()
    peaks = serializers.ListField(child=serializers.FloatField())


class ClipPeaksView(APIView):
    """The waveform of a clip that one may edit. A clip never changes, so whoever asked once need not ask again."""

    @extend_schema(operation_id="clip_peaks", responses=PeaksSerializer)
    def get(self, request: Request, clip_id: UUID) -> Response:
        clip = clip_to_paint(person_of(request), clip_id)
        try:
            found = peaks.clip_peaks(clip)
        except RenderError as fault:
            raise NotFound(str(fault)) from fault
        forever = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response({"per_second": peaks.PEAKS_PER_SECOND, "peaks": found}, headers=forever)


class EditListSchemaView(APIView):
    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()]

    @extend_schema(operation_id="edit_list_schema", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(json_schema())


class SoundsView(Narrowed):
    parser_classes = [SoundParser]
    writing = SoundThrottle

    @extend_schema(operation_id="sounds", parameters=[SoundQuery], responses=SoundSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = selectors.sounds_found(person_of(request), **_form(SoundQuery, request.query_params))
        pages = CursorPagination()
        page = pages.paginate_queryset(found, request, self)
        return pages.get_paginated_response(SoundSerializer(page, many=True, context={"request": request}).data)

    @extend_schema(
        operation_id="sound_create",
        parameters=[KEY],
        request={"multipart/form-data": SoundUploadSerializer},
        responses={201: SoundSerializer},
    )
    def post(self, request: Request) -> Response:
        form = _form(SoundUploadSerializer, request.data)
        sounds.sounds_check_limit(person_of(request))
        # Read first, for seconds; only then begins the transaction that a keyed request is answered in.
        with sounds.sound_reading(audio=form.pop("audio"), finds_beats=form["kind"] == Sound.Kind.MUSIC) as reading:
            return self._keep(request, reading, form)

    @idempotent
    def _keep(self, request: Request, reading: sounds.Reading, form: dict[str, Any]) -> Response:
        sound = sounds.sound_create(owner=person_of(request), reading=reading, at=timezone.now(), **form)
        return Response(SoundSerializer(sound, context={"request": request}).data, status=201)


class SoundView(APIView):
    @extend_schema(operation_id="sound", responses=SoundSerializer)
    def get(self, request: Request, sound_id: UUID) -> Response:
        sound = selectors.sound_to_use(person_of(request), sound_id)
        return Response(SoundSerializer(sound, context={"request": request}).data)

    @extend_schema(operation_id="sound_remove", responses={204: None})
    def delete(self, request: Request, sound_id: UUID) -> Response:
        user = person_of(request)
        sounds.sound_remove(sound=selectors.sound_to_use(user, sound_id), by=user, at=timezone.now())
        return Response(status=204)


def revision_in(header: str | None) -> int | None:
    """
    Read `If-Match`: the revision; None for `*`, whichever it is at.

    :raises RevisionRequired: without the header
    :raises EditedElsewhere: for a tag that was never one of ours
    """
    if header is None or not header.strip():
        raise services.RevisionRequired("Send the project's ETag as If-Match.")
    if header.strip() == "*":
        return None
    match = REVISION.match(header.strip())
    if match is None:
        raise services.EditedElsewhere("If-Match names no revision of this project. Load it again.")
    return int(match[1])


class NoSuchClip(ApplicationError):
    title = "Some of it cannot be used"


def _begun(request: Request, form: dict[str, Any]) -> Project:
    owner, at = person_of(request), timezone.now()
    if form.get("clip_id") is None:
        edit = form.get("edit") if form.get("edit") is not None else {"version": 1}
        return services.project_create(owner=owner, title=form["title"], edit=edit, at=at)
    try:
        clip = clip_to_paint(owner, form["clip_id"])
    except NotFound:
        words = "This is not one of your clips."
        raise NoSuchClip(words, errors={"clip_id": [words]}) from None
    return services.project_create_from_clip(owner=owner, clip=clip, title=form["title"], at=at)


def _form(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    form = serializer(data=data)
    form.is_valid(raise_exception=True)
    return form.validated_data
