"""What the audit log keeps of what staff did about a refund. The caller holds the transaction in which it was done."""

from typing import Final

from django.contrib.auth.models import User

from namaskah.audit.records import record_action
from namaskah.money import format_credits, format_minor
from payments.models import PaymentLog, Refund

LOOK_ACTION: Final = "refund.look"


def record_request(refund: Refund, payment: PaymentLog, *, by: User) -> None:
    """Write down that `by` asked for the refund."""
    record_action(
        by=by,
        action="refund.request",
        subject=refund.reference,
        part_of=payment.reference,
        reason=refund.reason,
        after=_describe(refund, payment),
    )


def record_decision(refund: Refund, payment: PaymentLog, *, by: User, action: str, before: str, reason: str) -> None:
    """Write down that `by` took the refund from the state `before` to the one that it is in now."""
    record_action(
        by=by,
        action=action,
        subject=refund.reference,
        part_of=payment.reference,
        reason=reason,
        before={"state": before},
        after=_describe(refund, payment),
    )


def record_look(refund: Refund, *, by: User) -> None:
    """Write down that `by` has the gateway asked about the refund."""
    record_action(
        by=by,
        action=LOOK_ACTION,
        subject=refund.reference,
        part_of=refund.payment.reference,
        before={"state": refund.state},
    )


def _describe(refund: Refund, payment: PaymentLog) -> dict[str, str]:
    return {
        "state": refund.state,
        "payment": payment.reference,
        "amount": format_minor(refund.amount_minor, payment.currency),
        "credits": format_credits(refund.credit_amount),
    }
