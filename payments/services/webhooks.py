"""From the inbox to its effect: gather evidence without a transaction, then apply it in one."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from namaskah.api import strict_json
from payments.gateways.paystack.parsing import read_evidence
from payments.lifecycles import TransitionSource
from payments.models import Cause, Evidence, PaymentLog, WebhookEvent
from payments.services import crediting, disputes, gateway_calls, inbox, nudges, refund_reports, webhook_ingest
from payments.services.crediting import CreditOutcome, CreditRequest, CreditResult
from payments.services.payment_locks import hold_payment_locks
from payments.services.webhook_ingest import CHARGE_SUCCESS

logger = structlog.get_logger(__name__)

_DRAIN_SECONDS: Final = 10.0
_LONG_SECONDS: Final = 5.0
# Told how many events were taken up, and how many of them are dead letters now.
Progress = Callable[[int, int], None]


class UnreadableEventError(Exception):
    """What is stored is no event; reading it again will not change that."""


# What a repetition cannot cure: the database refuses the effect itself, or there is nothing to read.
_PERMANENT: Final = (IntegrityError, DataError, UnreadableEventError)


class UnknownReferenceError(Exception):
    """No payment has the event's reference yet; it may still be on its way to the database."""


class WornOutError(Exception):
    """The event was claimed again and again and nobody lived to finish it."""


def drain_inbox(
    *,
    limit_seconds: float = _DRAIN_SECONDS,
    progress: Progress = lambda _count, _dead: None,
    charges_only: bool = False,
) -> bool:
    """Process due events until none is left or `limit_seconds` have passed; return whether some may be left.

    `charges_only` leaves out what may wait for the gateway. `progress` is told how many were taken up, and how many
    of them are dead letters now, after each few.
    """
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        charges = inbox.claim_charges()
        dead = process_batch(charges)
        other = None if charges_only else inbox.claim_other()
        if other is not None:
            dead += process_webhook_with_retry(other)
        if not charges and other is None:
            return False
        progress(len(charges) + (other is not None), dead)
    return True


def drain_others(*, limit_seconds: float = _LONG_SECONDS) -> bool:
    """Process due events that may wait for the gateway, one at a time; return whether some may be left.

    It takes a few seconds, so that what else goes through the slow lane has its turn. One that took long is the last
    of this run: a gateway that hangs is not asked again and again.
    """
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        other = inbox.claim_other()
        if other is None:
            return False
        started = time.monotonic()
        process_webhook_with_retry(other)
        if time.monotonic() - started > _LONG_SECONDS:
            return False
    return True


def process_batch(charges: Sequence[WebhookEvent]) -> int:
    """Credit claimed `charge.success` events together; one whose payment is worked on elsewhere stays due.

    A batch that fails as a whole is done again one by one, so that the event at fault stands alone. Return how many
    are dead letters now.
    """
    if not charges:
        return 0
    with hold_payment_locks([event.reference for event in charges], wait_seconds=0) as held:
        free = [event for event in charges if event.reference in held]
        inbox.postpone([event for event in charges if event.reference not in held])
        try:
            outcomes = _credit_together(free)
        except Exception:
            logger.exception("webhook_batch_failed", count=len(free))
        else:
            return sum([_follow_up(event, outcome) for event, outcome in outcomes])
    # After the batch's locks are given back: each event takes its own.
    return sum([process_webhook_with_retry(event) for event in free])


def process_webhook_with_retry(event: WebhookEvent) -> bool:
    """Process one claimed event; a failure is written down with its next attempt, or ends in the dead letters.

    Waits are WEBHOOK_RETRY_SECONDS (1 s, 2 s, 4 s) by the database's clock; nothing sleeps here. Return whether it is
    a dead letter now.
    """
    if inbox.is_worn_out(event):
        inbox.dead_letter(event, inbox.Failure.of(WornOutError("Claimed too often, never finished.")))
        return True
    try:
        process_webhook(event, now=timezone.now())
    except crediting.PaymentBusyError:
        inbox.postpone([event])
    except Exception as error:
        logger.exception("webhook_attempt_failed", event_id=str(event.pk), attempt=event.attempts)
        failure = inbox.Failure.of(error)
        if isinstance(error, _PERMANENT) or not inbox.has_attempts_left(event):
            inbox.dead_letter(event, failure)
            return True
        nudges.nudge(after_seconds=inbox.schedule_retry(event, failure))
    return False


def process_webhook(event: WebhookEvent, *, now: datetime) -> None:
    """Gather the evidence for one event and apply it once.

    :raises UnknownReferenceError: if there is no payment with the event's reference.
    :raises PaymentBusyError: if its payment is being worked on elsewhere.
    :raises GatewayUnavailableError: if the gateway would have to be asked and gave no usable answer.
    """
    if event.event_type in webhook_ingest.CHARGE_TYPES:
        _process_charge(event, now=now)
    else:
        _process_nudge(event, now=now)


def _process_nudge(event: WebhookEvent, *, now: datetime) -> None:
    """Bring a refund or a dispute to where the gateway says it is; the event itself proves nothing."""
    payment_id = PaymentLog.objects.filter(reference=event.reference).values_list("pk", flat=True).first()
    if payment_id is None:
        raise UnknownReferenceError(f"There is no payment {event.reference}.")
    if event.event_type in webhook_ingest.REFUND_TYPES:
        refund_reports.sync_refunds(payment_id=payment_id, cause=_cause(event), now=now)
    else:
        disputes.sync_dispute(gateway_dispute_id=event.object_id, cause=_cause(event), now=now)
    with transaction.atomic(durable=True):
        inbox.mark_processed([(event, payment_id)])


def _process_charge(event: WebhookEvent, *, now: datetime) -> None:
    request = CreditRequest(
        evidence=_gather(event, now=now),
        cause=_cause(event),
        is_announced=event.event_type == CHARGE_SUCCESS,
    )
    # Postponing costs no attempt, so a drain need not wait as long as a worker may.
    with hold_payment_locks([event.reference], wait_seconds=settings.PAYMENT_LOCK_REQUEST_WAIT_SECONDS) as held:
        if event.reference not in held:
            raise crediting.PaymentBusyError("Another process is working on this payment.")
        with transaction.atomic(durable=True):
            outcome = crediting.credit_payments([request], now=now)[0]
            if outcome.payment is None:
                raise UnknownReferenceError(f"There is no payment {event.reference}.")
            inbox.mark_processed([(event, outcome.payment.pk)])


def _gather(event: WebhookEvent, *, now: datetime) -> Evidence:
    """Return the evidence: an announced success carries it, anything else is asked for."""
    if event.event_type == CHARGE_SUCCESS:
        return _read_charge(event)
    payment_id = PaymentLog.objects.filter(reference=event.reference).values_list("pk", flat=True).first()
    evidence = gateway_calls.ask_about(event.reference, payment_id=payment_id, request_id="", now=now)
    if evidence is None:
        raise UnknownReferenceError(f"The gateway knows no {event.reference}.")
    return evidence


def _credit_together(events: Sequence[WebhookEvent]) -> list[tuple[WebhookEvent, CreditOutcome]]:
    requests = [CreditRequest(evidence=_read_charge(event), cause=_cause(event), is_announced=True) for event in events]
    with transaction.atomic(durable=True):
        outcomes = crediting.credit_payments(requests, now=timezone.now())
        pairs = list(zip(events, outcomes, strict=True))
        inbox.mark_processed([(event, outcome.payment.pk) for event, outcome in pairs if outcome.payment])
    return pairs


def _follow_up(event: WebhookEvent, outcome: CreditOutcome) -> bool:
    """Have an event without a payment tried again, and return whether it is a dead letter instead."""
    if outcome.result is not CreditResult.UNKNOWN_REFERENCE:
        return False
    failure = inbox.Failure.of(UnknownReferenceError(f"There is no payment {event.reference}."))
    if inbox.has_attempts_left(event):
        inbox.schedule_retry(event, failure)
        return False
    inbox.dead_letter(event, failure)
    return True


def _read_charge(event: WebhookEvent) -> Evidence:
    # Read once before, when it was stored: what does not parse is in quarantine and never comes here.
    body = strict_json.loads(bytes(event.body), max_depth=64, allow_unsafe_text=True)
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise UnreadableEventError("The stored body is no event.")
    return read_evidence(body["data"])


def _cause(event: WebhookEvent) -> Cause:
    return Cause(source=TransitionSource.WEBHOOK, event_id=event.pk)
