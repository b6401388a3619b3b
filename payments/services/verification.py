"""An operator asks the gateway about any payment, for real or to see what would come of it."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User

from namaskah.audit.records import record_action
from namaskah.rehearsals import rehearse
from payments.models import Cause, PaymentLog
from payments.services import crediting, gateway_calls

VERIFY_PERMISSION: Final = "payments.verify_payment"
VERIFY_ACTION: Final = "payment.verify"


def verify_as_operator(
    *, payment_id: UUID, by: User | None = None, cause: Cause, now: datetime, is_rehearsal: bool
) -> PaymentLog:
    """Ask about a payment and act on the answer; with `is_rehearsal` tell what it would be, and write nothing.

    That `by` asked is in the audit log; what came of it, in the payment's own trail.

    :raises GatewayUnavailableError: if no usable answer came.
    :raises PaymentBusyError: if another process works on it.
    """
    if not is_rehearsal:
        return _verify(payment_id, by=by, cause=cause, now=now)
    with rehearse(), gateway_calls.reads_only():
        return _verify(payment_id, by=by, cause=cause, now=now)


def _verify(payment_id: UUID, *, by: User | None, cause: Cause, now: datetime) -> PaymentLog:
    payment = PaymentLog.objects.get(pk=payment_id)
    if not payment.is_settled:
        if by is not None:
            # Before the call, so that whoever asked is known even if no answer comes.
            record_action(by=by, action=VERIFY_ACTION, subject=payment.reference, before={"state": payment.state})
        evidence = gateway_calls.ask_about(
            payment.reference, payment_id=payment.pk, request_id=cause.request_id, now=now
        )
        if evidence is not None:
            crediting.credit_user_with_lock(reference=payment.reference, evidence=evidence, cause=cause, now=now)
    return PaymentLog.objects.get(pk=payment_id)
