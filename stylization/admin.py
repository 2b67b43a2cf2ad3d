from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from .api import style_image_url
from .models import Style


@admin.register(Style)
class StyleAdmin(ModelAdmin):
    """Styles with their pictures, to look at: presets come from files, own pictures from their owners."""

    list_display = ["picture", "name", "kind", "artist", "owner", "colours", "created_at", "removed_at"]
    list_display_links = ["picture", "name"]
    list_filter = ["kind", "removed_at"]
    list_select_related = ["owner"]
    search_fields = ["name", "slug", "artist", "owner__username"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Style | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Style | None = None) -> bool:
        return False

    @admin.display(description="")
    def picture(self, style: Style) -> str:
        url = style_image_url(style, "thumbnail.jpg")
        return format_html('<img src="{}" alt="" width="56" height="56" loading="lazy">', url)

    @admin.display(description="Palette")
    def colours(self, style: Style) -> str:
        # Attributes, not style="": the site's Content-Security-Policy allows no inline styles.
        squares = format_html_join(
            "",
            '<rect x="{}" width="16" height="16" fill="{}"/>',
            ((16 * at, colour) for at, colour in enumerate(style.palette)),
        )
        return format_html(
            '<svg width="80" height="16" role="img" aria-label="{}">{}</svg>', ", ".join(style.palette), squares
        )
