"""What Celery runs. Each task is idempotent and carries no data: the rows say what is to do."""

from celery import shared_task

from namaskah.observability.heartbeats import record_heartbeat
from payments.services import nudges, webhooks


@shared_task(name=nudges.DRAIN_TASK, time_limit=60)
def drain_inbox() -> None:
    """Process due webhook events for up to ten seconds, then hand over to the next drain."""
    record_heartbeat("worker")
    if webhooks.drain_inbox():
        nudges.nudge()
