"""What Celery runs for idempotency keys."""

import time
from typing import Final

import structlog
from celery import shared_task
from django.utils import timezone

from namaskah.idempotency import purging

logger = structlog.get_logger(__name__)

# A backlog is worked off over several runs: a worker must not be kept from webhooks for long.
LIMIT_SECONDS: Final = 20.0


@shared_task(name=purging.PURGE_TASK, time_limit=60)
def purge_keys() -> None:
    """Purge what has expired, for up to twenty seconds; the next hour's run goes on."""
    deadline = time.monotonic() + LIMIT_SECONDS
    purged = 0
    for count in purging.purge_keys(now=timezone.now()):
        purged += count
        if time.monotonic() >= deadline:
            break
    if purged:
        logger.info("idempotency_keys_purged", count=purged)
