"""What a payer's bank claims back: held while it is undecided, taken when it is lost, released when it is won."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing.lifecycles import HoldReason, ReceivableReason
from billing.selectors import purchases
from billing.services import holds, ledger, receivables
from namaskah.money import convert_to_credits
from payments.gateways.paystack import disputes as paystack_disputes
from payments.gateways.paystack.disputes import DisputeReport
from payments.lifecycles import DISPUTE_UNDECIDED, FAILED_WHILE_DISPUTED, DisputeState, RefundState, ReviewReason
from payments.models import Cause, Dispute, Evidence, PaymentLog, Refund
from payments.selectors.payments import PaymentNotFoundError
from payments.services import gateway_calls, refund_booking, reversals
from payments.services.row_locks import lock_disputes, lock_payment, lock_refunds

logger = structlog.get_logger(__name__)


def sync_dispute(*, gateway_dispute_id: int, cause: Cause, now: datetime) -> Dispute:
    """Ask the gateway about a dispute and bring ours to where it stands; return it.

    :raises PaymentNotFoundError: if it is about no payment of ours.
    :raises GatewayUnavailableError: if no usable answer came.
    :raises GatewayRejectedError: if the gateway knows no such dispute.
    """
    found = gateway_calls.call_gateway(
        "fetch_dispute",
        lambda: paystack_disputes.fetch_dispute(gateway_dispute_id),
        reference="",
        payment_id=None,
        request={"dispute": gateway_dispute_id},
        request_id=cause.request_id,
        now=now,
    )
    report = found.report
    payment = PaymentLog.objects.filter(reference=report.reference).first()
    if payment is None:
        raise PaymentNotFoundError(f"There is no payment {report.reference}.")
    evidence = reversals.ask_if_unsettled(payment, cause=cause, now=now)
    return follow_report(report, payment_id=payment.pk, evidence=evidence, cause=cause, now=now)


def follow_report(
    report: DisputeReport, *, payment_id: UUID, evidence: Evidence | None, cause: Cause, now: datetime
) -> Dispute:
    """Bring our dispute to where the gateway says that it stands; return it.

    `evidence` is what the gateway says of the payment, if we had not heard yet that it was paid.
    """
    with transaction.atomic(durable=True):
        payment = reversals.credit_what_was_paid(lock_payment(payment_id), evidence, cause=cause, now=now)
        disputes = lock_disputes(payment)
        known = next((dispute for dispute in disputes if dispute.gateway_dispute_id == report.dispute_id), None)
        dispute = known or _open(payment, report, disputes, cause=cause, now=now)
        _follow(dispute, payment, report, cause=cause, now=now)
    return dispute


def _open(
    payment: PaymentLog, report: DisputeReport, others: Sequence[Dispute], *, cause: Cause, now: datetime
) -> Dispute:
    """Record the dispute and hold the credits that are still there."""
    amount_minor = report.amount_minor or payment.amount_minor
    dispute = Dispute(
        gateway_dispute_id=report.dispute_id,
        payment=payment,
        category=report.category[:60],
        amount_minor=amount_minor,
        credit_amount=_credits_of(payment, amount_minor),
        gateway_status=report.status[:60],
        due_at=report.due_at,
        created_at=now,
        updated_at=now,
    )
    wanted = min(dispute.credit_amount, _find_left(payment) - _sum_held(payment, others))
    if wanted > 0:
        dispute.hold = holds.place_hold_up_to(
            user_id=payment.user_id, amount=wanted, reason=HoldReason.DISPUTE, reference=dispute.reference, now=now
        )
    dispute.record_birth(cause=cause, now=now)
    dispute.save()
    logger.warning("dispute_opened", payment=payment.reference, dispute=dispute.gateway_dispute_id)
    return dispute


def _credits_of(payment: PaymentLog, amount_minor: int) -> Decimal:
    """Return the credits that the disputed money was given as."""
    credited = payment.credited_amount or Decimal(0)
    if amount_minor >= payment.refundable_minor:
        return credited
    return min(convert_to_credits(amount_minor, exchange_rate=payment.exchange_rate), credited)


def _find_left(payment: PaymentLog) -> Decimal:
    """Return the payment's credits that no refund and no other dispute has taken."""
    return max(Decimal(0), (payment.credited_amount or Decimal(0)) - purchases.sum_taken_back(payment.pk))


def _sum_held(payment: PaymentLog, disputes: Sequence[Dispute]) -> Decimal:
    """Return the payment's credits that a refund or another dispute holds: they are not held twice."""
    waiting = [refund.hold for refund in lock_refunds(payment) if refund.state == RefundState.AWAITING_APPROVAL]
    undecided = [dispute.hold for dispute in disputes if dispute.state in DISPUTE_UNDECIDED]
    return sum((hold.amount for hold in (*waiting, *undecided) if hold), Decimal(0))


def _follow(dispute: Dispute, payment: PaymentLog, report: DisputeReport, *, cause: Cause, now: datetime) -> None:
    if dispute.state not in DISPUTE_UNDECIDED:
        return
    before = dispute.changing_values
    dispute.gateway_status = report.status[:60]
    dispute.resolution = report.resolution[:60]
    dispute.due_at = report.due_at or dispute.due_at
    if report.status == paystack_disputes.RESOLVED:
        dispute.resolved_at = report.resolved_at or dispute.resolved_at or now
        _decide(dispute, payment, report, cause=cause, now=now)
    if dispute.changing_values != before:
        Dispute.write([dispute], now=now)


def _decide(dispute: Dispute, payment: PaymentLog, report: DisputeReport, *, cause: Cause, now: datetime) -> None:
    if dispute.resolution in paystack_disputes.LOST:
        _take(dispute, payment, report, cause=cause, now=now)
        dispute.lose(cause=cause, now=now)
    elif dispute.resolution in paystack_disputes.WON:
        if dispute.hold_id is not None:
            holds.release_hold(dispute.hold_id, user_id=payment.user_id, now=now)
        dispute.win(cause=cause, now=now)
    elif dispute.state == DisputeState.OPEN:
        dispute.ask_for_review(cause=cause, now=now)
        logger.error("dispute_resolved_oddly", dispute=dispute.gateway_dispute_id, resolution=dispute.resolution)
        return
    # What is free now first pays what is owed because of this payment: its money may have gone back in another way.
    receivables.collect_receivables(payment_log_id=payment.pk, request_id=cause.request_id, now=now)


def _take(dispute: Dispute, payment: PaymentLog, report: DisputeReport, *, cause: Cause, now: datetime) -> None:
    """Take what was lost out of what was held; what the hold does not cover is owed."""
    given_back = _end_unsent_refunds(payment, cause=cause, now=now)
    # The bank may have been given less than what it claimed, and is never owed what went back in another way.
    lost = min(_credits_of(payment, report.amount_minor or dispute.amount_minor), _find_left(payment))
    # Of what came back, something older may have been paid that is owed because of this payment.
    free = min(given_back, ledger.lock_wallets([payment.user_id], now=now)[payment.user_id].available)
    covered = min(lost, (dispute.hold.amount if dispute.hold else Decimal(0)) + free)
    if covered:
        _take_covered(dispute, payment, covered, cause=cause, now=now)
    elif dispute.hold:
        holds.release_hold(dispute.hold.pk, user_id=payment.user_id, now=now)
    if _went_back_twice(dispute, payment, report):
        payment.put_under_review(ReviewReason.SENT_BACK_TWICE)
        PaymentLog.write([payment], now=now)
    if covered < lost:
        receivables.record_receivable(
            user_id=payment.user_id,
            payment_log_id=payment.pk,
            amount=lost - covered,
            reason=ReceivableReason.DISPUTE_LOST,
            reference=dispute.reference,
            now=now,
        )


def _went_back_twice(dispute: Dispute, payment: PaymentLog, report: DisputeReport) -> bool:
    """Whether the bank and refunds together sent back more than what came."""
    lost_minor = report.amount_minor or dispute.amount_minor
    # Of a payment that nobody told us of as paid, it is not known what came.
    return 0 < payment.received_minor < payment.amount_refunded_minor + lost_minor


def _take_covered(dispute: Dispute, payment: PaymentLog, amount: Decimal, *, cause: Cause, now: datetime) -> None:
    if dispute.hold is None:
        # Nothing was there when it was opened, and now there is what a refund gave back.
        dispute.hold = holds.place_hold(
            user_id=payment.user_id, amount=amount, reason=HoldReason.DISPUTE, reference=dispute.reference, now=now
        )
    entry = refund_booking.entry_of(
        payment,
        reference=dispute.reference,
        idempotency_key=dispute.pk,
        description=f"Dispute of {payment.reference} lost",
        cause=cause,
    )
    dispute.ledger_entry_id = holds.take_hold(dispute.hold.pk, entry, amount=amount, now=now).pk


def _end_unsent_refunds(payment: PaymentLog, *, cause: Cause, now: datetime) -> Decimal:
    """End refunds that were not sent, or failed, since the bank sent the money back; return the credits given back."""
    unsent = [refund for refund in lock_refunds(payment) if _is_unsent(refund)]
    for refund in unsent:
        refund_booking.give_back(refund, payment, cause=cause, now=now)
        refund.fail(code="dispute_lost", message="The payer's bank took the money back.", cause=cause, now=now)
    Refund.write(unsent, now=now)
    return sum((refund.reversal.amount for refund in unsent if refund.reversal), Decimal(0))


def _is_unsent(refund: Refund) -> bool:
    has_failed = refund.state_transitions[-1]["reason"] == FAILED_WHILE_DISPUTED
    return refund.state == RefundState.APPROVED or (refund.state == RefundState.NEEDS_ATTENTION and has_failed)
