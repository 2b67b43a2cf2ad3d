from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "community"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import profiles
        from clips import visibility as clips_visibility
        from jobs import registry
        from stylization import visibility as styles_visibility

        from . import selectors, services

        clips_visibility.register(selectors.clip_is_shown)
        clips_visibility.register_before_removal(services.posts_of_clip_remove)
        styles_visibility.register(selectors.style_is_shown)
        profiles.register("posts", selectors.post_count_of)
        registry.register_sweep(name="posts", sweep=services.posts_sweep)
