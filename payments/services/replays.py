"""A person has an event processed again, or gives it up. Both leave an attempt with who, when and why."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from namaskah.errors import ConflictError, NotFoundError, RuleViolationError
from namaskah.identifiers import PAYMENT_PREFIX
from payments.lifecycles import EventStatus
from payments.models import WebhookEvent
from payments.services import crediting, inbox, webhook_ingest, webhooks
from payments.services.inbox import Failure, Request

logger = structlog.get_logger(__name__)

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


def replay_event(*, event_id: UUID, by: User | None, reason: str) -> ReplayResult:
    """Put an event through the same processing again, now; one that had its effect before changes nothing.

    An event that fails again is a dead letter, with another attempt in its log; one whose payment another process
    is working on is left to the workers.

    :raises EventNotFoundError: if there is none.
    :raises EventNotReplayableError: if it was dismissed, or is nothing that this product acts on.
    :raises EventBusyError: if a worker has it at this moment.
    """
    _check_replayable(event_id)
    event = inbox.claim_for_replay(event_id)
    if event is None:
        raise EventBusyError("A worker is processing this event at this moment; look again in half a minute.")
    request = Request(trigger="replay", by_id=by.pk if by else None, reason=reason)
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
        request = Request(trigger="dismissal", by_id=by.pk if by else None, reason=reason)
        inbox.log_attempt(event, _NO_FAILURE, outcome=EventStatus.DISMISSED, request=request)


@transaction.atomic(durable=True)
def _leave_to_workers(event: WebhookEvent, failure: Failure, request: Request) -> ReplayResult:
    inbox.postpone([event])
    inbox.log_attempt(event, failure, outcome=EventStatus.RETRYING, request=request)
    return ReplayResult(event.pk, EventStatus.RETRYING, failure.error_class, failure.error)


def _check_replayable(event_id: UUID) -> None:
    event = WebhookEvent.objects.filter(pk=event_id).first()
    if event is None:
        raise EventNotFoundError("There is no such event.")
    if event.status == EventStatus.DISMISSED:
        raise EventNotReplayableError("This event was dismissed.")
    if event.event_type not in webhook_ingest.HANDLED_TYPES or not event.reference:
        what = event.event_type or "an unreadable body"
        raise EventNotReplayableError(f"This event is {what}: there is nothing to do for it.")
    if not event.reference.startswith(PAYMENT_PREFIX):
        raise EventNotReplayableError("This event is about another product's payment.")
