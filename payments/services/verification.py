"""An operator asks the gateway about any payment, for real or to see what would come of it."""

from datetime import datetime
from uuid import UUID

from namaskah.rehearsals import rehearse
from payments.models import Cause, PaymentLog
from payments.services import crediting, gateway_calls


def verify_as_operator(*, payment_id: UUID, cause: Cause, now: datetime, is_rehearsal: bool) -> PaymentLog:
    """Ask about a payment and act on the answer; with `is_rehearsal` tell what it would be, and write nothing.

    :raises GatewayUnavailableError: if no usable answer came.
    :raises PaymentBusyError: if another process works on it.
    """
    if not is_rehearsal:
        return _verify(payment_id, cause=cause, now=now)
    with rehearse(), gateway_calls.reads_only():
        return _verify(payment_id, cause=cause, now=now)


def _verify(payment_id: UUID, *, cause: Cause, now: datetime) -> PaymentLog:
    payment = PaymentLog.objects.get(pk=payment_id)
    if not payment.is_settled:
        evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id="", now=now)
        if evidence is not None:
            crediting.credit_user_with_lock(reference=payment.reference, evidence=evidence, cause=cause, now=now)
    return PaymentLog.objects.get(pk=payment_id)
