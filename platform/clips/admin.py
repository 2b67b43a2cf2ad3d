from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline

from foundation.staff import ReadOnly

from .api import media_url
from .models import Clip, ClipParent, Upload


class ParentsInline(ReadOnly, TabularInline):
    model = ClipParent
    fk_name = "child"
    verbose_name_plural = "Made from"
    extra = 0


@admin.register(Clip)
class ClipAdmin(ReadOnly, ModelAdmin):
    list_display = ["poster", "title", "owner", "size", "length", "created_at", "deleted_at"]
    list_display_links = ["poster", "title"]
    list_filter = ["created_at", "deleted_at", "has_audio"]
    list_select_related = ["owner"]
    search_fields = ["id", "title", "owner__username"]
    date_hierarchy = "created_at"
    inlines = [ParentsInline]
    fields = [
        "player", "title", "owner", "size", "length", "frame_rate", "frame_count", "has_audio", "disk", "recipe",
        "sha256", "job", "demo", "created_at", "deleted_at",
    ]  # fmt: skip
    readonly_fields = fields

    @admin.display(description="")
    def poster(self, clip: Clip) -> str:
        url = media_url(clip, "poster.jpg")
        return format_html('<img src="{}" alt="" width="72" loading="lazy">', url)

    @admin.display(description="")
    def player(self, clip: Clip) -> str:
        return format_html(
            '<video src="{}" poster="{}" controls preload="none" width="480"></video>',
            media_url(clip, "video.mp4"),
            media_url(clip, "poster.jpg"),
        )

    @admin.display(description="Size")
    def size(self, clip: Clip) -> str:
        return f"{clip.width} × {clip.height}"

    @admin.display(description="Length", ordering="duration_seconds")
    def length(self, clip: Clip) -> str:
        return f"{clip.duration_seconds:.1f} s"

    @admin.display(description="On disk", ordering="bytes")
    def disk(self, clip: Clip) -> str:
        return filesizeformat(clip.bytes)


@admin.register(Upload)
class UploadAdmin(ReadOnly, ModelAdmin):
    list_display = ["filename", "owner", "shown_state", "arrived", "created_at", "expires_at"]
    list_filter = ["created_at"]
    list_select_related = ["owner", "job"]
    search_fields = ["id", "filename", "owner__username"]

    @admin.display(description="State")
    def shown_state(self, upload: Upload) -> str:
        return upload.state

    @admin.display(description="Arrived")
    def arrived(self, upload: Upload) -> str:
        return f"{filesizeformat(upload.offset)} of {filesizeformat(upload.length)}"
