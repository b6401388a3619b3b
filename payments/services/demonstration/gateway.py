"""What Paystack would have said and sent: charges, events of them, and calls that asked for them."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from payments.lifecycles import EventStatus
from payments.models import GatewayCall, GatewayOutcome, PaymentLog, WebhookAttempt, WebhookEvent
from payments.services.demonstration.plan import make_id_at

_dice = random.Random(11)  # noqa: S311 -- the same demonstration every time
_SECOND: Final = timedelta(seconds=1)
_FEES: Final = (15, 1000)


def describe_charge(payment: PaymentLog, *, at: datetime, **changes: Any) -> dict[str, Any]:
    """Return the charge as Paystack tells it, paid in full at `at` unless `changes` say otherwise."""
    charge = {
        "id": int(payment.created_at.timestamp() * 1_000_000),
        "domain": "test",
        "status": "success",
        "reference": payment.reference,
        "amount": payment.amount_minor,
        "requested_amount": payment.amount_minor,
        "currency": payment.currency,
        "gateway_response": "Successful",
        "paid_at": write_time(at),
        "created_at": write_time(payment.created_at),
        "channel": _dice.choice(["card", "card", "bank_transfer", "ussd", "mobile_money"]),
        "fees": payment.amount_minor * _FEES[0] // _FEES[1],
        "ip_address": "197.210.64.18",
        "metadata": "",
        "customer": {"email": payment.email, "customer_code": f"CUS_{payment.user_id:015x}"},
        "authorization": {"card_type": "visa ", "bank": "TEST BANK", "last4": "4081", "country_code": "NG"},
    }
    return charge | changes


def store_event(
    event_type: str,
    content: dict[str, Any],
    *,
    reference: str,
    at: datetime,
    status: EventStatus = EventStatus.PROCESSED,
    payment: PaymentLog | None = None,
    error_class: str = "",
    error: str = "",
    attempts: int = 0,
) -> WebhookEvent:
    """Keep an event as if it had come at `at`."""
    body = json.dumps({"event": event_type, "data": content}).encode()
    return WebhookEvent.objects.create(
        id=make_id_at(at),
        event_type=event_type,
        object_id=content.get("id") or 0,
        reference=reference,
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        received_at=at,
        deliveries=_dice.choice([1, 1, 1, 2, 3]),
        last_delivered_at=at + timedelta(minutes=3),
        status=status,
        attempts=attempts,
        error_class=error_class,
        error=error,
        processed_at=at + _dice.uniform(0.05, 1.8) * _SECOND if status == EventStatus.PROCESSED else None,
        payment=payment,
        created_at=at,
    )


def store_failed_attempts(event: WebhookEvent) -> None:
    """Keep the attempts that a dead letter had."""
    WebhookAttempt.objects.bulk_create(
        WebhookAttempt(
            id=make_id_at(at),
            event=event,
            number=number,
            started_at=at,
            finished_at=at + 0.2 * _SECOND,
            outcome=EventStatus.DEAD if number == event.attempts else EventStatus.RETRYING,
            error_class=event.error_class,
            error=event.error,
            trigger="worker",
        )
        for number in range(1, event.attempts + 1)
        for at in [event.received_at + 2**number * _SECOND]
    )


def store_call(
    operation: str,
    *,
    payment: PaymentLog | None,
    reference: str,
    at: datetime,
    request: dict[str, Any],
    answer: dict[str, Any] | None,
    outcome: GatewayOutcome = GatewayOutcome.ANSWERED,
    error_code: str = "",
    error: str = "",
) -> GatewayCall:
    """Keep a call as if it had been made at `at`."""
    return GatewayCall.objects.create(
        id=make_id_at(at),
        payment=payment,
        operation=operation,
        reference=reference,
        request=request,
        outcome=outcome,
        error_code=error_code,
        error=error,
        answer=answer,
        started_at=at,
        finished_at=None if outcome == GatewayOutcome.OPEN else at + _dice.uniform(0.2, 1.5) * _SECOND,
    )


def write_time(moment: datetime) -> str:
    """Return a time as Paystack writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
