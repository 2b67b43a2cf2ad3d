from django.urls import path

from . import api

urlpatterns = [
    path("styles/", api.StylesView.as_view(), name="styles"),
    path("style-embeddings/", api.StyleEmbeddingsView.as_view(), name="style-embeddings"),
    path("styles/<slug:slug>/", api.StyleView.as_view(), name="style"),
    path("clips/<uuid:clip_id>/preview/", api.ClipPreviewView.as_view(), name="clip-preview"),
    path("clips/<uuid:clip_id>/restyle/", api.ClipRestyleView.as_view(), name="clip-restyle"),
]
