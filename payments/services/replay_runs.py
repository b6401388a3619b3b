"""Replays of many events at once, by the workers and in small turns, whatever becomes of the browser or a worker.

Which events are done stands in the database, written together with their attempts. A turn that breaks off, runs twice
or meets another one goes on with what is left.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from namaskah.audit.models import Outcome
from namaskah.audit.origins import Origin, coming_from
from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, DomainError, PermissionDeniedError, RuleViolationError
from payments.lifecycles import EventStatus
from payments.models import ReplayOutcome, ReplayRun, ReplayRunEvent, ReplayRunState, WebhookAttempt, WebhookEvent
from payments.selectors import replay_runs
from payments.services import replays
from payments.services.inbox import Failure
from payments.services.replays import REPLAY_PERMISSION, EventBusyError, EventNotFoundError

logger = structlog.get_logger(__name__)

LARGEST_RUN: Final = 1_000
_TURN_SECONDS: Final = 3.0
# Longer than an event's own lease, and than any one replay takes.
_LEASE_SECONDS: Final = 60
# After this a worker that has the event is done with it, or dead, or somebody else takes it up.
_BUSY_SECONDS: Final = 10
_MOST_CLAIMS: Final = 3

# A sub-select that nothing outside it changes is run once, so that one event is claimed and not one per row.
_CLAIM: Final = """
UPDATE replay_run_events
SET claims = claims + 1, claimed_until = now() + make_interval(secs => %s)
WHERE id = (
    SELECT waiting.id FROM replay_run_events AS waiting JOIN replay_runs AS run ON run.id = waiting.run_id
    WHERE run.state = 'running' AND waiting.outcome = 'waiting'
        AND (waiting.claimed_until IS NULL OR waiting.claimed_until <= now())
    ORDER BY run.created_at, run.id, waiting.position LIMIT 1
    FOR NO KEY UPDATE OF waiting SKIP LOCKED
)
RETURNING *
"""
_GIVE_BACK: Final = """
UPDATE replay_run_events
SET claims = claims - 1, claimed_until = now() + make_interval(secs => %s)
WHERE id = %s AND outcome = 'waiting'
"""


class ReplayRunSizeError(RuleViolationError):
    """Nothing was chosen, or too much."""

    code = "validation_error"


class ReplayRunKeyReusedError(ConflictError):
    """The key began another run."""

    code = "concurrent_update"


class ReplayRunEndedError(ConflictError):
    """The run has ended: there is nothing to stop."""

    code = "concurrent_update"


class ReplayedElsewhereError(Exception):
    """Another worker has written down what became of the event of this run."""


class WornOutReplayError(Exception):
    """The event was taken up again and again, and nobody lived to finish it."""


def start_run(
    *,
    event_ids: Sequence[UUID],
    asked_for: Mapping[str, Any],
    reason: str,
    key: UUID,
    by: User,
    request_id: str = "",
    now: datetime,
) -> ReplayRun:
    """Have the workers replay the events in their order; the same `key` begins one run.

    `asked_for` keeps how the events were chosen. At most LARGEST_RUN at once.

    :raises PermissionDeniedError: if `by` may not replay events.
    :raises ReplayRunSizeError: if there is no event, or too many.
    :raises EventNotFoundError: if one of them is not there.
    :raises ReplayRunKeyReusedError: if somebody else's run has this key.
    """
    wanted = list(dict.fromkeys(event_ids))
    _check_start(wanted, by=by)
    with transaction.atomic(durable=True):
        run, is_new = ReplayRun.objects.get_or_create(
            pk=key,
            defaults={
                "by": by,
                "reason": reason,
                "asked_for": dict(asked_for),
                "total": len(wanted),
                "request_id": request_id,
                "created_at": now,
            },
        )
        if run.by_id != by.pk:
            raise ReplayRunKeyReusedError("This form began a replay of somebody else's; nothing was done now.")
        if is_new:
            rows = [ReplayRunEvent(run=run, event_id=pk, position=number) for number, pk in enumerate(wanted, 1)]
            ReplayRunEvent.objects.bulk_create(rows, batch_size=LARGEST_RUN)
            after = {"events": run.total, "asked_for": run.asked_for}
            record_action(by=by, action="webhook.replay_many", subject=str(run.pk), reason=reason, after=after)
            logger.info("replay_run_started", run=str(run.pk), events=run.total, by=by.pk)
    return run


def can_replay_failed(run: ReplayRun) -> bool:
    """Whether a run has ended with failures, which may be replayed once their cause is gone."""
    return run.state != ReplayRunState.RUNNING and run.failed > 0


def stop_run(*, run_id: UUID, by: User, now: datetime) -> ReplayRun:
    """Leave what is left of a run as it is; an event that is being replayed at this moment is finished.

    :raises PermissionDeniedError: if `by` may not replay events.
    :raises ReplayRunNotFoundError: if there is no such run.
    :raises ReplayRunEndedError: if it has ended.
    """
    if not by.has_perm(REPLAY_PERMISSION):
        raise PermissionDeniedError("You may not replay events.")
    with transaction.atomic(durable=True):
        ReplayRun.objects.select_for_update(no_key=True).filter(pk=run_id).values_list("pk").first()
        run = replay_runs.get_run(run_id)
        if run.state != ReplayRunState.RUNNING:
            raise ReplayRunEndedError(f"This replay is {run.state}: there is nothing to stop.")
        run.state, run.stopped_by, run.ended_at = ReplayRunState.STOPPED, by, now
        run.save(update_fields=["state", "stopped_by", "ended_at"])
        after = {"processed": run.processed, "failed": run.failed, "left": run.left}
        record_action(by=by, action="webhook.replay_stop", subject=str(run.pk), after=after)
    return run


def continue_runs(*, limit_seconds: float = _TURN_SECONDS) -> int:
    """Replay events of the runs that are under way, the oldest run first; return how many were taken up.

    It takes a few seconds, so that what else goes through the slow lane has its turn. One that took long is the last
    of this turn: a gateway that hangs is not asked again and again.
    """
    count = 0
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        chosen = _claim()
        if chosen is None:
            break
        count += 1
        with coming_from(Origin(request_id=chosen.run.request_id)):
            _replay_chosen(chosen)
    _end_runs()
    return count


def _check_start(wanted: Sequence[UUID], *, by: User) -> None:
    if not by.has_perm(REPLAY_PERMISSION):
        raise PermissionDeniedError("You may not replay events.")
    if not 1 <= len(wanted) <= LARGEST_RUN:
        raise ReplayRunSizeError(f"A replay takes from 1 to {LARGEST_RUN:,} events; these are {len(wanted):,}.")
    if WebhookEvent.objects.filter(pk__in=wanted).count() < len(wanted):
        raise EventNotFoundError("One of these events is not there.")


def _claim() -> ReplayRunEvent | None:
    """Take one event of a run for as long as its replay may last; commits at once."""
    with transaction.atomic(durable=True):
        claimed = list(ReplayRunEvent.objects.raw(_CLAIM, [_LEASE_SECONDS]))
    return claimed[0] if claimed else None


def _replay_chosen(chosen: ReplayRunEvent) -> None:
    """Replay one event and write down what became of it; nothing that ails it ends the turn."""
    if chosen.claims > _MOST_CLAIMS:
        _fail(chosen, Failure.of(WornOutReplayError("Its worker died over it again and again.")))
        return
    try:
        replays.replay_event(
            event_id=chosen.event_id,
            by=chosen.run.by,
            reason=chosen.run.reason,
            beside=lambda attempt: _end_with_attempt(chosen, attempt),
        )
    except EventBusyError:
        _give_back(chosen)
    except ReplayedElsewhereError:
        logger.info("replay_run_event_ended_elsewhere", run=str(chosen.run_id), event_id=str(chosen.event_id))
    except DomainError as refusal:
        _fail(chosen, Failure(error_class="", error=refusal.detail[:500]))
    except Exception as error:
        if not connection.is_usable():
            # Nothing can be written down. The lease ends, and another worker goes on with it.
            raise
        logger.exception("replay_run_event_failed", run=str(chosen.run_id), event_id=str(chosen.event_id))
        _fail(chosen, Failure.of(error))


def _end_with_attempt(chosen: ReplayRunEvent, attempt: WebhookAttempt) -> None:
    """Write that the event is done with; the caller holds the transaction, in which the attempt is written."""
    is_good = attempt.outcome == EventStatus.PROCESSED and not attempt.error_class
    outcome = ReplayOutcome.PROCESSED if is_good else ReplayOutcome.FAILED
    _end(chosen, outcome, Failure(error_class=attempt.error_class, error=attempt.error))


def _fail(chosen: ReplayRunEvent, failure: Failure) -> None:
    """Write that the event could not be replayed, without an attempt."""
    try:
        with transaction.atomic(durable=True):
            _end(chosen, ReplayOutcome.FAILED, failure)
            record_action(
                by=chosen.run.by,
                action="webhook.replay",
                subject=chosen.event.reference or str(chosen.event_id),
                reason=failure.error,
                outcome=Outcome.REFUSED,
            )
    except ReplayedElsewhereError:
        logger.info("replay_run_event_ended_elsewhere", run=str(chosen.run_id), event_id=str(chosen.event_id))


def _end(chosen: ReplayRunEvent, outcome: ReplayOutcome, failure: Failure) -> None:
    waiting = ReplayRunEvent.objects.filter(pk=chosen.pk, outcome=ReplayOutcome.WAITING)
    # Whoever comes second writes nothing, neither this nor the attempt beside it.
    if not waiting.update(outcome=outcome, ended_at=Now(), error_class=failure.error_class, error=failure.error):
        raise ReplayedElsewhereError
    counted = outcome.value
    ReplayRun.objects.filter(pk=chosen.run_id).update(**{counted: F(counted) + 1, "progressed_at": Now()})


def _give_back(chosen: ReplayRunEvent) -> None:
    """Leave the event for later, because a worker has it; that was no try."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [_BUSY_SECONDS, chosen.pk])


def _end_runs() -> None:
    done = ReplayRun.objects.filter(state=ReplayRunState.RUNNING, total=F("processed") + F("failed"))
    done.update(state=ReplayRunState.DONE, ended_at=Now())
