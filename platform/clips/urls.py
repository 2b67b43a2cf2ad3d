from django.urls import path

from . import api, upload_api

urlpatterns = [
    path("uploads/", upload_api.UploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>", upload_api.UploadView.as_view(), name="upload"),
    path("clips/", api.ClipListView.as_view(), name="clips"),
    path("clips/<uuid:clip_id>/", api.ClipView.as_view(), name="clip"),
    path("clips/<uuid:clip_id>/frame.jpg", api.ClipFrameView.as_view(), name="clip-frame"),
]
