"""One payment's whole story, and one sentence on why it is where it is and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from billing.models import Transaction
from namaskah.money import format_credits, format_minor
from payments.lifecycles import DUE_STATUSES, DisputeState, EventStatus, PaymentState, RefundState, ReviewReason
from payments.models import Dispute, GatewayCall, PaymentLog, Refund, ReviewDecision, WebhookAttempt, WebhookEvent
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
    ReviewReason.TRANSACTION_REUSED: "its transaction at Paystack pays for another payment already",
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
            *_tell_reviews(payment),
        ],
        key=lambda moment: moment.at,
    )
    return Explanation(moments=moments, conclusion=_conclude(payment))


def _tell_steps(payment: PaymentLog) -> Iterator[Moment]:
    for step in payment.state_transitions:
        who = f" by {step['by']}" if step["by"] else ""
        came = f"{step['from']} -> " if step["from"] else ""
        yield Moment(
            datetime.fromisoformat(step["at"]),
            "payment",
            f"{came}{step['to']} ({step['reason']}, {step['source']}{who})",
        )


def _tell_calls(payment: PaymentLog) -> Iterator[Moment]:
    for call in GatewayCall.objects.filter(payment=payment).order_by("started_at"):
        error = f": {call.error_code} {call.error}" if call.error_code else ""
        yield Moment(call.started_at, "paystack", f"{call.operation} {call.outcome}{error}")


def _tell_events(payment: PaymentLog) -> Iterator[Moment]:
    events = WebhookEvent.objects.filter(reference=payment.reference).defer("body").order_by("received_at")
    for event in events.prefetch_related(Prefetch("attempt_log", WebhookAttempt.objects.select_related("by"))):
        times = f", delivered {event.deliveries} times" if event.deliveries > 1 else ""
        yield Moment(event.received_at, "webhook", f"{event.event_type} received{times}")
        for attempt in event.attempt_log.all():
            error = f": {attempt.error_class} {attempt.error}" if attempt.error_class else ""
            who = f" by {attempt.by}" if attempt.by else ""
            why = f", because: {attempt.reason}" if attempt.reason else ""
            yield Moment(attempt.finished_at, "webhook", f"{attempt.trigger}{who} {attempt.outcome}{error}{why}")
        if event.processed_at:
            yield Moment(event.processed_at, "webhook", f"{event.event_type} processed")


def _tell_ledger(payment: PaymentLog) -> Iterator[Moment]:
    for entry in Transaction.objects.filter(payment_log=payment).order_by("sequence"):
        told = f"{entry.type} {format_credits(entry.amount)}, balance {format_credits(entry.balance_after)}"
        yield Moment(entry.created_at, "ledger", told)


def _tell_refunds(payment: PaymentLog) -> Iterator[Moment]:
    for refund in Refund.objects.filter(payment=payment):
        amount = format_minor(refund.amount_minor, payment.currency)
        for step in refund.state_transitions:
            told = f"{refund.reference} {step['to']} ({step['reason']}), {amount}"
            yield Moment(datetime.fromisoformat(step["at"]), "refund", told)


def _tell_disputes(payment: PaymentLog) -> Iterator[Moment]:
    for dispute in Dispute.objects.filter(payment=payment):
        for step in dispute.state_transitions:
            told = f"{dispute.gateway_dispute_id} {step['to']} ({step['reason']})"
            yield Moment(datetime.fromisoformat(step["at"]), "dispute", told)


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
        or _conclude_from_state(payment)
    )


def _conclude_from_dispute(payment: PaymentLog) -> str:
    open_ones = [DisputeState.OPEN, DisputeState.REVIEW]
    dispute = Dispute.objects.filter(payment=payment, state__in=open_ones).order_by("due_at").first()
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
    dead = WebhookEvent.objects.filter(reference=payment.reference, status=EventStatus.DEAD)
    if payment.is_settled:
        # What a charge could still say is known; of refunds and disputes it is not.
        dead = dead.exclude(event_type__in=CHARGE_TYPES)
    stuck = dead.order_by("received_at").values_list("pk", flat=True).first()
    if stuck is None:
        return ""
    return f"Its event {stuck} is a dead letter: find out why, then `replay_webhooks {stuck} --reason …`."


def _conclude_from_state(payment: PaymentLog) -> str:
    if payment.state == PaymentState.COMPLETED:
        return f"It was paid and {_tell_credits(payment)} Nothing is to be done."
    if payment.state == PaymentState.REFUNDED:
        return "All of its money went back. Nothing is to be done."
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
