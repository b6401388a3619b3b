"""What the gateway says of a payment's refunds, brought into ours. Its list is the truth, events are only nudges."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Sum

from billing.lifecycles import HoldReason, ReceivableReason
from billing.services import holds, receivables
from namaskah.errors import ConflictError, GatewayUnavailableError
from namaskah.identifiers import REFUND_PREFIX, new_reference
from payments.gateways.paystack import refunds as paystack_refunds
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import (
    DISPUTE_STANDING,
    FAILED_WHILE_DISPUTED,
    DisputeState,
    PaymentState,
    RefundState,
    ReviewReason,
    sources_of,
)
from payments.models import Cause, Dispute, PaymentLog, Refund
from payments.services import gateway_calls, refund_booking, reversals
from payments.services.refund_terms import RefundExceedsPaymentError, find_terms_of_minor
from payments.services.row_locks import lock_payment, lock_refunds

logger = structlog.get_logger(__name__)

# How long after its last look a refund is looked for again.
_UNKNOWN_CHECKS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_OPEN_CHECKS: Final = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))
_OPEN_CHECK: Final = timedelta(days=1)
# A call of ours that is older than this has ended, whatever became of its process.
_CALL_LASTS: Final = timedelta(minutes=1)
# Between our clock and the gateway's.
_CLOCK_SKEW: Final = timedelta(minutes=2)
# Even one that a person was asked about may still turn up.
_LOOKED_FOR: Final = (RefundState.SUBMITTING, RefundState.UNKNOWN, RefundState.NEEDS_ATTENTION)
_OPEN: Final = (RefundState.SUBMITTED, RefundState.NEEDS_ATTENTION)


class RefundContradictedError(ConflictError):
    """The gateway says now that it sent a refund which it said it had not."""

    code = "concurrent_update"


def sync_refunds(*, payment_id: UUID, cause: Cause, now: datetime, due: Collection[UUID] = ()) -> list[Refund]:
    """Ask the gateway for all refunds of a payment and bring ours up to date; return them.

    Refunds that were made on the gateway's own dashboard are booked. A refund that nobody knew the
    outcome of is found by the reference in its note, else by its amount and time; one that is not
    found three times waits for a person, and is never sent again. `due` names the refunds whose look
    this is; an event's nudge counts for none.

    :raises GatewayRejectedError: if the gateway would not list them.
    :raises GatewayMisconfiguredError: if it refused our key.
    :raises GatewayUnavailableError: if no usable answer came.
    :raises RefundExceedsPaymentError: if a refund made elsewhere is more than what is left.
    :raises RefundContradictedError: if a refund that failed is reported as sent; its credits are back already.
    """
    payment = PaymentLog.objects.get(pk=payment_id)
    evidence = reversals.ask_if_unsettled(payment, cause=cause, now=now)
    transaction_id = payment.gateway_transaction_id or (evidence.gateway_transaction_id if evidence else None)
    reports = _ask(payment, transaction_id, cause=cause, now=now) if transaction_id else []
    with transaction.atomic(durable=True):
        payment = lock_payment(payment_id)
        if any(report.status != paystack_refunds.FAILED for report in reports):
            payment = reversals.credit_what_was_paid(payment, evidence, cause=cause, now=now)
        refunds = lock_refunds(payment)
        before = [refund.changing_values for refund in refunds]
        unclaimed = _match(refunds, reports, payment, cause=cause, now=now)
        _count_looks(refunds, due, cause=cause, now=now)
        changed = [refund for refund, was in zip(refunds, before, strict=True) if refund.changing_values != was]
        Refund.write(changed, now=now)
        refusal: ConflictError | RefundExceedsPaymentError | None = _find_contradiction(refunds, reports)
        for report in unclaimed:
            try:
                refunds.append(_book_elsewhere(payment, refunds, report, cause=cause, now=now))
            except RefundExceedsPaymentError as error:
                # Nothing was written for it, and what is known of the others must not wait for a person.
                refusal = error
    if refusal is not None:
        raise refusal
    return refunds


def count_look(*, payment_id: UUID, due: Collection[UUID], cause: Cause, now: datetime) -> None:
    """Note that the refunds whose look was `due` were looked for in vain."""
    with transaction.atomic(durable=True):
        refunds = lock_refunds(lock_payment(payment_id))
        before = [refund.changing_values for refund in refunds]
        _count_looks(refunds, due, cause=cause, now=now)
        Refund.write(
            [refund for refund, was in zip(refunds, before, strict=True) if refund.changing_values != was], now=now
        )


def _find_contradiction(refunds: Sequence[Refund], reports: Sequence[RefundReport]) -> RefundContradictedError | None:
    sent = {report.refund_id for report in reports if report.status == paystack_refunds.PROCESSED}
    for refund in refunds:
        if refund.state == RefundState.FAILED and refund.gateway_refund_id in sent:
            return RefundContradictedError(f"{refund.reference} failed, and Paystack says now that it was sent.")
    return None


def accept(
    refund: Refund, payment: PaymentLog, report: RefundReport, *, reason: str, cause: Cause, now: datetime
) -> None:
    """Note that `report` is about `refund`, and follow it; the caller holds both locks and writes the refund."""
    if refund.gateway_refund_id is None:
        refund.note_submitted(gateway_refund_id=report.refund_id, cause=cause, reason=reason, now=now)
        refund.next_check_at = now + _OPEN_CHECKS[0]
        # The gateway may be further with it already, and the database takes one step at a time.
        Refund.write([refund], now=now)
    _follow(refund, payment, report, cause=cause, now=now)


def _ask(payment: PaymentLog, transaction_id: int, *, cause: Cause, now: datetime) -> list[RefundReport]:
    reports: list[RefundReport] = []
    page = 1
    while True:
        listed = gateway_calls.call_gateway(
            "list_refunds",
            lambda page=page: paystack_refunds.list_refunds(transaction_id=transaction_id, page=page),  # type: ignore[misc]  # -- the default binds this turn's page
            reference=payment.reference,
            payment_id=payment.pk,
            request={"transaction": transaction_id, "page": page},
            request_id=cause.request_id,
            now=now,
        )
        if any(report.transaction_id not in {None, transaction_id} for report in listed.reports):
            raise GatewayUnavailableError("Paystack answered with refunds of another transaction.")
        reports += listed.reports
        if paystack_refunds.is_last_page(listed, page=page):
            return reports
        page += 1


def _match(
    refunds: Sequence[Refund], reports: Sequence[RefundReport], payment: PaymentLog, *, cause: Cause, now: datetime
) -> list[RefundReport]:
    """Bring each refund to where its report says; return the reports that are about none of ours."""
    known = {refund.gateway_refund_id: refund for refund in refunds if refund.gateway_refund_id is not None}
    unclaimed = []
    # Those that name one of ours first, so that none alike takes its place; then the oldest first.
    for report in sorted(reports, key=lambda report: (REFUND_PREFIX not in report.merchant_note, report.refund_id)):
        refund = known.get(report.refund_id) or _find_lost(refunds, report)
        if refund is None:
            unclaimed.append(report)
        else:
            accept(refund, payment, report, reason="found", cause=cause, now=now)
    return [report for report in unclaimed if report.status != paystack_refunds.FAILED]


def _find_lost(refunds: Sequence[Refund], report: RefundReport) -> Refund | None:
    lost = [refund for refund in refunds if refund.state in _LOOKED_FOR and refund.gateway_refund_id is None]
    named = [refund for refund in lost if refund.reference in report.merchant_note]
    # Whoever writes our reference into another refund's note does not make it ours.
    return next((refund for refund in named or lost if _looks_like(refund, report, is_named=bool(named))), None)


def _looks_like(refund: Refund, report: RefundReport, *, is_named: bool) -> bool:
    """Whether a report can be that of a call whose answer was lost; its time counts if its note says nothing of it."""
    if report.amount_minor != refund.amount_minor or report.currency not in {"", refund.payment.currency}:
        return False
    if is_named:
        return True
    if REFUND_PREFIX in report.merchant_note or report.created_at is None or refund.submitted_at is None:
        return False
    return refund.submitted_at - _CLOCK_SKEW <= report.created_at <= refund.submitted_at + _CALL_LASTS + _CLOCK_SKEW


def _follow(refund: Refund, payment: PaymentLog, report: RefundReport, *, cause: Cause, now: datetime) -> None:
    if refund.state not in _OPEN:
        return
    if report.status == paystack_refunds.PROCESSED:
        refund.note_processed(cause=cause, now=now)
        _count_refunded(payment, refund, cause=cause, now=now)
    elif report.status == paystack_refunds.FAILED and is_disputed(payment):
        # The bank claims the money or got it, so the credits must not come back by themselves.
        if refund.state == RefundState.SUBMITTED:
            refund.ask_for_attention(reason=FAILED_WHILE_DISPUTED, cause=cause, now=now)
    elif report.status == paystack_refunds.FAILED:
        refund_booking.give_back(refund, payment, cause=cause, now=now)
        refund.fail(code="gateway_failed", message="Paystack could not send it.", cause=cause, now=now)
    elif report.status == paystack_refunds.NEEDS_ATTENTION and refund.state == RefundState.SUBMITTED:
        refund.ask_for_attention(reason="bank_details_needed", cause=cause, now=now)
    elif report.status != paystack_refunds.NEEDS_ATTENTION and refund.state == RefundState.NEEDS_ATTENTION:
        refund.note_submitted(gateway_refund_id=report.refund_id, cause=cause, reason="resumed", now=now)


def is_disputed(payment: PaymentLog) -> bool:
    """Whether the payer's bank claims a locked payment's money, or got it."""
    return Dispute.objects.filter(payment=payment, state__in=DISPUTE_STANDING).exists()


def _count_refunded(payment: PaymentLog, refund: Refund, *, cause: Cause, now: datetime) -> None:
    payment.amount_refunded_minor += refund.amount_minor
    is_whole = payment.amount_refunded_minor >= payment.refundable_minor
    if is_whole and payment.state in sources_of(PaymentState.REFUNDED):
        payment.note_refunded(cause=cause, now=now)
    if _sum_lost(payment) + payment.amount_refunded_minor > payment.received_minor:
        payment.put_under_review(ReviewReason.SENT_BACK_TWICE)
    PaymentLog.write([payment], now=now)


def _sum_lost(payment: PaymentLog) -> int:
    """Return the subunits that the payer's bank took."""
    lost = Dispute.objects.filter(payment=payment, state=DisputeState.LOST).aggregate(total=Sum("amount_minor"))
    return lost["total"] or 0


def _count_looks(refunds: Sequence[Refund], due: Collection[UUID], *, cause: Cause, now: datetime) -> None:
    """Say when each refund is looked at again; what was not found often enough waits for a person."""
    for refund in refunds:
        if refund.state == RefundState.SUBMITTING and _has_ended(refund, now=now):
            refund.lose_sight(cause=cause, now=now)
            refund.next_check_at = now + _UNKNOWN_CHECKS[0]
        elif refund.state == RefundState.UNKNOWN and refund.pk in due:
            refund.checks += 1
            if refund.checks >= len(_UNKNOWN_CHECKS):
                refund.ask_for_attention(reason="not_found", cause=cause, now=now)
                refund.next_check_at = now + _OPEN_CHECK
                logger.error("refund_not_found_at_gateway", refund=refund.reference)
            else:
                refund.next_check_at = now + _UNKNOWN_CHECKS[refund.checks]
        elif refund.state in _OPEN and refund.pk in due:
            later = _OPEN_CHECKS[refund.checks] if refund.checks < len(_OPEN_CHECKS) else _OPEN_CHECK
            refund.checks += 1
            refund.next_check_at = now + later


def _has_ended(refund: Refund, *, now: datetime) -> bool:
    return refund.submitted_at is not None and refund.submitted_at <= now - _CALL_LASTS


def _book_elsewhere(
    payment: PaymentLog, refunds: Sequence[Refund], report: RefundReport, *, cause: Cause, now: datetime
) -> Refund:
    """Book a refund that was not made here; what the wallet cannot cover is owed."""
    terms = find_terms_of_minor(payment, refunds, amount_minor=report.amount_minor)
    refund = Refund(
        payment=payment,
        reference=new_reference(REFUND_PREFIX),
        amount_minor=terms.amount_minor,
        credit_amount=terms.credit_amount,
        reason="Made at Paystack, not here.",
        state=RefundState.SUBMITTED,
        gateway_refund_id=report.refund_id,
        submitted_at=report.created_at or now,
        next_check_at=now + _OPEN_CHECKS[0],
        created_at=now,
        updated_at=now,
    )
    _take_what_is_there(refund, payment, cause=cause, now=now)
    refund.record_birth(cause=cause, reason="made_elsewhere", now=now)
    refund.save()
    _follow(refund, payment, report, cause=cause, now=now)
    if refund.state != RefundState.SUBMITTED:
        Refund.write([refund], now=now)
    return refund


def _take_what_is_there(refund: Refund, payment: PaymentLog, *, cause: Cause, now: datetime) -> None:
    if not refund.credit_amount:
        return
    refund.hold = holds.place_hold_up_to(
        user_id=payment.user_id,
        amount=refund.credit_amount,
        reason=HoldReason.REFUND,
        reference=refund.reference,
        now=now,
    )
    covered = refund.hold.amount if refund.hold else 0
    refund_booking.book(refund, payment, cause=cause, now=now)
    if covered < refund.credit_amount:
        receivables.record_receivable(
            user_id=payment.user_id,
            payment_log_id=payment.pk,
            amount=refund.credit_amount - covered,
            reason=ReceivableReason.REFUNDED_ELSEWHERE,
            reference=refund.reference,
            now=now,
        )
