"""How often one person may write here."""

from rest_framework.throttling import UserRateThrottle


class ProjectThrottle(UserRateThrottle):
    scope = "projects"
    rate = "240/min"  # a slider dragged, and saved as it goes


class RenderThrottle(UserRateThrottle):
    scope = "renders"
    rate = "120/hour"


class SoundThrottle(UserRateThrottle):
    scope = "sounds"
    rate = "60/hour"
