"""The Celery application: everything that runs outside requests."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, task_prerun
from django.db import close_old_connections
from kombu.transport.redis import Channel

from namaskah.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

# A message that was being worked on when the connection was lost need not be put back: it carries nothing, and
# kombu 5 fails at it while Redis is away, which ends the worker.
Channel.do_restore = False

app = Celery("namaskah")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def _refuse_faulty_start(**_: Any) -> None:
    refuse_faulty_start()


@task_prerun.connect
def _drop_dead_connections(**_: Any) -> None:
    """Check the connection before each task, as Django does before each request: Postgres may have been restarted."""
    close_old_connections()
