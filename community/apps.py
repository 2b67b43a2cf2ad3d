from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "community"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import profiles
        from clips import visibility as clip_visibility
        from stylization import visibility as style_visibility

        from . import selectors, services

        clip_visibility.register(selectors.clip_is_shown)
        clip_visibility.register_before_removal(services.posts_of_clip_remove)
        style_visibility.register(selectors.style_is_shown)
        profiles.register("posts", selectors.post_count)
