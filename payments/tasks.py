"""What Celery runs. Each task is idempotent and carries no data: the rows say what is to do."""

from dataclasses import asdict

import structlog
from celery import shared_task
from django.utils import timezone

from namaskah.observability.heartbeats import record_heartbeat
from payments.selectors import backlogs
from payments.services import invariant_sweeps, janitor, nudges, refund_follow_up, webhooks

logger = structlog.get_logger(__name__)


@shared_task(name=nudges.DRAIN_TASK, time_limit=60)
def drain_inbox() -> None:
    """Process due webhook events for up to ten seconds, then hand over to the next drain."""
    record_heartbeat("worker")
    if webhooks.drain_inbox():
        nudges.nudge()


@shared_task(name="payments.check_payments", time_limit=60)
def check_payments() -> None:
    """Ask about payments whose outcome nobody told us."""
    janitor.check_payments()


@shared_task(name="payments.follow_up_refunds", time_limit=60)
def follow_up_refunds() -> None:
    """Send approved refunds, and ask about those on their way."""
    refund_follow_up.follow_up_refunds()


@shared_task(name="payments.sweep_changes", time_limit=280)
def sweep_changes() -> None:
    """Check the invariants for whoever's rows changed."""
    invariant_sweeps.sweep_changes(now=timezone.now())


@shared_task(name="payments.report_backlog", time_limit=60)
def report_backlog() -> None:
    """Say in the log what waits, and louder if it waits for a person."""
    backlog = backlogs.measure_backlog()
    log = logger.warning if backlog.waits_for_a_person else logger.info
    log("backlog", **{name: pile for name, pile in asdict(backlog).items() if pile["count"]})


@shared_task(name="payments.sweep_everything", time_limit=3600)
def sweep_everything() -> None:
    """Check the invariants for every row."""
    invariant_sweeps.sweep_everything()
