"""Comparing the gateway's books with ours, without touching either."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from namaskah.identifiers import PAYMENT_PREFIX
from payments.gateways.paystack import disputes as paystack_disputes
from payments.gateways.paystack import refunds as paystack_refunds
from payments.gateways.paystack.disputes import DisputeReport
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import REFUND_IN_DOUBT, BreakKind, DisputeState, PaymentState, RefundState
from payments.models import Dispute, Evidence, PaymentLog, Refund
from payments.services.evidence import PAID, REVERSED, find_objection

# The gateway must have these.
SENT: Final = (RefundState.SUBMITTED, RefundState.PROCESSED, RefundState.NEEDS_ATTENTION)
_OUR_REFUND: Final = re.compile(r"\brfd-[0-9a-z]{36}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the two books say differently; `ours` and `theirs` in words for people.

    One that is kept has the id of its break and since when it is known.
    """

    kind: BreakKind
    subject: str
    payment_id: UUID | None
    ours: str
    theirs: str
    break_id: UUID | None = None
    first_seen_at: datetime | None = None


def compare_payments(
    theirs: Sequence[Evidence], ours: Mapping[str, PaymentLog], *, explained: Collection[UUID] = ()
) -> Iterator[Difference]:
    """Tell where transactions of the gateway and payments differ; `ours` by reference.

    A transaction under a reference that is not ours belongs to another product on the same account.
    `explained` are the payments of which something else says where their money went.
    """
    known = [evidence for evidence in theirs if evidence.reference.startswith(PAYMENT_PREFIX)]
    yield from _find_repeated(known, ours)
    # Of several under one reference the paid one counts.
    by_reference = {evidence.reference: evidence for evidence in sorted(known, key=_is_paid)}
    for reference, evidence in sorted(by_reference.items()):
        payment = ours.get(reference)
        if payment is not None:
            yield from _compare(payment, evidence, is_explained=payment.pk in explained)
        elif _is_paid(evidence):
            # Nobody paid what never was a payment here; a paid one is money without a customer.
            yield _difference(BreakKind.MISSING_HERE, reference, None, "no payment", _describe(evidence))
    for reference, payment in sorted(ours.items()):
        if reference not in by_reference and payment.is_settled:
            yield _difference(BreakKind.MISSING_THERE, reference, payment, payment.state, "no transaction")
    yield from _find_paid_twice(ours)


def compare_refunds(
    theirs: Sequence[RefundReport], ours: Sequence[Refund], payments: Mapping[int, PaymentLog]
) -> Iterator[Difference]:
    """Tell where refunds differ; `payments` by the gateway's number of their transaction."""
    met = set()
    for report, refund, twin in _pair(theirs, ours):
        payment = payments.get(report.transaction_id or 0)
        if payment is None:
            continue
        if twin is not None:
            yield _second_to(twin, report, payment)
        if refund is not None or twin is None:
            yield from _compare_refund(refund, report, payment)
        if refund is not None:
            met.add(refund.pk)
    for refund in ours:
        if refund.pk not in met and refund.state in SENT:
            yield _difference(BreakKind.MISSING_THERE, subject_of(refund), refund.payment, refund.state, "no refund")
        elif refund.pk not in met and refund.state in REFUND_IN_DOUBT:
            yield _difference(BreakKind.STATE, subject_of(refund), refund.payment, refund.state, "not found yet")


def compare_disputes(
    theirs: Sequence[DisputeReport], ours: Sequence[Dispute], payments: Mapping[str, PaymentLog]
) -> Iterator[Difference]:
    """Tell where disputes differ; `payments` by reference.

    A dispute about a payment that is not ours belongs to another product on the same account.
    """
    by_number = {dispute.gateway_dispute_id: dispute for dispute in ours}
    for report in sorted(theirs, key=lambda report: report.dispute_id):
        payment, dispute = payments.get(report.reference), by_number.pop(report.dispute_id, None)
        if payment is not None:
            yield from _compare_dispute(dispute, report, payment)
    for dispute in by_number.values():
        subject = subject_of_dispute(dispute.gateway_dispute_id)
        yield _difference(BreakKind.MISSING_THERE, subject, dispute.payment, dispute.state, "no dispute")


def state_of(report: DisputeReport) -> DisputeState:
    """Return the state that a dispute of ours must have for the gateway to be right about it."""
    if report.status != paystack_disputes.RESOLVED:
        return DisputeState.OPEN
    if report.resolution in paystack_disputes.LOST:
        return DisputeState.LOST
    return DisputeState.WON if report.resolution in paystack_disputes.WON else DisputeState.REVIEW


def subject_of_dispute(gateway_dispute_id: int) -> str:
    """Return what a dispute is called in a break."""
    return f"dispute {gateway_dispute_id}"


def find_named(report: RefundReport) -> str:
    """Return the reference of ours that a refund's note holds, or nothing."""
    found = _OUR_REFUND.search(report.merchant_note)
    return found.group() if found else ""


def subject_of(refund: Refund | RefundReport) -> str:
    """Return what a refund is called in a break: by the gateway's number as soon as it has one."""
    if isinstance(refund, RefundReport):
        return f"refund {refund.refund_id}"
    return f"refund {refund.gateway_refund_id or refund.reference}"


def _compare(payment: PaymentLog, evidence: Evidence, *, is_explained: bool) -> Iterator[Difference]:
    said = _describe(evidence)
    is_paid = _is_paid(evidence)
    if is_paid and evidence.currency != payment.currency:
        yield _difference(BreakKind.CURRENCY, payment.reference, payment, payment.currency, said)
    elif is_paid and _is_other_amount(payment, evidence):
        ours = payment.amount_paid_minor if payment.is_settled else payment.amount_minor
        yield _difference(BreakKind.AMOUNT, payment.reference, payment, str(ours), said)
    elif is_paid != payment.is_settled or (_has_gone(payment, evidence) and not is_explained):
        yield _difference(BreakKind.STATE, payment.reference, payment, payment.state, said)


def _has_gone(payment: PaymentLog, evidence: Evidence) -> bool:
    """Whether the money went back and the customer still has what it was credited as."""
    return evidence.status == REVERSED and payment.state == PaymentState.COMPLETED


def _is_other_amount(payment: PaymentLog, evidence: Evidence) -> bool:
    """Whether another amount came than we know of; a settled payment may have been credited for what really came."""
    if payment.is_settled:
        return evidence.amount_minor != payment.amount_paid_minor
    return find_objection(payment, evidence, domain=evidence.domain) is not None


def _compare_refund(refund: Refund | None, report: RefundReport, payment: PaymentLog) -> Iterator[Difference]:
    said = _describe_refund(report)
    subject = subject_of(report)
    if refund is None:
        if report.status != paystack_refunds.FAILED:
            yield _difference(BreakKind.MISSING_HERE, subject, payment, "no refund", said)
    elif report.currency != payment.currency:
        yield _difference(BreakKind.CURRENCY, subject, payment, payment.currency, said)
    elif refund.amount_minor != report.amount_minor:
        yield _difference(BreakKind.AMOUNT, subject, payment, str(refund.amount_minor), said)
    elif _has_ended_otherwise(refund, report):
        yield _difference(BreakKind.STATE, subject, payment, refund.state, said)


def _compare_dispute(dispute: Dispute | None, report: DisputeReport, payment: PaymentLog) -> Iterator[Difference]:
    said = _describe_dispute(report)
    subject = subject_of_dispute(report.dispute_id)
    # Paystack leaves the currency out where it does not yet say how much is claimed.
    if report.currency and report.currency != payment.currency:
        yield _difference(BreakKind.CURRENCY, subject, payment, payment.currency, said)
    elif dispute is None:
        yield _difference(BreakKind.MISSING_HERE, subject, payment, "no dispute", said)
    elif dispute.state != state_of(report):
        yield _difference(BreakKind.STATE, subject, payment, dispute.state, said)


def _pair(
    theirs: Sequence[RefundReport], ours: Sequence[Refund]
) -> Iterator[tuple[RefundReport, Refund | None, Refund | None]]:
    """Give each report its refund, and the one that it repeats: another report has that one's note."""
    by_number = {refund.gateway_refund_id: refund for refund in ours if refund.gateway_refund_id}
    by_reference = {refund.reference: refund for refund in ours}
    taken = {refund.pk for refund in by_number.values()}
    # Oldest first, so that of two with the same note the older one is ours.
    for report in sorted(theirs, key=lambda report: report.refund_id):
        refund, named = by_number.get(report.refund_id), by_reference.get(find_named(report))
        if refund is None and named is not None and named.pk not in taken:
            refund = named
            taken.add(named.pk)
        is_second = named is not None and named != refund and _stand(named, report)
        yield report, refund, named if is_second else None


def _stand(refund: Refund, report: RefundReport) -> bool:
    """Whether neither came to nothing."""
    return refund.state != RefundState.FAILED and report.status != paystack_refunds.FAILED


def _second_to(named: Refund, report: RefundReport, payment: PaymentLog) -> Difference:
    """Return the break of a refund that went out twice."""
    return _difference(
        BreakKind.DUPLICATE, subject_of(report), payment, f"second to {named.reference}", _describe_refund(report)
    )


def _find_repeated(theirs: Sequence[Evidence], ours: Mapping[str, PaymentLog]) -> Iterator[Difference]:
    counted = Counter(evidence.reference for evidence in theirs if _is_paid(evidence))
    for reference, count in sorted(counted.items()):
        if count > 1:
            payment = ours.get(reference)
            yield _difference(BreakKind.DUPLICATE, reference, payment, "one payment", f"{count} paid transactions")


def _find_paid_twice(ours: Mapping[str, PaymentLog]) -> Iterator[Difference]:
    """Two attempts at one purchase that were both paid: each was credited, and the customer wanted one."""
    first: dict[tuple[int, UUID], PaymentLog] = {}
    for payment in sorted(ours.values(), key=lambda payment: payment.attempt):
        if payment.state == PaymentState.COMPLETED:
            earlier = first.setdefault((payment.user_id, payment.idempotency_key), payment)
            if earlier is not payment:
                yield _difference(
                    BreakKind.DUPLICATE, payment.reference, payment, f"second to {earlier.reference}", "both paid"
                )


def _has_ended_otherwise(refund: Refund, report: RefundReport) -> bool:
    if report.status == paystack_refunds.PROCESSED:
        return refund.state != RefundState.PROCESSED
    if report.status == paystack_refunds.FAILED:
        return refund.state != RefundState.FAILED
    return refund.state not in SENT or refund.state == RefundState.PROCESSED


def _is_paid(evidence: Evidence) -> bool:
    return evidence.status in PAID


def _describe(evidence: Evidence) -> str:
    return f"{evidence.status} {evidence.amount_minor} {evidence.currency}"


def _describe_refund(report: RefundReport) -> str:
    return f"{report.status} {report.amount_minor} {report.currency}"


def _describe_dispute(report: DisputeReport) -> str:
    words = (report.status, report.resolution, str(report.amount_minor or ""), report.currency)
    return " ".join(word for word in words if word)


def _difference(kind: BreakKind, subject: str, payment: PaymentLog | None, ours: str, theirs: str) -> Difference:
    return Difference(kind=kind, subject=subject, payment_id=payment.pk if payment else None, ours=ours, theirs=theirs)
