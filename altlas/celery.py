"""The Celery app: configured from Django's settings, tasks found in the apps."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")

app = Celery("altlas")
app.config_from_object("django.conf:settings.CELERY")
app.set_current()
app.set_default()
app.autodiscover_tasks()
