from django.urls import path

from . import api

urlpatterns = [
    path("styles/", api.StylesView.as_view(), name="styles"),
    path("styles/<slug:slug>/", api.StyleView.as_view(), name="style"),
]
