from django.urls import path

from . import api

urlpatterns = [
    path("me/", api.MeView.as_view(), name="me"),
    path("users/<str:username>/", api.UserView.as_view(), name="user"),
]
