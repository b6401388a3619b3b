"""Sending an approved refund to the gateway: once, and never again while nobody knows what became of it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from namaskah.errors import DomainError, GatewayOutcomeUnknownError, GatewayRejectedError
from payments.gateways.paystack import refunds as paystack_refunds
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import DISPUTE_STANDING, REFUND_IN_DOUBT, RefundState
from payments.models import Cause, PaymentLog, Refund
from payments.services import gateway_calls, refund_booking, refund_reports
from payments.services.row_locks import lock_disputes, lock_payment, lock_refunds

logger = structlog.get_logger(__name__)

_RETRY_AFTER: Final = timedelta(minutes=1)
# How long after it was certainly not sent, each time.
_RETRIES_AFTER: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=1),
)


def submit_refund(*, refund_id: UUID, cause: Cause, now: datetime) -> Refund:
    """Send an approved refund; return it as it is then. One that is not approved, or must wait, stays as it is.

    That it is being sent is committed before the call. Whatever happens to this process then, the
    refund is found in `submitting`, and the gateway's own list tells what became of it.
    """
    claimed = _claim(refund_id, cause=cause, now=now)
    if claimed is None:
        return Refund.objects.get(pk=refund_id)
    refund, payment = claimed
    try:
        created = gateway_calls.call_gateway(
            "refund",
            lambda: paystack_refunds.create_refund(
                reference=payment.reference,
                amount_minor=refund.amount_minor,
                currency=payment.currency,
                merchant_note=refund.reference,
            ),
            reference=payment.reference,
            payment_id=payment.pk,
            request={"amount_minor": refund.amount_minor, "merchant_note": refund.reference},
            request_id=cause.request_id,
            now=now,
        )
    except DomainError as error:
        return _conclude(refund, error, cause=cause)
    return _conclude(refund, created.report, cause=cause)


def _claim(refund_id: UUID, *, cause: Cause, now: datetime) -> tuple[Refund, PaymentLog] | None:
    payment_id = Refund.objects.values_list("payment_id", flat=True).get(pk=refund_id)
    with transaction.atomic(durable=True):
        payment = lock_payment(payment_id)
        refunds = lock_refunds(payment)
        refund = next(refund for refund in refunds if refund.pk == refund_id)
        if refund.state != RefundState.APPROVED:
            return None
        refund.next_check_at = now + _RETRY_AFTER
        # While nobody knows whether the gateway has another refund of the payment, none is sent; nor one that the
        # payer's bank claims back as well, or got: the same money would go back twice.
        is_disputed = any(dispute.state in DISPUTE_STANDING for dispute in lock_disputes(payment))
        is_free = not is_disputed and not any(other.state in REFUND_IN_DOUBT for other in refunds)
        if is_free:
            refund.start_submitting(cause=cause, now=now)
        Refund.write([refund], now=now)
    return (refund, payment) if is_free else None


def _conclude(refund: Refund, outcome: RefundReport | DomainError, *, cause: Cause) -> Refund:
    """Write down how the call ended; a refund that was found in the gateway's list meanwhile stays as it is."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        payment = lock_payment(refund.payment_id)
        current = next(other for other in lock_refunds(payment) if other.pk == refund.pk)
        if current.state in REFUND_IN_DOUBT:
            _write_outcome(current, payment, outcome, cause=cause, now=now)
            Refund.write([current], now=now)
    return current


def _write_outcome(
    refund: Refund, payment: PaymentLog, outcome: RefundReport | DomainError, *, cause: Cause, now: datetime
) -> None:
    if isinstance(outcome, RefundReport):
        refund_reports.accept(refund, payment, outcome, reason="submitted", cause=cause, now=now)
    elif isinstance(outcome, GatewayRejectedError) and not refund_reports.is_disputed(payment):
        refund_booking.give_back(refund, payment, cause=cause, now=now)
        refund.fail(code=outcome.gateway_code or outcome.code, message=outcome.detail, cause=cause, now=now)
        logger.warning("refund_rejected", refund=refund.reference, code=outcome.gateway_code)
    elif refund.state == RefundState.SUBMITTING:
        refund.next_check_at = now + _RETRY_AFTER
        if isinstance(outcome, GatewayOutcomeUnknownError):
            refund.lose_sight(cause=cause, now=now)
            logger.warning("refund_outcome_unknown", refund=refund.reference)
        else:
            # Refused while the bank claims the money: the dispute ends it, or it is sent when that is won.
            refund.approve(cause=cause, reason="not_sent", now=now)
            refund.next_check_at = now + _RETRIES_AFTER[min(refund.checks, len(_RETRIES_AFTER) - 1)]
            refund.checks += 1
