"""Why a refund is in its state, and what can be done."""

from datetime import datetime
from typing import Final

from django.utils import timezone

from payments.lifecycles import DISPUTE_STANDING, FAILED_WHILE_DISPUTED, REFUND_IN_DOUBT, RefundState
from payments.models import Dispute, GatewayCall, Refund
from payments.selectors.backlogs import REFUND_MOVES_WITHIN
from payments.services import worker_signs
from payments.services.moments import tell_time

_EXPLANATIONS: Final = {
    RefundState.AWAITING_APPROVAL: (
        "It is above what one person may send back alone, so a colleague who may approve refunds decides; neither who "
        "asked for it nor whose payment it is. The credits are held meanwhile and cannot be spent."
    ),
    RefundState.SUBMITTED: (
        "Paystack has it and tells when the money is sent, which takes days with some banks. You may have Paystack "
        "asked now. Nothing else is to be done."
    ),
    RefundState.PROCESSED: "The money went back to the payer. Nothing is to be done.",
    RefundState.REJECTED: "A colleague refused it, and the held credits are free again. Another may be asked for.",
}
_WANTED: Final = {
    "bank_details_needed": (
        "Paystack cannot send the money the way it came and wants the payer's bank account. Ask the customer for bank, "
        "account number and name, and enter them at this refund on Paystack's dashboard; then have Paystack asked now."
    ),
    "not_found": (
        "It was sent, no usable answer came, and Paystack's list, searched three times, does not have it. Look for it "
        "on Paystack's dashboard. If it is not there either, end it as never sent: the credits come back, and another "
        "may be asked for."
    ),
    FAILED_WHILE_DISPUTED: (
        "Paystack could not send it while the payer's bank disputes the payment. The dispute decides where the money "
        "stays: nothing is to be done here until it is resolved."
    ),
}
_NOT_SENT: Final = "not_sent"


def explain_refund(refund: Refund) -> str:
    """Return why it is in its state, and what can be done."""
    if refund.state == RefundState.NEEDS_ATTENTION:
        return _WANTED.get(refund.state_transitions[-1]["reason"], "Look at it on Paystack's dashboard.")
    if refund.state == RefundState.FAILED:
        why = (refund.error_message or refund.error_code).rstrip(".")
        return f"It failed: {why}. The money stays, and the credits are back. Another refund may be asked for."
    if refund.state == RefundState.APPROVED:
        return f"{_tell_credits(refund)}{tell_wait(refund)}"
    if refund.state in REFUND_IN_DOUBT:
        return tell_wait(refund)
    return _EXPLANATIONS[RefundState(refund.state)]


def tell_wait(refund: Refund) -> str:
    """Return what a refund that is to be sent, or that is looked for, waits for."""
    now = timezone.now()
    silence = worker_signs.tell_worker_silence()
    if refund.state in REFUND_IN_DOUBT:
        told = _tell_doubt(refund, now=now)
    else:
        told = _tell_approved(
            refund, now=now, usual="" if silence else ": a worker gives it to Paystack within seconds"
        )
    return f"{told} {silence}".rstrip()


def _tell_credits(refund: Refund) -> str:
    return "The credits are taken. " if refund.credit_amount else ""


def _tell_approved(refund: Refund, *, now: datetime, usual: str) -> str:
    obstacle = _find_obstacle(refund)
    if obstacle:
        return f"It is not sent now: {obstacle}"
    if refund.state_transitions[-1]["reason"] == _NOT_SENT:
        tried = _tell_last_call(refund)
        return f"Paystack did not take it{tried}: it was certainly not sent. {_tell_next(refund, now)}"
    if _is_late(refund, now=now):
        return f"It should have been sent long ago, and nothing was. {_tell_next(refund, now)}"
    return f"It is sent next{usual}."


def _find_obstacle(refund: Refund) -> str:
    if Dispute.objects.filter(payment_id=refund.payment_id, state__in=DISPUTE_STANDING).exists():
        return (
            "the payer's bank disputes the payment, and the same money must not go back twice. It is sent once the "
            "dispute is won, and ends when that is lost."
        )
    others = Refund.objects.filter(payment_id=refund.payment_id, state__in=REFUND_IN_DOUBT).exclude(pk=refund.pk)
    other = others.values_list("reference", flat=True).first()
    return f"nobody knows yet whether Paystack has {other}, another refund of the payment." if other else ""


def _tell_doubt(refund: Refund, *, now: datetime) -> str:
    if refund.state == RefundState.UNKNOWN:
        return (
            "It was sent and no usable answer came. Paystack's list of refunds is searched for it, three times; it is "
            f"never sent again. You may have Paystack asked now. {_tell_next(refund, now)}"
        )
    if _is_late(refund, now=now):
        return (
            "It was being sent when that was broken off, so nobody knows whether Paystack has it: its list is "
            f"searched, and it is not sent again. You may have Paystack asked now. {_tell_next(refund, now)}"
        )
    return "It is being sent to Paystack at this moment. Nothing is to be done."


def _tell_last_call(refund: Refund) -> str:
    """Return when Paystack was last told to send it, and what became of that."""
    calls = GatewayCall.objects.filter(payment_id=refund.payment_id, operation="refund", pk__gte=refund.pk)
    call = calls.filter(request__merchant_note=refund.reference).order_by("-pk").first()
    if call is None:
        return ""
    return f" at {tell_time(call.started_at)} ({call.error_code or call.outcome})"


def _tell_next(refund: Refund, now: datetime) -> str:
    at = refund.next_check_at
    if at is None:
        return ""
    when = f"at {tell_time(at)}" if at > now else "as soon as a worker is free"
    return f"It is taken up again {when}."


def _is_late(refund: Refund, *, now: datetime) -> bool:
    last_step = datetime.fromisoformat(refund.state_transitions[-1]["at"])
    return last_step < now - REFUND_MOVES_WITHIN
