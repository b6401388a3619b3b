"""The inbox as a queue: claiming due events and writing down what became of them.

Every time is the database's, so that workers on machines with different clocks agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent

logger = structlog.get_logger(__name__)

BATCH: Final = 50
_LEASE_SECONDS: Final = 30
_POSTPONE_SECONDS: Final = 0.5
_DUE: Final = [EventStatus.RECEIVED.value, EventStatus.RETRYING.value]

# The lease: until then the event is not due for anybody else, and if this worker dies it is due again. An error of
# an earlier attempt goes from the row, and stays in the log of attempts: what waits for its retry has an error there.
# An ARRAY is chosen once; as `IN (SELECT …)` a plan may run it again for every row, and claim past the limit.
_CLAIM_TEMPLATE: Final = """
UPDATE webhook_events
SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => %s), error_class = '', error = ''
WHERE id = ANY (ARRAY(
    SELECT id FROM webhook_events
    WHERE status IN ('received', 'retrying') AND next_attempt_at <= now()
        AND {KIND} (event_type = 'charge.success' AND attempts = 0)
    ORDER BY next_attempt_at LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING *
"""
_CLAIM_FRESH_CHARGES: Final = _CLAIM_TEMPLATE.format(KIND="")
_CLAIM_ANY_OTHER: Final = _CLAIM_TEMPLATE.format(KIND="NOT")


# An event that is due in the future and has an error is waiting for its retry; without one, a worker has it.
_CLAIM_FOR_REPLAY: Final = """
UPDATE webhook_events
SET status = 'retrying', next_attempt_at = now() + make_interval(secs => %s),
    attempts = least(greatest(attempts, 1), %s), error_class = '', error = ''
WHERE id = (
    SELECT id FROM webhook_events
    WHERE id = %s AND (status <> ALL (%s) OR next_attempt_at <= now() OR error_class <> '')
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING *
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed, cut to what the columns hold."""

    error_class: str
    error: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Return the failure that `error` tells."""
        text = str(error).replace("\x00", "").encode(errors="replace").decode()
        return cls(error_class=type(error).__name__[:100], error=text[:500])


@dataclass(frozen=True, slots=True)
class Request:
    """Why an attempt was made: `trigger` is `worker`, `replay` or `dismissal`, `by_id` whoever asked for it.

    `beside` writes what goes with the attempt, in its database transaction.
    """

    trigger: str
    by_id: int | None = None
    reason: str = ""
    beside: Callable[[WebhookAttempt], None] = lambda _attempt: None


BY_WORKER: Final = Request(trigger="worker")


def claim_charges(*, limit: int = BATCH) -> list[WebhookEvent]:
    """Claim up to `limit` due `charge.success` events that nobody claimed before, for 30 s; commits at once.

    They carry their evidence and are credited together.
    """
    return _claim(_CLAIM_FRESH_CHARGES, limit)


def claim_other() -> WebhookEvent | None:
    """Claim one due event of any other kind, or one that was tried before, for 30 s; commits at once.

    Alone, because its processing may wait for the gateway, or kill its worker: the events beside it
    would lose their lease, or be counted down with it.
    """
    events = _claim(_CLAIM_ANY_OTHER, 1)
    return events[0] if events else None


def is_other_due() -> bool:
    """Whether an event is due that `claim_charges` leaves to `claim_other`."""
    due = WebhookEvent.objects.filter(status__in=_DUE, next_attempt_at__lte=Now())
    return due.exclude(event_type="charge.success", attempts=0).exists()


def _claim(statement: str, limit: int) -> list[WebhookEvent]:
    with transaction.atomic(durable=True):
        events = list(WebhookEvent.objects.raw(statement, [_LEASE_SECONDS, limit]))
    return sorted(events, key=lambda event: (event.received_at, event.pk))


def mark_processed(events: Sequence[tuple[WebhookEvent, UUID | None]]) -> None:
    """Write that the events had their effect on these payments; the caller holds the transaction."""
    if not events:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhook_events AS kept SET status = 'processed', processed_at = now(), next_attempt_at = NULL, "
            "error_class = '', error = '', payment_id = done.payment_id "
            "FROM unnest(%s::uuid[], %s::uuid[]) AS done(id, payment_id) WHERE kept.id = done.id",
            [[event.pk for event, _ in events], [payment_id for _, payment_id in events]],
        )


def postpone(events: Sequence[WebhookEvent]) -> None:
    """Give back events whose payment is being worked on elsewhere; that was no attempt."""
    if not events:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhook_events SET attempts = greatest(attempts - 1, 0), "
            "next_attempt_at = now() + make_interval(secs => %s) WHERE id = ANY(%s) AND status = ANY(%s)",
            [_POSTPONE_SECONDS, [event.pk for event in events], _DUE],
        )


@transaction.atomic(durable=True)
def schedule_retry(event: WebhookEvent, failure: Failure) -> float:
    """Write down a failed attempt, and return after how many seconds the next is due.

    They are WEBHOOK_RETRY_SECONDS: 1 s, 2 s, 4 s.
    """
    wait_seconds: float = settings.WEBHOOK_RETRY_SECONDS[event.attempts - 1]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhook_events SET status = 'retrying', next_attempt_at = now() + make_interval(secs => %s), "
            "error_class = %s, error = %s WHERE id = %s AND status = ANY(%s)",
            [wait_seconds, failure.error_class, failure.error, event.pk, _DUE],
        )
    log_attempt(event, failure, outcome=EventStatus.RETRYING)
    return wait_seconds


@transaction.atomic(durable=True)
def dead_letter(event: WebhookEvent, failure: Failure, *, request: Request = BY_WORKER) -> None:
    """Take the event out of the queue, with its body, until a person replays or dismisses it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhook_events SET status = 'dead', next_attempt_at = NULL, error_class = %s, error = %s "
            "WHERE id = %s AND status = ANY(%s)",
            [failure.error_class, failure.error, event.pk, _DUE],
        )
    log_attempt(event, failure, outcome=EventStatus.DEAD, request=request)
    logger.error(
        "webhook_dead",
        event_id=str(event.pk),
        event_type=event.event_type,
        reference=event.reference,
        attempts=event.attempts,
        error_class=failure.error_class,
    )


@transaction.atomic(durable=True)
def leave_processed(event: WebhookEvent, failure: Failure, *, request: Request) -> None:
    """Put a claimed event back to processed, which it was before; that it failed this time stands in its log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhook_events SET status = 'processed', next_attempt_at = NULL WHERE id = %s AND status = ANY(%s)",
            [event.pk, _DUE],
        )
    log_attempt(event, failure, outcome=EventStatus.PROCESSED, request=request)


def claim_for_replay(event_id: UUID) -> WebhookEvent | None:
    """Claim one event for 30 s, whatever became of it before; None while somebody else works on it. Commits at once.

    If the replay dies, the event is due, and a worker ends it: one attempt is left for that.
    """
    parameters = [_LEASE_SECONDS, len(settings.WEBHOOK_RETRY_SECONDS), event_id, _DUE]
    with transaction.atomic(durable=True):
        claimed = list(WebhookEvent.objects.raw(_CLAIM_FOR_REPLAY, parameters))
    return claimed[0] if claimed else None


def has_attempts_left(event: WebhookEvent) -> bool:
    """Whether another attempt may follow the one that was claimed."""
    return event.attempts <= len(settings.WEBHOOK_RETRY_SECONDS)


def is_worn_out(event: WebhookEvent) -> bool:
    """Whether the event was claimed more often than attempts are allowed: it keeps killing its worker."""
    return event.attempts > len(settings.WEBHOOK_RETRY_SECONDS) + 1


def log_attempt(event: WebhookEvent, failure: Failure, *, outcome: EventStatus, request: Request = BY_WORKER) -> None:
    """Write down one attempt; the caller holds the transaction. It began when the event was claimed."""
    # A person may try as often as they like, which does not count against the attempts of the workers.
    number = event.attempts if request is BY_WORKER else event.attempt_log.count() + 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        finished_at = cursor.fetchone()[0]
    attempt = WebhookAttempt.objects.create(
        event=event,
        number=number,
        started_at=min(_claimed_at(event) or finished_at, finished_at),
        finished_at=finished_at,
        outcome=outcome,
        error_class=failure.error_class,
        error=failure.error,
        trigger=request.trigger,
        by_id=request.by_id,
        reason=request.reason[:500],
    )
    request.beside(attempt)


def _claimed_at(event: WebhookEvent) -> datetime | None:
    return event.next_attempt_at - timedelta(seconds=_LEASE_SECONDS) if event.next_attempt_at else None
