"""A person has the gateway asked about a refund now, rather than when its next look is due."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User

from namaskah.errors import ConflictError, PermissionDeniedError
from payments.lifecycles import RefundState
from payments.models import Cause, Refund
from payments.selectors.refunds import RefundNotFoundError
from payments.services import refund_audit, refund_reports

LOOK_PERMISSION: Final = "payments.verify_payment"
# What the gateway has, or may have; anything else it knows nothing of, or is done with.
AT_GATEWAY: Final = (
    RefundState.SUBMITTING,
    RefundState.UNKNOWN,
    RefundState.SUBMITTED,
    RefundState.NEEDS_ATTENTION,
)


class RefundNotAtGatewayError(ConflictError):
    """The gateway has nothing to say of the refund."""

    code = "concurrent_update"


def look_at_refund(*, refund_id: UUID, by: User, cause: Cause, now: datetime) -> Refund:
    """Ask the gateway about a refund and follow what it says; return the refund as it is then.

    It counts for none of the looks after which a refund that is not found waits for a person.

    :raises PermissionDeniedError: if `by` may not have the gateway asked.
    :raises RefundNotFoundError: if there is none.
    :raises RefundNotAtGatewayError: if it was not sent yet, or is done.
    :raises GatewayRejectedError: if the gateway would not list its refunds.
    :raises GatewayUnavailableError: if no usable answer came.
    :raises RefundExceedsPaymentError: if a refund made elsewhere is more than what is left.
    :raises RefundContradictedError: if a refund that failed is reported as sent.
    """
    if not by.has_perm(LOOK_PERMISSION):
        raise PermissionDeniedError("You may not have Paystack asked.")
    refund = Refund.objects.select_related("payment").filter(pk=refund_id).first()
    if refund is None:
        raise RefundNotFoundError("There is no such refund.")
    if refund.state not in AT_GATEWAY:
        raise RefundNotAtGatewayError(f"This refund is {refund.state}: Paystack has nothing to say of it.")
    # Before the call, so that whoever asked is known even if no answer comes.
    refund_audit.record_look(refund, by=by)
    refund_reports.sync_refunds(payment_id=refund.payment_id, cause=cause, now=now)
    return Refund.objects.get(pk=refund_id)
