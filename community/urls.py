from django.urls import path

from . import api

urlpatterns = [
    path("posts/", api.PostsView.as_view(), name="posts"),
    path("posts/<uuid:post_id>/", api.PostView.as_view(), name="post"),
    path("posts/<uuid:post_id>/like/", api.LikeView.as_view(), name="post-like"),
    path("posts/<uuid:post_id>/comments/", api.CommentsView.as_view(), name="post-comments"),
    path("comments/<uuid:comment_id>/", api.CommentView.as_view(), name="comment"),
    path("reports/", api.ReportsView.as_view(), name="reports"),
]
