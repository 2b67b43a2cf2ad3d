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
    # The ochre of the site.
    "COLORS": {
        "primary": {
            "50": "#faf6ee",
            "100": "#f5ebd7",
            "200": "#ecd6ae",
            "300": "#e8c48a",
            "400": "#d6a35c",
            "500": "#b8803a",
            "600": "#966226",
            "700": "#7a4a12",
            "800": "#603a12",
            "900": "#482d12",
            "950": "#2c1b0a",
        },
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
