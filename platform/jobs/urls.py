from django.urls import path

from . import api

urlpatterns = [
    path("jobs/", api.JobListView.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>/", api.JobView.as_view(), name="job"),
    path("jobs/<uuid:job_id>/cancel/", api.JobCancelView.as_view(), name="job-cancel"),
    path("jobs/<uuid:job_id>/retry/", api.JobRetryView.as_view(), name="job-retry"),
    path("jobs/<uuid:job_id>/preview.jpg", api.JobPreviewView.as_view(), name="job-preview"),
    path("socket-tickets/", api.SocketTicketView.as_view(), name="socket-tickets"),
]
