from django.urls import path

from . import api

urlpatterns = [
    path("model-releases/", api.ModelReleasesView.as_view(), name="model-releases"),
    path("model-releases/key/", api.SigningKeyView.as_view(), name="model-signing-key"),
]
