from django.apps import AppConfig


class LiveJobsConfig(AppConfig):
    name = "live_jobs"

    def ready(self) -> None:
        from jobs.registry import register

        register(kind="hash", handler="live_jobs.work:hash_a_file", label="Hashing")
