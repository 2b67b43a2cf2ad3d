from django.urls import path

from . import api

urlpatterns = [
    path("projects/", api.ProjectsView.as_view(), name="projects"),
    path("projects/validate/", api.ProjectValidateView.as_view(), name="project-validate"),
    path("projects/<uuid:project_id>/", api.ProjectView.as_view(), name="project"),
    path("projects/<uuid:project_id>/duplicate/", api.ProjectDuplicateView.as_view(), name="project-duplicate"),
    path("projects/<uuid:project_id>/render/", api.ProjectRenderView.as_view(), name="project-render"),
    path("clips/<uuid:clip_id>/peaks/", api.ClipPeaksView.as_view(), name="clip-peaks"),
    path("edit-list.schema.json", api.EditListSchemaView.as_view(), name="edit-list-schema"),
    path("sounds/", api.SoundsView.as_view(), name="sounds"),
    path("sounds/<uuid:sound_id>/", api.SoundView.as_view(), name="sound"),
]
