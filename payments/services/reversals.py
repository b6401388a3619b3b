"""Payments that the gateway calls reversed because of a refund or a dispute that we know: they were paid first.

A payment may be refunded, or disputed, before we ever heard that it was paid. It is credited then and the
refund or the dispute takes the credits back, so that the ledger tells what happened in whatever order it came.
"""

from dataclasses import replace
from datetime import datetime

from payments.models import Cause, Evidence, PaymentLog
from payments.services import crediting, gateway_calls
from payments.services.crediting import CreditRequest
from payments.services.evidence import PAID, SUCCESS


def ask_if_unsettled(payment: PaymentLog, *, cause: Cause, now: datetime) -> Evidence | None:
    """Ask the gateway about a payment that was never credited; None if there is nothing to ask, or nothing known.

    :raises GatewayUnavailableError: if no usable answer came.
    """
    if payment.is_settled:
        return None
    return gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now)


def credit_what_was_paid(payment: PaymentLog, evidence: Evidence | None, *, cause: Cause, now: datetime) -> PaymentLog:
    """Credit a locked payment whose evidence says that it was paid, whatever became of the money afterwards.

    Evidence that does not fit credits nothing and puts the payment under review. Returns the payment as it is
    then; the caller holds the transaction, and has found the refund or the dispute that explains a reversal.
    """
    if evidence is None or payment.is_settled or evidence.status not in PAID:
        return payment
    request = CreditRequest(evidence=replace(evidence, status=SUCCESS), cause=cause)
    outcome = crediting.credit_payments([request], now=now)[0]
    return outcome.payment or payment
