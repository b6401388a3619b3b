"""Everything that happened to one payment, told in order from all that was written down about it."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db.models import Prefetch, Q

from billing.models import Receivable
from billing.selectors.entries import list_entries_of_payment
from namaskah.audit import notes
from namaskah.audit.models import AuditEntry, Outcome
from namaskah.money import format_credits
from payments.lifecycles import (
    DUE_STATUSES,
    REFUND_ENDED_WITHOUT_MONEY,
    DisputeState,
    EventStatus,
    PaymentState,
    RefundState,
)
from payments.models import (
    Dispute,
    GatewayCall,
    GatewayOutcome,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)
from payments.services.moments import Moment, Tone, say, tell_money, tell_step
from payments.services.refund_audit import LOOK_ACTION
from payments.services.verification import VERIFY_ACTION

VIEW_ACTION: Final = "payment.view"
# The newest of what staff did; a payment that many looked at stays readable.
_SHOWN_DEEDS: Final = 100


_PAYMENT_STEPS: Final = {
    PaymentState.PENDING: ("Purchase begun", Tone.QUIET),
    PaymentState.PROCESSING: ("Checkout page opened", Tone.BUSY),
    PaymentState.COMPLETED: ("Paid and credited", Tone.GOOD),
    PaymentState.FAILED: ("Failed", Tone.BAD),
    PaymentState.REFUNDED: ("All of its money went back", Tone.CARE),
}
_REFUND_STEPS: Final = {
    RefundState.AWAITING_APPROVAL: ("Refund asked for, waits for approval", Tone.CARE),
    RefundState.APPROVED: ("Refund to be sent", Tone.BUSY),
    RefundState.SUBMITTING: ("Refund being sent", Tone.BUSY),
    RefundState.UNKNOWN: ("Refund sent, and no answer came", Tone.CARE),
    RefundState.SUBMITTED: ("Refund at Paystack", Tone.BUSY),
    RefundState.NEEDS_ATTENTION: ("Refund needs attention", Tone.BAD),
    RefundState.PROCESSED: ("Refund paid back", Tone.GOOD),
    RefundState.FAILED: ("Refund failed", Tone.BAD),
    RefundState.REJECTED: ("Refund rejected", Tone.CARE),
}
_DISPUTE_STEPS: Final = {
    DisputeState.OPEN: ("Disputed by the payer's bank", Tone.BAD),
    DisputeState.LOST: ("Dispute lost", Tone.BAD),
    DisputeState.WON: ("Dispute won", Tone.GOOD),
    DisputeState.REVIEW: ("Dispute ended oddly, a person must decide", Tone.CARE),
}
_CALLS: Final = {
    "initialize": "Asked Paystack for a checkout page",
    "verify": "Asked Paystack about the payment",
    "refund": "Sent the refund to Paystack",
    "list_refunds": "Asked Paystack about its refunds",
    "fetch_dispute": "Asked Paystack about the dispute",
}
_CALL_TONES: Final = {
    GatewayOutcome.ANSWERED: Tone.QUIET,
    GatewayOutcome.OPEN: Tone.BUSY,
    GatewayOutcome.REJECTED: Tone.BAD,
}
_EVENT_TONES: Final = {EventStatus.DEAD: Tone.BAD, EventStatus.QUARANTINED: Tone.CARE}
_DEEDS: Final = {
    VIEW_ACTION: "Looked at",
    VERIFY_ACTION: "Verification asked for",
    LOOK_ACTION: "Paystack asked about the refund",
}


def list_moments(payment: PaymentLog) -> list[Moment]:
    """Return the payment's story, oldest first."""
    told = [
        *_tell_steps(payment),
        *_tell_calls(payment),
        *_tell_events(payment),
        *_tell_ledger(payment),
        *_tell_refunds(payment),
        *_tell_disputes(payment),
        *_tell_receivables(payment),
        *_tell_reviews(payment),
        *_tell_breaks(payment),
        *_tell_notes(payment),
        *_tell_deeds(payment),
    ]
    return sorted(told, key=lambda moment: moment.at)


def _tell_steps(payment: PaymentLog) -> Iterator[Moment]:
    for step in payment.state_transitions:
        title, tone = _PAYMENT_STEPS[PaymentState(step["to"])]
        yield tell_step(step, what="payment", title=title, tone=tone)


def _tell_calls(payment: PaymentLog) -> Iterator[Moment]:
    for call in GatewayCall.objects.filter(payment=payment).order_by("started_at"):
        error = f": {call.error_code} {call.error}" if call.error_code else ""
        yield Moment(
            at=call.started_at,
            what="paystack",
            title=_CALLS.get(call.operation, f"Asked Paystack: {call.operation}"),
            detail=f"{call.outcome}{error or _find_status(call)}",
            tone=_CALL_TONES.get(GatewayOutcome(call.outcome), Tone.CARE),
        )


def _find_status(call: GatewayCall) -> str:
    """Return what Paystack called the transaction, as far as its answer is about one."""
    said = call.answer.get("data") if isinstance(call.answer, dict) else None
    return f": {said['status']}" if isinstance(said, dict) and said.get("status") else ""


def _tell_events(payment: PaymentLog) -> Iterator[Moment]:
    events = WebhookEvent.objects.filter(reference=payment.reference).defer("body").order_by("received_at")
    for event in events.prefetch_related(Prefetch("attempt_log", WebhookAttempt.objects.select_related("by"))):
        times = [f"delivered {event.deliveries} times"] if event.deliveries > 1 else []
        yield Moment(
            at=event.received_at,
            what="webhook",
            title=f"Event {event.event_type} received",
            detail=", ".join([*times, *_tell_standing(event)]),
            tone=_EVENT_TONES.get(EventStatus(event.status), Tone.QUIET),
        )
        yield from (_tell_attempt(event, attempt) for attempt in event.attempt_log.all())
        if event.processed_at:
            yield Moment(at=event.processed_at, what="webhook", title=f"Event {event.event_type} processed")


def _tell_attempt(event: WebhookEvent, attempt: WebhookAttempt) -> Moment:
    error = f": {attempt.error_class} {attempt.error}" if attempt.error_class else ""
    return Moment(
        at=attempt.finished_at,
        what="webhook",
        title=f"Event {event.event_type}, attempt {attempt.number}",
        detail=f"{attempt.trigger} {attempt.outcome}{error}",
        who=attempt.by.get_username() if attempt.by else "",
        why=attempt.reason,
        tone=Tone.CARE if attempt.error_class else Tone.QUIET,
    )


def _tell_standing(event: WebhookEvent) -> Iterator[str]:
    """Tell what became of an event that is not due and had no effect."""
    if event.status not in {EventStatus.PROCESSED, *DUE_STATUSES}:
        yield f"is {event.status}" + (f" ({event.error_class})" if event.error_class else "")


def _tell_ledger(payment: PaymentLog) -> Iterator[Moment]:
    for entry in list_entries_of_payment(payment.pk).select_related("created_by"):
        yield Moment(
            at=entry.created_at,
            what="ledger",
            title=f"Ledger: {'+' if entry.amount > 0 else ''}{format_credits(entry.amount)} credits",
            detail=f"{entry.type}, balance {format_credits(entry.balance_after)}",
            who=entry.created_by.get_username() if entry.created_by else "",
            tone=Tone.GOOD if entry.amount > 0 else Tone.CARE,
        )


def _tell_refunds(payment: PaymentLog) -> Iterator[Moment]:
    for refund in Refund.objects.filter(payment=payment).order_by("pk"):
        subject = f"{refund.reference} of {tell_money(refund.amount_minor, payment.currency)}, "
        for step in refund.state_transitions:
            title, tone = _REFUND_STEPS[RefundState(step["to"])]
            if not step["from"]:
                title = _tell_birth(RefundState(step["to"]))
            why = _find_why(refund, step)
            yield tell_step(step, what="refund", title=title, tone=tone, subject=subject, why=why)


def _tell_birth(state: RefundState) -> str:
    if state == RefundState.AWAITING_APPROVAL:
        return _REFUND_STEPS[state][0]
    return "Refund asked for" if state == RefundState.APPROVED else "Refund made on Paystack's dashboard"


def _find_why(refund: Refund, step: dict[str, Any]) -> str:
    """Return the words beside a step of a refund: of who asked, of who decided, or of the gateway."""
    if not step["from"]:
        return refund.reason
    if step["from"] == RefundState.AWAITING_APPROVAL and refund.decision_comment:
        return refund.decision_comment
    return refund.error_message if step["to"] in REFUND_ENDED_WITHOUT_MONEY else ""


def _tell_disputes(payment: PaymentLog) -> Iterator[Moment]:
    for dispute in Dispute.objects.filter(payment=payment).order_by("pk"):
        for step in dispute.state_transitions:
            title, tone = _DISPUTE_STEPS[DisputeState(step["to"])]
            subject = f"{dispute.gateway_dispute_id}, "
            yield tell_step(step, what="dispute", title=title, tone=tone, subject=subject)


def _tell_receivables(payment: PaymentLog) -> Iterator[Moment]:
    for owed in Receivable.objects.filter(payment_log=payment).order_by("pk"):
        told, reference = f"{format_credits(owed.amount)} credits", f"{owed.reference} ({owed.reason})"
        title = f"The customer owes {told}"
        yield Moment(at=owed.created_at, what="owed", title=title, detail=reference, tone=Tone.CARE)
        if owed.cancelled_at:
            title = f"The customer no longer owes {told}"
            yield Moment(at=owed.cancelled_at, what="owed", title=title, detail=reference)


def _tell_breaks(payment: PaymentLog) -> Iterator[Moment]:
    for found in ReconciliationBreak.objects.filter(payment=payment).select_related("dismissed_by").order_by("pk"):
        yield Moment(
            at=found.first_seen_at,
            what="break",
            title=f"The books differ: {found.kind} of {found.subject}",
            detail=f"{found.ours} here, {found.theirs} at Paystack",
            tone=Tone.CARE,
        )
        if found.closed_at:
            yield Moment(
                at=found.closed_at,
                what="break",
                title=f"Difference {found.state}",
                detail=f"{found.kind} of {found.subject}",
                who=found.dismissed_by.get_username() if found.dismissed_by else "",
                why=found.dismissal_note,
            )


def _tell_reviews(payment: PaymentLog) -> Iterator[Moment]:
    decisions = ReviewDecision.objects.filter(payment=payment).select_related("decided_by").order_by("pk")
    for decision in decisions:
        yield Moment(
            at=decision.created_at,
            what="review",
            title=f"Review ended: {decision.outcome}",
            detail=f"it was for {decision.review_reason}",
            who=decision.decided_by.get_username(),
            why=decision.note,
            tone=Tone.GOOD,
        )


def _tell_notes(payment: PaymentLog) -> Iterator[Moment]:
    for note in notes.list_notes(payment.reference):
        who = note.author.get_username()
        yield Moment(at=note.created_at, what="note", title="Note", detail=note.text, who=who, tone=Tone.BUSY)


def _tell_deeds(payment: PaymentLog) -> Iterable[Moment]:
    """Tell who looked, who had Paystack asked, and what was refused; all else that staff did tells itself."""
    is_told = Q(action__in=_DEEDS) | Q(outcome=Outcome.REFUSED)
    is_about = Q(subject=payment.reference) | Q(part_of=payment.reference)
    entries = AuditEntry.objects.filter(is_told, is_about).select_related("actor")
    for entry in entries.order_by("-created_at")[:_SHOWN_DEEDS]:
        is_refused = entry.outcome == Outcome.REFUSED
        yield Moment(
            at=entry.created_at,
            what="staff",
            # Refused by a rule of ours or by whoever was asked, or out of reach: the reason says which.
            title=f"Not done: {say(entry.action.replace('.', ' '))}" if is_refused else _DEEDS[entry.action],
            who=entry.actor.get_username() if entry.actor else "",
            why=entry.reason,
            tone=Tone.CARE if is_refused else Tone.QUIET,
        )
