"""The Celery application: everything that runs outside requests."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

app = Celery("namaskah")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
