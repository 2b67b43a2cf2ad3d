"""The look of the staff site (django-unfold); each app brings its own admin.py."""

UNFOLD = {
    "SITE_TITLE": "Impasto staff",
    "SITE_HEADER": "Impasto",
    "SITE_SUBHEADER": "Moving paintings",
    "SITE_URL": "/",
    "SITE_SYMBOL": "brush",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "BORDER_RADIUS": "8px",
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
