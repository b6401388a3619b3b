"""Workers that live, and workers that were not heard of for a while."""

from datetime import timedelta

from django.utils import timezone

from namaskah.observability import heartbeats
from namaskah.observability.models import Heartbeat


def hear_worker(*, ago: timedelta = timedelta(0)) -> None:
    """Let a worker have shown so long ago that it lives."""
    Heartbeat.objects.update_or_create(name=heartbeats.WORKER, defaults={"beat_at": timezone.now() - ago})
