"""What Celery runs. Each task is idempotent and carries no data: the rows say what is to do."""

from dataclasses import asdict
from typing import Final

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from namaskah.observability.heartbeats import record_heartbeat
from payments.selectors import backlogs
from payments.services import (
    dispute_follow_up,
    inbox,
    invariant_sweeps,
    janitor,
    nudges,
    refund_follow_up,
    replay_runs,
    webhooks,
)
from payments.services.slow_lane import enter_slow_lane

logger = structlog.get_logger(__name__)


# A call of the gateway lasts 25 s at most, and what is under way when the time is over makes up to three.
_SLOW_LIMIT: Final = 120


@shared_task(name=nudges.DRAIN_TASK, time_limit=60)
def drain_inbox() -> None:
    """Process due webhook events for up to ten seconds, then hand over to the next drain.

    Those that may wait for the gateway are handed over to the slow lane.
    """
    record_heartbeat("worker")
    if webhooks.drain_inbox(charges_only=True):
        nudges.nudge()
    if inbox.is_other_due():
        drain_others.apply_async(expires=settings.NUDGE_EXPIRES_SECONDS, retry=False, ignore_result=True)


@shared_task(name="payments.drain_others", time_limit=_SLOW_LIMIT)
def drain_others() -> None:
    """Process due webhook events that may wait for the gateway."""
    with enter_slow_lane() as is_in:
        if is_in and webhooks.drain_others():
            nudges.nudge()


@shared_task(name="payments.check_payments", time_limit=_SLOW_LIMIT)
def check_payments() -> None:
    """Ask about payments whose outcome nobody told us."""
    with enter_slow_lane() as is_in:
        if is_in:
            janitor.check_payments()


@shared_task(name="payments.follow_up_refunds", time_limit=_SLOW_LIMIT)
def follow_up_refunds() -> None:
    """Send approved refunds, and ask about those on their way."""
    with enter_slow_lane() as is_in:
        if is_in:
            refund_follow_up.follow_up_refunds()


@shared_task(name="payments.follow_up_disputes", time_limit=_SLOW_LIMIT)
def follow_up_disputes() -> None:
    """Ask about disputes that nobody has decided."""
    with enter_slow_lane() as is_in:
        if is_in:
            dispute_follow_up.follow_up_disputes(now=timezone.now())


@shared_task(name="payments.continue_replays", time_limit=_SLOW_LIMIT)
def continue_replays() -> None:
    """Go on with the replays that the staff asked for."""
    with enter_slow_lane() as is_in:
        if is_in:
            replay_runs.continue_runs()


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
