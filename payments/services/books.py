"""Reading the gateway's books and ours for a period, and whatever the one names that stands outside it on the other."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Q

from payments.gateways.paystack import refunds as paystack_refunds
from payments.gateways.paystack import transactions as paystack_transactions
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import BreakState, DisputeState
from payments.models import Dispute, Evidence, PaymentLog, ReconciliationBreak, Refund
from payments.services import gateway_calls
from payments.services.comparison import PAID, SENT, find_named

Row = TypeVar("Row")
# Told how many rows have been read so far, and of what.
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both sides of a period.

    `payments` by reference, `by_number` by the gateway's number, `lost` those whose money a dispute took.
    """

    transactions: Sequence[Evidence]
    refunds: Sequence[RefundReport]
    payments: dict[str, PaymentLog]
    by_number: dict[int, PaymentLog]
    our_refunds: Sequence[Refund]
    lost: Collection[UUID]


def read_books(*, since: datetime, until: datetime, now: datetime, progress: Progress) -> Books:
    """Read both sides; theirs first, so that ours is never the older.

    Whatever a break is open about is read again too, however old it is.

    :raises GatewayUnavailableError: if the gateway's books cannot be read.
    """
    listed = _read_pages(
        lambda page: paystack_transactions.list_transactions(after=since, before=until, page=page).evidence,
        lambda count: progress("transactions", count),
        size=paystack_transactions.PAGE_SIZE,
    )
    reports = _read_pages(
        lambda page: paystack_refunds.list_refunds_between(after=since, before=until, page=page).reports,
        lambda count: progress("refunds", count),
        size=paystack_refunds.PAGE_SIZE,
    )
    in_period = Q(created_at__gte=since, created_at__lt=until)
    broken = _list_broken()
    payments = _find_payments(in_period, listed, reports, broken)
    our_refunds = _find_refunds(in_period, reports, broken)
    transactions = _ask_about_doubtful(listed, payments.values(), broken, now=now)
    by_number = _number(payments, transactions)
    lost = Dispute.objects.filter(state=DisputeState.LOST, payment__in=[payment.pk for payment in payments.values()])
    return Books(
        transactions=transactions,
        refunds=_ask_about_missing(reports, our_refunds, by_number, broken),
        payments=payments,
        by_number=by_number,
        our_refunds=our_refunds,
        lost=set(lost.values_list("payment_id", flat=True)),
    )


def _list_broken() -> set[UUID]:
    """Return the payments that a break is open about."""
    kept = ReconciliationBreak.objects.filter(state=BreakState.OPEN, payment__isnull=False)
    return {payment_id for payment_id in kept.values_list("payment_id", flat=True) if payment_id}


def _read_pages(read: Callable[[int], Sequence[Row]], progress: Callable[[int], None], *, size: int) -> list[Row]:
    rows: list[Row] = []
    page = 1
    while True:
        found = read(page)
        rows += found
        progress(len(rows))
        if len(found) < size:
            return _read_last(rows)
        page += 1


def _read_last(rows: Iterable[Row]) -> list[Row]:
    """Keep what was read last of each row: one that came in while pages were read moves the others on by one."""
    return list({_number_of(row): row for row in rows}.values())


def _number_of(row: object) -> Hashable:
    number = row.refund_id if isinstance(row, RefundReport) else getattr(row, "gateway_transaction_id", None)
    return number or row


def _find_payments(
    in_period: Q, listed: Iterable[Evidence], reports: Iterable[RefundReport], broken: Collection[UUID]
) -> dict[str, PaymentLog]:
    wanted = (
        in_period
        | Q(reference__in={evidence.reference for evidence in listed})
        | Q(gateway_transaction_id__in={report.transaction_id for report in reports})
        | Q(pk__in=Refund.objects.filter(in_period).values("payment_id"))
        | Q(pk__in=broken)
    )
    payments = list(PaymentLog.objects.filter(wanted))
    # Another attempt at the same purchase may have been made on another day.
    retried = {payment.idempotency_key for payment in payments if payment.superseded_by_id or payment.attempt > 1}
    payments += PaymentLog.objects.filter(idempotency_key__in=retried)
    return {payment.reference: payment for payment in payments}


def _find_refunds(in_period: Q, reports: Sequence[RefundReport], broken: Collection[UUID]) -> list[Refund]:
    wanted = (
        in_period
        | Q(gateway_refund_id__in={report.refund_id for report in reports})
        | Q(reference__in={find_named(report) for report in reports})
        | Q(payment__in=broken)
    )
    return list(Refund.objects.select_related("payment").filter(wanted).order_by("pk"))


def _ask_about_doubtful(
    listed: Sequence[Evidence], payments: Iterable[PaymentLog], broken: Collection[UUID], *, now: datetime
) -> list[Evidence]:
    """Ask one by one about what the list leaves out, or told before it was paid."""
    known = {evidence.reference for evidence in listed}
    paid = {evidence.reference for evidence in listed if evidence.status in PAID}
    asked = {
        payment.reference: gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id="", now=now)
        for payment in payments
        if (payment.is_settled and payment.reference not in paid)
        or (payment.reference not in known and (payment.gateway_transaction_id or payment.pk in broken))
    }
    answered = [evidence for evidence in asked.values() if evidence is not None]
    return _read_last([*listed, *answered])


def _number(payments: dict[str, PaymentLog], transactions: Iterable[Evidence]) -> dict[int, PaymentLog]:
    """Return the payments by the number of their transaction; one that was never credited has it there alone."""
    said = {
        evidence.gateway_transaction_id: payments[evidence.reference]
        for evidence in transactions
        if evidence.gateway_transaction_id and evidence.reference in payments
    }
    ours = {payment.gateway_transaction_id: payment for payment in payments.values() if payment.gateway_transaction_id}
    return said | ours


def _ask_about_missing(
    reports: Sequence[RefundReport],
    our_refunds: Iterable[Refund],
    by_number: dict[int, PaymentLog],
    broken: Collection[UUID],
) -> list[RefundReport]:
    """Ask for all refunds of a payment of which the period's list leaves one out."""
    listed = {report.refund_id for report in reports}
    missing = {
        refund.payment_id for refund in our_refunds if refund.state in SENT and refund.gateway_refund_id not in listed
    }
    further: list[RefundReport] = []
    for number, payment in by_number.items():
        if payment.pk in missing or payment.pk in broken:
            further += _list_refunds_of(number)
    return _read_last([*reports, *further])


def _list_refunds_of(number: int) -> list[RefundReport]:
    return _read_pages(
        lambda page: paystack_refunds.list_refunds(transaction_id=number, page=page).reports,
        lambda _count: None,
        size=paystack_refunds.PAGE_SIZE,
    )
