"""
What the staff site does not show.

The queue's own tables only wake workers: a retry or deletion there would go past the job's lease, so jobs are watched
and acted on in their own list. Addresses belong to their person.
"""

from allauth.account.models import EmailAddress
from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

for model in (EmailAddress, Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
