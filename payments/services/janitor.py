"""Asking what became of payments that nobody told us about."""

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from namaskah.errors import UnavailableError
from payments.lifecycles import PaymentState, TransitionSource
from payments.models import Cause, PaymentLog
from payments.services import crediting, due_rows, gateway_calls
from payments.services.row_locks import lock_payment

logger = structlog.get_logger(__name__)

CAUSE: Final = Cause(source=TransitionSource.JANITOR)
EXPIRED_CODE: Final = "expired"
NEVER_REACHED_CODE: Final = "never_reached"
# How old a payment is at each look. Bank transfers and mobile money come up to days after their page was closed
# (https://paystack.com/docs/payments/payment-channels).
_LOOKS_AT_AGE: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=3),
)
_LEASE: Final = timedelta(minutes=5)
_BATCH: Final = 20
_AWAY_AFTER: Final = 2


def check_payments(*, limit_seconds: float = 5.0) -> int:
    """Look at due payments until none is left or `limit_seconds` have passed; return how many were looked at.

    It ends when the gateway cannot be asked twice in a row: it is away then, and it is not one payment's fault.
    """
    deadline = time.monotonic() + limit_seconds
    looked = unanswered = 0
    while time.monotonic() < deadline:
        claimed = due_rows.claim_due("payment_logs", limit=_BATCH, lease=_LEASE)
        for payment_id in claimed:
            unanswered = 0 if _check_safely(payment_id) else unanswered + 1
            looked += 1
            if unanswered == _AWAY_AFTER or time.monotonic() >= deadline:
                # The others are due again when their lease ends.
                return looked
        if not claimed:
            break
    return looked


def check_payment(*, payment_id: UUID, now: datetime, cause: Cause = CAUSE) -> PaymentLog:
    """Ask the gateway about one payment, act on the answer, and say when it is looked at next.

    Only the gateway's own answer makes a payment failed before its last look; after that it is
    `failed` for us and still open to a late success.

    :raises GatewayUnavailableError: if no usable answer came; the look does not count.
    :raises PaymentBusyError: if another process works on it.
    """
    payment = PaymentLog.objects.get(pk=payment_id)
    evidence = None
    if not payment.is_settled:
        evidence = gateway_calls.ask_about(
            payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now
        )
    if evidence is not None:
        crediting.credit_user_with_lock(reference=payment.reference, evidence=evidence, cause=cause, now=now)
    with transaction.atomic(durable=True):
        payment = lock_payment(payment_id)
        _note_look(payment, is_known=evidence is not None, cause=cause, now=now)
        PaymentLog.write([payment], now=now)
    return payment


def _check_safely(payment_id: UUID) -> bool:
    """Return whether the gateway could be asked."""
    try:
        check_payment(payment_id=payment_id, now=timezone.now())
    except crediting.PaymentBusyError:
        logger.info("janitor_look_put_off", payment_id=str(payment_id))
    except UnavailableError as error:
        logger.warning("janitor_look_put_off", payment_id=str(payment_id), code=error.code)
        return False
    except Exception:
        # Its lease ends, and it is looked at again; the others must not wait for it.
        logger.exception("janitor_look_failed", payment_id=str(payment_id))
    return True


def _note_look(payment: PaymentLog, *, is_known: bool, cause: Cause, now: datetime) -> None:
    if payment.is_settled:
        payment.next_check_at = None
        return
    payment.checks += 1
    is_open = payment.state in {PaymentState.PENDING, PaymentState.PROCESSING}
    if not is_known and not payment.authorization_url and payment.state == PaymentState.PENDING:
        payment.fail(code=NEVER_REACHED_CODE, message="Paystack never heard of it.", cause=cause, now=now)
    is_last = payment.checks >= len(_LOOKS_AT_AGE)
    if is_last and is_open and payment.state != PaymentState.FAILED and not payment.review_reason:
        payment.fail(code=EXPIRED_CODE, message="Nobody paid within three days.", cause=cause, now=now)
    payment.next_check_at = None if is_last else _find_next_look(payment, now=now)


def _find_next_look(payment: PaymentLog, *, now: datetime) -> datetime:
    # After an outage the missed looks are not made up for one after the other.
    planned = payment.created_at + _LOOKS_AT_AGE[payment.checks]
    return max(planned, now + _LOOKS_AT_AGE[0])
