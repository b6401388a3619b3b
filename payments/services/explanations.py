"""One payment's whole story, and one sentence on why it is where it is and what to do."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import F, Sum

from billing.models import Receivable
from namaskah.money import format_credits
from payments.lifecycles import (
    DISPUTE_UNDECIDED,
    DUE_STATUSES,
    REFUND_MOVING,
    BreakState,
    DisputeState,
    EventStatus,
    PaymentState,
    RefundState,
    ReviewReason,
)
from payments.models import Dispute, PaymentLog, ReconciliationBreak, Refund, WebhookEvent
from payments.services import possibilities, refund_explanations, reported_money, timelines, worker_signs
from payments.services.janitor import EXPIRED_CODE, NEVER_REACHED_CODE
from payments.services.moments import Moment, tell_money, tell_time
from payments.services.webhook_ingest import CHARGE_TYPES


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a person should know first; `commands` are those by which an operator does what it says."""

    sentence: str
    commands: list[str] = field(default_factory=list)
    # The event that the sentence names, if it names one.
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The story in order, what it comes to, and the commands for it."""

    moments: list[Moment]
    conclusion: str
    commands: list[str]
    event_id: UUID | None = None


REVIEWS: Final = {
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
    ReviewReason.SENT_BACK_TWICE: "refunds and the payer's bank together sent back more than was paid",
}

# What a refund waits for, the most urgent first; one that has ended waits for nothing. Of those that are not known to
# be at Paystack, `refund_explanations` tells more.
_REFUNDS: Final = {
    RefundState.NEEDS_ATTENTION: "needs attention: look at it on Paystack's dashboard",
    RefundState.AWAITING_APPROVAL: "waits for another person's approval",
    RefundState.UNKNOWN: "may be at Paystack or not",
    RefundState.SUBMITTING: "is on its way to Paystack",
    RefundState.APPROVED: "is approved",
    RefundState.SUBMITTED: "is on its way; Paystack says when it is done",
}


def explain_payment(payment: PaymentLog) -> Explanation:
    """Tell the story of a payment from everything that was written down about it, and what it comes to."""
    concluded = conclude(payment)
    return Explanation(timelines.list_moments(payment), concluded.sentence, concluded.commands, concluded.event_id)


def conclude(payment: PaymentLog) -> Conclusion:
    """Return the first thing that a person should know."""
    return (
        _conclude_from_dispute(payment)
        or _conclude_from_review(payment)
        or _conclude_from_refunds(payment)
        or _conclude_from_events(payment)
        or _conclude_from_breaks(payment)
        or _conclude_from_state(payment)
    )


def _conclude_from_dispute(payment: PaymentLog) -> Conclusion | None:
    dispute = Dispute.objects.filter(payment=payment, state__in=DISPUTE_UNDECIDED).order_by("due_at").first()
    if dispute is None:
        return None
    if dispute.state == DisputeState.REVIEW:
        return Conclusion(
            f"A person must decide about its dispute: Paystack calls it resolved, {dispute.resolution!r}."
        )
    due = f" by {tell_time(dispute.due_at)}" if dispute.due_at else ""
    return Conclusion(
        f"The payer's bank disputes it: answer at Paystack{due}; the credits are held until it is decided."
    )


def _conclude_from_review(payment: PaymentLog) -> Conclusion | None:
    if not payment.review_reason:
        return None
    why = REVIEWS[ReviewReason(payment.review_reason)]
    ways = _list_ways(payment)
    *others, last = [way for way, _ in ways]
    told = f"{', '.join(others)} or {last}" if others else last
    return Conclusion(
        f"A person must decide about it, because {why}: Finance may {told}.",
        [f"{command.format(payment.reference)} --by …" for _, command in ways],
    )


def _list_ways(payment: PaymentLog) -> list[tuple[str, str]]:
    """Return how a review can be ended, in words and as a command."""
    ways = []
    if possibilities.can_credit(payment):
        ways.append(("credit what was really paid", "resolve_review {} --credit --note …"))
    if possibilities.can_refund(payment):
        ways.append(("refund it", "refund_payment {} --reason …"))
    return [*ways, ("dismiss the review", "resolve_review {} --dismiss --note …")]


def _conclude_from_refunds(payment: PaymentLog) -> Conclusion | None:
    refunds = {refund.state: refund for refund in Refund.objects.filter(payment=payment, state__in=_REFUNDS)}
    # In the order of the table: what needs a person comes before what goes on by itself.
    refund = next((refunds[state] for state in _REFUNDS if state in refunds), None)
    if refund is None:
        return None
    told = f"Its refund {refund.reference} {_REFUNDS[RefundState(refund.state)]}."
    if refund.state in REFUND_MOVING:
        return Conclusion(f"{told} {refund_explanations.tell_wait(refund)}")
    waits = refund.state == RefundState.AWAITING_APPROVAL
    commands = [f"refund_payment {refund.reference} {option} --by …" for option in ("--approve", "--reject --reason …")]
    return Conclusion(told, commands if waits else [])


def find_stuck_event(payment: PaymentLog) -> WebhookEvent | None:
    """Return the first event of the payment that waits for a person, without its body."""
    waiting = [EventStatus.DEAD, EventStatus.QUARANTINED]
    events = WebhookEvent.objects.filter(reference=payment.reference, status__in=waiting).defer("body")
    if payment.is_settled:
        # What a charge could still say is known; of refunds and disputes it is not.
        events = events.exclude(event_type__in=CHARGE_TYPES)
    return events.order_by("received_at").first()


def _conclude_from_events(payment: PaymentLog) -> Conclusion | None:
    stuck = find_stuck_event(payment)
    if stuck is None:
        return None
    reported = reported_money.tell_reported(payment)
    told = f" {reported}" if reported else ""
    replay, dismiss = (f"replay_webhooks {stuck.pk} {option}--reason … --by …" for option in ("", "--dismiss "))
    if stuck.status == EventStatus.QUARANTINED:
        return Conclusion(
            f"Its event {stuck.pk} is in quarantine ({stuck.error_class}): find out why, then replay it, or have an "
            f"operator dismiss it.{told}",
            [replay, dismiss],
            stuck.pk,
        )
    return Conclusion(f"Its event {stuck.pk} is a dead letter: find out why, then replay it.{told}", [replay], stuck.pk)


def _conclude_from_breaks(payment: PaymentLog) -> Conclusion | None:
    found = ReconciliationBreak.objects.filter(payment=payment, state=BreakState.OPEN).order_by("first_seen_at").first()
    if found is None:
        return None
    return Conclusion(
        f"Paystack's books and ours differ about {found.subject}: {found.ours} here, {found.theirs} there. "
        "Reconciliation repairs what Paystack's word can; else Finance settles it, then dismisses the break.",
        [
            "reconcile_payments --since … --until … --fix --by …",
            f"reconcile_payments --dismiss {found.pk} --reason … --by …",
        ],
    )


def _conclude_from_state(payment: PaymentLog) -> Conclusion:
    if payment.state == PaymentState.COMPLETED:
        return Conclusion(f"It was paid and {_tell_credits(payment)}{_tell_owed(payment)} Nothing is to be done.")
    if payment.state == PaymentState.REFUNDED:
        return Conclusion(f"All of its money went back.{_tell_owed(payment)} Nothing is to be done.")
    if WebhookEvent.objects.filter(reference=payment.reference, status__in=DUE_STATUSES).exists():
        return Conclusion(_tell_waiting(payment))
    if payment.state == PaymentState.FAILED:
        reason = {EXPIRED_CODE: "nobody paid in time", NEVER_REACHED_CODE: "Paystack never heard of it"}
        why = reason.get(payment.error_code, payment.error_message or payment.error_code).rstrip(".")
        return Conclusion(
            f"It failed: {why}. Should it be paid after all, it is credited then. The customer may buy anew."
        )
    at = payment.next_check_at
    when = f"again at {tell_time(at)}, and at once" if at else "again only"
    return Conclusion(
        f"Nobody has paid yet, as far as we know. Paystack is asked {when} if you have it verified.",
        [f"verify_payment {payment.reference}"],
    )


def _tell_waiting(payment: PaymentLog) -> str:
    silence = worker_signs.tell_worker_silence() or "A worker takes it within seconds, or tries it again by itself."
    told = ["An event of it waits to be processed.", reported_money.tell_reported(payment), silence]
    return " ".join(part for part in told if part)


def _tell_credits(payment: PaymentLog) -> str:
    """Return how much was given, and what became of it."""
    told = f"{format_credits(payment.credited_amount or payment.credit_amount)} credits were given, once."
    lost = Dispute.objects.filter(payment=payment, state=DisputeState.LOST).first()
    if lost is not None:
        told += " The payer's bank took the money back, and the credits went with it as far as they were there."
    if payment.amount_refunded_minor:
        told += f" {tell_money(payment.amount_refunded_minor, payment.currency)} of it went back."
    return told


def _tell_owed(payment: PaymentLog) -> str:
    """Return what the wallet could not give for refunds and disputes of the payment."""
    owed = Receivable.objects.filter(payment_log=payment, cancelled_at__isnull=True).aggregate(
        sum=Sum(F("amount") - F("collected_amount"))
    )["sum"]
    return f" The user owes {format_credits(owed)} credits." if owed else ""
