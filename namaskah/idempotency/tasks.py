"""What Celery runs for idempotency keys."""

from celery import shared_task
from django.utils import timezone

from namaskah.idempotency import purging


@shared_task(name=purging.PURGE_TASK, time_limit=60)
def purge_answers() -> None:
    """Purge what has expired; what the time does not suffice for, the next hour's run does."""
    for _ in purging.purge_answers(now=timezone.now()):
        pass
