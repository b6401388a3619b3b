"""One payment's whole story, and one sentence on why it is where it is and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch, Sum

from billing.models import Receivable, Transaction
from namaskah.money import format_credits, format_minor
from payments.lifecycles import (
    DISPUTE_UNDECIDED,
    DUE_STATUSES,
    REFUND_ENDED_WITHOUT_MONEY,
    BreakState,
    DisputeState,
    EventStatus,
    PaymentState,
    RefundState,
    ReviewReason,
)
from payments.models import (
    Dispute,
    GatewayCall,
    PaymentLog,
    ReconciliationBreak,
    Refund,
    ReviewDecision,
    WebhookAttempt,
    WebhookEvent,
)
from payments.services.janitor import EXPIRED_CODE, NEVER_REACHED_CODE
from payments.services.webhook_ingest import CHARGE_TYPES


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened: when, to what, and in words."""

    at: datetime
    what: str
    told: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The story in order, and what it comes to."""

    moments: list[Moment]
    conclusion: str


_REVIEWS = {
    ReviewReason.AMOUNT_MISMATCH: "another amount was paid than was asked for",
    ReviewReason.PARTIAL_DEBIT: "less was paid than was asked for",
    ReviewReason.OVERPAID: "more was paid than was asked for",
    ReviewReason.CURRENCY_MISMATCH: "it was paid in another currency",
    ReviewReason.WRONG_DOMAIN: "a test transaction came under a live key, or the reverse",
    ReviewReason.STATUS_MISMATCH: "an event says that it was paid, and Paystack itself says otherwise",
    ReviewReason.EVIDENCE_INCOMPLETE: "Paystack did not say how much was paid",
    ReviewReason.REVERSAL_PENDING: "Paystack is sending the money back",
    ReviewReason.PAID_TWICE: "another attempt at the same purchase was paid too, and both were credited",
    ReviewReason.SENT_BACK_TWICE: "its money went back both by a refund and by a dispute",
    ReviewReason.TRANSACTION_REUSED: "its transaction at Paystack pays for another payment already",
    ReviewReason.SENT_BACK_TWICE: "refunds and the payer's bank together sent back more than was paid",
}

# What a refund waits for, the most urgent first; one that has ended waits for nothing.
_REFUNDS = {
    RefundState.NEEDS_ATTENTION: "needs attention: look at it on Paystack's dashboard",
    RefundState.AWAITING_APPROVAL: "waits for another person's approval: `refund_payment rfd-… --approve`",
    RefundState.UNKNOWN: "may be at Paystack or not: it is being looked for, and is never sent again",
    RefundState.SUBMITTING: "is being sent to Paystack at this moment",
    RefundState.APPROVED: "is about to be sent to Paystack",
    RefundState.SUBMITTED: "is on its way; Paystack says when it is done",
}


def explain_payment(payment: PaymentLog) -> Explanation:
    """Tell the story of a payment from everything that was written down about it."""
    moments = sorted(
        [
            *_tell_steps(payment),
            *_tell_calls(payment),
            *_tell_events(payment),
            *_tell_ledger(payment),
            *_tell_refunds(payment),
            *_tell_disputes(payment),
            *_tell_receivables(payment),
            *_tell_reviews(payment),
            *_tell_breaks(payment),
        ],
        key=lambda moment: moment.at,
    )
    return Explanation(moments=moments, conclusion=_conclude(payment))


def _tell_steps(payment: PaymentLog) -> Iterator[Moment]:
    for step in payment.state_transitions:
        yield _tell_step("payment", step)


def _tell_step(what: str, step: dict[str, Any], *, subject: str = "", why: str = "") -> Moment:
    """Tell one entry of an audit trail: from where to where, why, through which part and by whom."""
    who = f" by {step['by']}" if step["by"] else ""
    came = f"{step['from']} -> " if step["from"] else ""
    told = f"{subject}{came}{step['to']} ({step['reason']}, {step['source']}{who})"
    return Moment(datetime.fromisoformat(step["at"]), what, told + (f", because: {why}" if why else ""))


def _tell_calls(payment: PaymentLog) -> Iterator[Moment]:
    for call in GatewayCall.objects.filter(payment=payment).order_by("started_at"):
        error = f": {call.error_code} {call.error}" if call.error_code else ""
        yield Moment(call.started_at, "paystack", f"{call.operation} {call.outcome}{error}")


def _tell_events(payment: PaymentLog) -> Iterator[Moment]:
    events = WebhookEvent.objects.filter(reference=payment.reference).defer("body").order_by("received_at")
    for event in events.prefetch_related(Prefetch("attempt_log", WebhookAttempt.objects.select_related("by"))):
        times = f", delivered {event.deliveries} times" if event.deliveries > 1 else ""
        yield Moment(event.received_at, "webhook", f"{event.event_type} received{times}{_tell_standing(event)}")
        for attempt in event.attempt_log.all():
            error = f": {attempt.error_class} {attempt.error}" if attempt.error_class else ""
            who = f" by {attempt.by}" if attempt.by else ""
            why = f", because: {attempt.reason}" if attempt.reason else ""
            yield Moment(attempt.finished_at, "webhook", f"{attempt.trigger}{who} {attempt.outcome}{error}{why}")
        if event.processed_at:
            yield Moment(event.processed_at, "webhook", f"{event.event_type} processed")


def _tell_standing(event: WebhookEvent) -> str:
    """Return what became of an event that is not due and had no effect."""
    if event.status in {EventStatus.PROCESSED, *DUE_STATUSES}:
        return ""
    return f", is {event.status}" + (f": {event.error_class}" if event.error_class else "")


def _tell_ledger(payment: PaymentLog) -> Iterator[Moment]:
    for entry in Transaction.objects.filter(payment_log=payment).order_by("sequence"):
        told = f"{entry.type} {format_credits(entry.amount)}, balance {format_credits(entry.balance_after)}"
        yield Moment(entry.created_at, "ledger", told)


def _tell_refunds(payment: PaymentLog) -> Iterator[Moment]:
    for refund in Refund.objects.filter(payment=payment):
        subject = f"{refund.reference} of {format_minor(refund.amount_minor, payment.currency)}: "
        for step in refund.state_transitions:
            yield _tell_step("refund", step, subject=subject, why=_find_why(refund, step))


def _find_why(refund: Refund, step: dict[str, Any]) -> str:
    """Return the words beside a step of a refund: of who asked, of who decided, or of the gateway."""
    if not step["from"]:
        return refund.reason
    if step["from"] == RefundState.AWAITING_APPROVAL and refund.decision_comment:
        return refund.decision_comment
    return refund.error_message if step["to"] in REFUND_ENDED_WITHOUT_MONEY else ""


def _tell_disputes(payment: PaymentLog) -> Iterator[Moment]:
    for dispute in Dispute.objects.filter(payment=payment):
        for step in dispute.state_transitions:
            yield _tell_step("dispute", step, subject=f"{dispute.gateway_dispute_id}: ")


def _tell_receivables(payment: PaymentLog) -> Iterator[Moment]:
    for owed in Receivable.objects.filter(payment_log=payment):
        told = f"{format_credits(owed.amount)} credits for {owed.reference}"
        yield Moment(owed.created_at, "owed", f"{told} ({owed.reason})")
        if owed.cancelled_at:
            yield Moment(owed.cancelled_at, "owed", f"{told} no longer")


def _tell_breaks(payment: PaymentLog) -> Iterator[Moment]:
    for found in ReconciliationBreak.objects.filter(payment=payment).select_related("dismissed_by"):
        told = f"{found.kind} of {found.subject}"
        yield Moment(found.first_seen_at, "break", f"{told}: {found.ours} here, {found.theirs} at Paystack")
        if found.closed_at:
            why = f" by {found.dismissed_by}, because: {found.dismissal_note}" if found.dismissed_by else ""
            yield Moment(found.closed_at, "break", f"{told} {found.state}{why}")


def _tell_reviews(payment: PaymentLog) -> Iterator[Moment]:
    for decision in ReviewDecision.objects.filter(payment=payment).select_related("decided_by"):
        told = f"{decision.review_reason} {decision.outcome} by {decision.decided_by}: {decision.note}"
        yield Moment(decision.created_at, "review", told)


def _conclude(payment: PaymentLog) -> str:
    """Return the first thing that a person should know."""
    return (
        _conclude_from_dispute(payment)
        or _conclude_from_review(payment)
        or _conclude_from_refunds(payment)
        or _conclude_from_events(payment)
        or _conclude_from_breaks(payment)
        or _conclude_from_state(payment)
    )


def _conclude_from_dispute(payment: PaymentLog) -> str:
    dispute = Dispute.objects.filter(payment=payment, state__in=DISPUTE_UNDECIDED).order_by("due_at").first()
    if dispute is None:
        return ""
    if dispute.state == DisputeState.REVIEW:
        return f"A person must decide about its dispute: Paystack calls it resolved, {dispute.resolution!r}."
    due = f" by {dispute.due_at:%Y-%m-%d %H:%M} UTC" if dispute.due_at else ""
    return f"The payer's bank disputes it: answer at Paystack{due}; the credits are held until it is decided."


def _conclude_from_review(payment: PaymentLog) -> str:
    if not payment.review_reason:
        return ""
    why = _REVIEWS[ReviewReason(payment.review_reason)]
    return f"A person must decide about it, because {why}: `resolve_review`, or `refund_payment`."


def _conclude_from_refunds(payment: PaymentLog) -> str:
    states = dict(Refund.objects.filter(payment=payment, state__in=_REFUNDS).values_list("state", "reference"))
    # In the order of the table: what needs a person comes before what goes on by itself.
    found = next((state for state in _REFUNDS if state in states), None)
    return f"Its refund {states[found]} {_REFUNDS[found]}." if found else ""


def _conclude_from_events(payment: PaymentLog) -> str:
    waiting = [EventStatus.DEAD, EventStatus.QUARANTINED]
    events = WebhookEvent.objects.filter(reference=payment.reference, status__in=waiting).defer("body")
    if payment.is_settled:
        # What a charge could still say is known; of refunds and disputes it is not.
        events = events.exclude(event_type__in=CHARGE_TYPES)
    stuck = events.order_by("received_at").first()
    if stuck is None:
        return ""
    if stuck.status == EventStatus.QUARANTINED:
        return (
            f"Its event {stuck.pk} is in quarantine ({stuck.error_class}): find out why, then replay or `--dismiss` it."
        )
    return f"Its event {stuck.pk} is a dead letter: find out why, then `replay_webhooks {stuck.pk} --reason … --by …`."


def _conclude_from_breaks(payment: PaymentLog) -> str:
    found = ReconciliationBreak.objects.filter(payment=payment, state=BreakState.OPEN).order_by("first_seen_at").first()
    if found is None:
        return ""
    return (
        f"Paystack's books and ours differ about {found.subject}: {found.ours} here, {found.theirs} there. "
        f"`reconcile_payments --fix` repairs what Paystack's word can; else settle it, then `--dismiss {found.pk}`."
    )


def _conclude_from_state(payment: PaymentLog) -> str:
    if payment.state == PaymentState.COMPLETED:
        return f"It was paid and {_tell_credits(payment)}{_tell_owed(payment)} Nothing is to be done."
    if payment.state == PaymentState.REFUNDED:
        return f"All of its money went back.{_tell_owed(payment)} Nothing is to be done."
    if payment.state == PaymentState.FAILED:
        reason = {EXPIRED_CODE: "nobody paid in time", NEVER_REACHED_CODE: "Paystack never heard of it"}
        why = reason.get(payment.error_code, payment.error_message or payment.error_code).rstrip(".")
        return f"It failed: {why}. Should it be paid after all, it is credited then. The customer may buy anew."
    if WebhookEvent.objects.filter(reference=payment.reference, status__in=DUE_STATUSES).exists():
        return "An event of it waits to be processed: if it stays so, look at the worker."
    when = f" at {payment.next_check_at:%Y-%m-%d %H:%M} UTC" if payment.next_check_at else ""
    return f"Nobody has paid yet, as far as we know. Paystack is asked again{when}; `verify_payment` asks now."


def _tell_credits(payment: PaymentLog) -> str:
    """Return how much was given, and what became of it."""
    told = f"{format_credits(payment.credited_amount or payment.credit_amount)} credits were given, once."
    lost = Dispute.objects.filter(payment=payment, state=DisputeState.LOST).first()
    if lost is not None:
        told += " The payer's bank took the money back, and the credits went with it as far as they were there."
    if payment.amount_refunded_minor:
        told += f" {format_minor(payment.amount_refunded_minor, payment.currency)} of it went back."
    return told


def _tell_owed(payment: PaymentLog) -> str:
    """Return what the wallet could not give for refunds and disputes of the payment."""
    owed = Receivable.objects.filter(payment_log=payment, cancelled_at__isnull=True).aggregate(
        sum=Sum(F("amount") - F("collected_amount"))
    )["sum"]
    return f" The user owes {format_credits(owed)} credits." if owed else ""
