"""A person has an event processed again, or gives it up. Both leave an attempt with who, when and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from namaskah.audit.records import record_action
from namaskah.errors import ConflictError, NotFoundError, RuleViolationError
from namaskah.identifiers import PAYMENT_PREFIX
from payments.lifecycles import EventStatus
from payments.models import WebhookAttempt, WebhookEvent
from payments.services import crediting, inbox, webhook_ingest, webhooks
from payments.services.inbox import Failure, Request

logger = structlog.get_logger(__name__)

REPLAY_PERMISSION: Final = "payments.replay_event"
DISMISS_PERMISSION: Final = "payments.dismiss_event"
_NO_FAILURE: Final = Failure(error_class="", error="")
_DISMISSIBLE: Final = (EventStatus.DEAD, EventStatus.QUARANTINED)


class EventNotFoundError(NotFoundError):
    """There is no such event."""


class EventNotReplayableError(RuleViolationError):
    """Processing this event again can do nothing."""

    code = "validation_error"


class EventBusyError(ConflictError):
    """A worker has the event at this moment."""

    code = "concurrent_update"


class EventNotDismissibleError(ConflictError):
    """The event is not waiting for a person."""

    code = "concurrent_update"


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What became of one event: its status now, and why if it failed again."""

    event_id: UUID
    status: str
    error_class: str = ""
    error: str = ""


def is_replayable(event: WebhookEvent) -> bool:
    """Whether processing the event again can do anything."""
    return not _find_obstacle(event)


def keep_replayable(events: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
    """Return those of the events that `is_replayable` says yes of."""
    return events.filter(_replayable())


def keep_unreplayable(events: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
    """Return those of the events that `is_replayable` says no of."""
    return events.exclude(_replayable())


def is_dismissible(event: WebhookEvent) -> bool:
    """Whether the event waits for a person, who may give it up."""
    return event.status in _DISMISSIBLE


def replay_event(
    *, event_id: UUID, by: User | None, reason: str, beside: Callable[[WebhookAttempt], None] = lambda _attempt: None
) -> ReplayResult:
    """Put an event through the same processing again, now; one that had its effect before changes nothing.

    An event that fails again is a dead letter, with another attempt in its log; one whose payment another process
    is working on is left to the workers. `beside` writes what goes with the attempt, in its database transaction.

    :raises EventNotFoundError: if there is none.
    :raises EventNotReplayableError: if it was dismissed, or is nothing that this product acts on.
    :raises EventBusyError: if a worker has it at this moment.
    """
    before = _check_replayable(event_id)

    def write_beside(attempt: WebhookAttempt) -> None:
        _record(attempt, "webhook.replay", by=by, before=before)
        beside(attempt)

    event = inbox.claim_for_replay(event_id)
    if event is None:
        raise EventBusyError("A worker is processing this event at this moment; look again in half a minute.")
    request = Request(trigger="replay", by_id=by.pk if by else None, reason=reason, beside=write_beside)
    try:
        webhooks.process_webhook(event, now=timezone.now())
    except crediting.PaymentBusyError as error:
        return _leave_to_workers(event, Failure.of(error), request)
    except Exception as error:
        if not connection.is_usable():
            # Nothing can be written down. Its lease ends, and a worker goes on with it.
            raise
        logger.exception("webhook_replay_failed", event_id=str(event.pk))
        failure = Failure.of(error)
        if event.processed_at is not None:
            # It had its effect before, and that stays.
            inbox.leave_processed(event, failure, request=request)
            return ReplayResult(event.pk, EventStatus.PROCESSED, failure.error_class, failure.error)
        inbox.dead_letter(event, failure, request=request)
        return ReplayResult(event.pk, EventStatus.DEAD, failure.error_class, failure.error)
    with transaction.atomic(durable=True):
        inbox.log_attempt(event, _NO_FAILURE, outcome=EventStatus.PROCESSED, request=request)
    return ReplayResult(event.pk, EventStatus.PROCESSED)


def dismiss_event(*, event_id: UUID, by: User | None, reason: str) -> None:
    """Give up a dead letter or an event in quarantine; its body stays.

    :raises EventNotFoundError: if there is none.
    :raises EventNotDismissibleError: if it is neither.
    """
    with transaction.atomic(durable=True):
        event = WebhookEvent.objects.select_for_update(no_key=True).filter(pk=event_id).first()
        if event is None:
            raise EventNotFoundError("There is no such event.")
        if event.status not in _DISMISSIBLE:
            raise EventNotDismissibleError(
                f"This event is {event.status}; only dead and quarantined ones are given up."
            )
        WebhookEvent.objects.filter(pk=event_id).update(status=EventStatus.DISMISSED, next_attempt_at=None)

        def write_beside(attempt: WebhookAttempt) -> None:
            _record(attempt, "webhook.dismiss", by=by, before=event)

        request = Request(trigger="dismissal", by_id=by.pk if by else None, reason=reason, beside=write_beside)
        inbox.log_attempt(event, _NO_FAILURE, outcome=EventStatus.DISMISSED, request=request)


@transaction.atomic(durable=True)
def _leave_to_workers(event: WebhookEvent, failure: Failure, request: Request) -> ReplayResult:
    inbox.postpone([event])
    inbox.log_attempt(event, failure, outcome=EventStatus.RETRYING, request=request)
    return ReplayResult(event.pk, EventStatus.RETRYING, failure.error_class, failure.error)


def _record(attempt: WebhookAttempt, action: str, *, by: User | None, before: WebhookEvent) -> None:
    """Write the audit log; a rehearsal and a command without a person behind it leave none."""
    if by is None:
        return
    after = {"event": str(attempt.event_id), "status": attempt.outcome}
    if attempt.error_class:
        after["error"] = f"{attempt.error_class}: {attempt.error}"
    record_action(
        by=by,
        action=action,
        subject=before.reference or str(attempt.event_id),
        reason=attempt.reason,
        before={"event": str(attempt.event_id), "status": before.status},
        after=after,
    )


def _check_replayable(event_id: UUID) -> WebhookEvent:
    event = WebhookEvent.objects.defer("body").filter(pk=event_id).first()
    if event is None:
        raise EventNotFoundError("There is no such event.")
    obstacle = _find_obstacle(event)
    if obstacle:
        raise EventNotReplayableError(obstacle)
    return event


def _replayable() -> Q:
    """Return what `_find_obstacle` asks, for many events at once."""
    is_ours = Q(event_type__in=webhook_ingest.HANDLED_TYPES, reference__startswith=PAYMENT_PREFIX)
    return is_ours & ~Q(status=EventStatus.DISMISSED)


def _find_obstacle(event: WebhookEvent) -> str:
    """Return why processing the event again can do nothing, if that is so."""
    if event.status == EventStatus.DISMISSED:
        return "This event was dismissed."
    if event.event_type not in webhook_ingest.HANDLED_TYPES:
        what = event.event_type or "an unreadable body"
        return f"This event is {what}: there is nothing to do for it."
    if not event.reference:
        return "This event names no payment that can be read: there is nothing to process it for."
    if not event.reference.startswith(PAYMENT_PREFIX):
        return "This event is about another product's payment."
    return ""
