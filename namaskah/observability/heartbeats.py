"""Signs of life of the processes that answer no requests."""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from namaskah.observability.models import Heartbeat

WORKER: Final = "worker"
_INTERVAL_SECONDS: Final = 5.0

_mutex = threading.Lock()
_written_at: dict[str, float] = {}


def record_heartbeat(name: str) -> None:
    """Write that `name` lives, by the database's clock, at most every five seconds per process."""
    with _mutex:
        if time.monotonic() - _written_at.get(name, float("-inf")) < _INTERVAL_SECONDS:
            return
        _written_at[name] = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO heartbeats (name, beat_at) VALUES (%s, now()) "
            "ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at",
            [name],
        )


def find_heartbeat(name: str) -> datetime | None:
    """Return when `name` last showed that it lives."""
    return Heartbeat.objects.filter(name=name).values_list("beat_at", flat=True).first()


def find_silence(name: str) -> timedelta | None:
    """Return how long ago, by the database's clock, `name` last showed that it lives; None if it never did."""
    silences = Heartbeat.objects.filter(name=name).annotate(
        silence=ExpressionWrapper(Now() - F("beat_at"), output_field=DurationField())
    )
    return silences.values_list("silence", flat=True).first()
