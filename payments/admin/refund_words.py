"""How refunds are told on pages: their state in a word, their money, and their story in order."""

from datetime import datetime
from typing import Any, Final

from namaskah.back_office.columns import BAD, BUSY, CARE, GOOD, QUIET, Label, Moment, show_credits, show_minor
from namaskah.money import convert_to_credits
from payments.lifecycles import FAILED_WHILE_DISPUTED, RefundState
from payments.models import GatewayCall, GatewayOutcome, Refund
from payments.services.moments import tell_who
from payments.services.refund_endings import NEVER_SENT_CODE

_LABELS: Final = {
    RefundState.AWAITING_APPROVAL: Label("Waits for approval", CARE, "A second person decides; the credits are held."),
    RefundState.APPROVED: Label("Sent next", BUSY, "It goes to Paystack next; its page says what it waits for."),
    RefundState.SUBMITTING: Label("Being sent", BUSY, "Paystack is told to send it; its page says since when."),
    RefundState.UNKNOWN: Label("Looked for", CARE, "Nobody knows whether Paystack has it; it is never sent again."),
    RefundState.SUBMITTED: Label("At Paystack", BUSY, "Paystack has it and is sending the money."),
    RefundState.NEEDS_ATTENTION: Label("Needs attention", BAD, "A person must do something before it goes on."),
    RefundState.PROCESSED: Label("Sent back", GOOD, "The money went back to the payer."),
    RefundState.FAILED: Label("Failed", BAD, "The money stays; the credits came back to the wallet."),
    RefundState.REJECTED: Label("Rejected", QUIET, "A second person refused it; the held credits are free again."),
}
_STEPS: Final = {
    "requested": "asked for",
    "approved": "approved",
    "rejected": "rejected",
    "submitting": "about to be sent",
    "not_sent": "certainly not sent",
    "submitted": "Paystack took it",
    "found": "found in Paystack's list",
    "resumed": "Paystack goes on with it",
    "outcome_unknown": "no usable answer came",
    "not_found": "not found in Paystack's list for long enough",
    "bank_details_needed": "Paystack wants the payer's bank details",
    FAILED_WHILE_DISPUTED: "Paystack could not send it while it is disputed",
    "processed": "Paystack sent the money",
    "made_elsewhere": "made on Paystack's own dashboard",
    "dispute_lost": "the payer's bank took the money back",
    "gateway_failed": "Paystack could not send it",
    NEVER_SENT_CODE: "ended by a person: it was never sent",
}
_SEND: Final = "refund"
_CALLS: Final = {_SEND: "Paystack was told to send it", "list_refunds": "Paystack was asked for its refunds"}
_OUTCOMES: Final = {
    GatewayOutcome.OPEN: ("no answer yet", CARE),
    GatewayOutcome.ANSWERED: ("it answered", QUIET),
    GatewayOutcome.REJECTED: ("it said no", BAD),
    GatewayOutcome.UNAVAILABLE: ("it was not reached", CARE),
    GatewayOutcome.UNKNOWN: ("no usable answer came", CARE),
}
_SHOWN_CALLS: Final = 100


def label_refund(refund: Refund) -> Label:
    """Return its state in words."""
    return _LABELS[RefundState(refund.state)]


def show_money(refund: Refund) -> str:
    """Return what goes back to the payer, in their currency."""
    return show_minor(refund.amount_minor, refund.payment.currency)


def show_worth(refund: Refund) -> str:
    """Return what goes back in dollars, at the rate of the payment."""
    rate = refund.payment.exchange_rate
    worth = convert_to_credits(refund.amount_minor, exchange_rate=rate)
    return f"{show_credits(worth)} USD, at the payment's rate of {rate.normalize():,f}"


def show_credits_effect(refund: Refund) -> str:
    """Return what became of the customer's credits."""
    amount = show_credits(refund.credit_amount)
    if not refund.credit_amount:
        return "None: the payment was never credited."
    if refund.ledger_entry_id is None:
        return f"{amount} {'are held' if refund.state == RefundState.AWAITING_APPROVAL else 'were free again'}"
    return f"{amount} were taken{' and came back' if refund.reversal_id else ''}"


def tell_refund(refund: Refund) -> list[Moment]:
    """Return everything that happened to it, oldest first."""
    calls = _list_calls(refund)
    # At the same moment a list was read before the step that it led to, and a step written before its call.
    moments = [
        *(_tell_call(call) for call in calls if call.operation != _SEND),
        *(_tell_step(refund, step) for step in refund.state_transitions),
        *(_tell_call(call) for call in calls if call.operation == _SEND),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _tell_step(refund: Refund, step: dict[str, Any]) -> Moment:
    label = _LABELS[RefundState(step["to"])]
    said = _STEPS.get(step["reason"], step["reason"].replace("_", " "))
    return Moment(
        at=datetime.fromisoformat(step["at"]),
        title=label.text,
        tone=label.tone,
        detail=said[:1].upper() + said[1:],
        who=tell_who(step),
        why=_find_why(refund, step),
    )


def _find_why(refund: Refund, step: dict[str, Any]) -> str:
    """Return the words beside a step: of who asked, of who decided, or of the gateway."""
    if not step["from"]:
        return refund.reason
    if step["from"] == RefundState.AWAITING_APPROVAL:
        return refund.decision_comment
    return refund.error_message if step["to"] == RefundState.FAILED else ""


def _list_calls(refund: Refund) -> list[GatewayCall]:
    calls = GatewayCall.objects.filter(payment_id=refund.payment_id, operation__in=_CALLS, pk__gte=refund.pk)
    newest = calls.order_by("-pk")[:_SHOWN_CALLS]
    # A call that sends another refund of the payment names that one.
    return [call for call in newest if call.request.get("merchant_note", refund.reference) == refund.reference]


def _tell_call(call: GatewayCall) -> Moment:
    said, tone = _OUTCOMES[GatewayOutcome(call.outcome)]
    error = f": {call.error_code} {call.error}".rstrip() if call.error_code else ""
    return Moment(
        at=call.started_at, title=_CALLS[call.operation], tone=tone, detail=f"{said[:1].upper()}{said[1:]}{error}"
    )
