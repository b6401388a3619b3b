"""A person ends a refund that the gateway never had."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from namaskah.audit import independence
from namaskah.errors import PermissionDeniedError
from payments.lifecycles import RefundState
from payments.models import Cause, Refund
from payments.selectors.refunds import RefundNotFoundError
from payments.services import refund_audit, refund_booking, refund_reports
from payments.services.refund_terms import RefundExceedsPaymentError
from payments.services.refunds import APPROVE_PERMISSION, RefundNotWaitingError, is_second_person
from payments.services.row_locks import lock_payment, lock_refunds

NEVER_SENT_CODE = "never_sent"


def is_lost(refund: Refund) -> bool:
    """Whether it was looked for at the gateway in vain, and waits for a person."""
    return bool(refund.state == RefundState.NEEDS_ATTENTION and refund.gateway_refund_id is None)


def end_unsent_refund(*, refund_id: UUID, reason: str, by: User, cause: Cause, now: datetime) -> Refund:
    """End a refund that was looked for in vain, and give its credits back; another may be asked for then.

    The gateway's list is asked once more; what is found there is followed, and not ended. A refund of the same money
    that somebody made on the gateway's dashboard is booked in its place.

    :raises PermissionDeniedError: if `by` may not decide about refunds, asked for this one, owns the payment, or is
        bound to whoever asked (namaskah.audit.independence).
    :raises RefundNotFoundError: if there is none.
    :raises RefundNotWaitingError: if it does not wait for a person, or the gateway has it.
    :raises GatewayUnavailableError: if the gateway would not list its refunds.
    """
    if not by.has_perm(APPROVE_PERMISSION):
        raise PermissionDeniedError("You may not decide about refunds.")
    found = Refund.objects.filter(pk=refund_id).values_list("payment_id", flat=True).first()
    if found is None:
        raise RefundNotFoundError("There is no such refund.")
    # What was refunded on the dashboard has no room beside the one that is about to end.
    with suppress(RefundExceedsPaymentError):
        refund_reports.sync_refunds(payment_id=found, cause=cause, now=now)
    with transaction.atomic(durable=True):
        payment = lock_payment(found)
        refund = next(refund for refund in lock_refunds(payment) if refund.pk == refund_id)
        if not is_second_person(by, refund, payment):
            raise PermissionDeniedError("You asked for this refund, or the payment is yours: another must decide.")
        independence.check_independent(asker=refund.requested_by, decider=by, now=now)
        if not is_lost(refund):
            there = ", and Paystack has it" if refund.gateway_refund_id is not None else ""
            raise RefundNotWaitingError(f"This refund is {refund.state}{there}: only one that was lost is ended here.")
        refund_booking.give_back(refund, payment, cause=cause, now=now)
        before = refund.state
        refund.fail(code=NEVER_SENT_CODE, message=reason, cause=cause, now=now)
        Refund.write([refund], now=now)
        refund_audit.record_decision(refund, payment, by=by, action="refund.end_unsent", before=before, reason=reason)
    refund_reports.sync_refunds(payment_id=found, cause=cause, now=now)
    return refund
