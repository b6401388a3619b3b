"""Reading the gateway's books and ours for a period, and whatever the one names that stands outside it on the other."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from namaskah.identifiers import find_first_id
from payments.gateways.paystack import disputes as paystack_disputes
from payments.gateways.paystack import refunds as paystack_refunds
from payments.gateways.paystack import transactions as paystack_transactions
from payments.gateways.paystack.disputes import DisputeReport
from payments.gateways.paystack.refunds import RefundReport
from payments.lifecycles import BreakState, DisputeState
from payments.models import Dispute, Evidence, PaymentLog, ReconciliationBreak, Refund
from payments.services import gateway_calls
from payments.services.comparison import SENT, find_named, state_of
from payments.services.evidence import PAID

Row = TypeVar("Row")
# Told how many rows have been read so far, and of what; it may raise to stop.
Progress = Callable[[str, int], None]
# How long after the moment that stands in a row its id may have been made.
_WRITTEN_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both sides of a period.

    `payments` by reference, `by_number` by the gateway's number, `lost` those whose money a dispute took, as either
    side says.
    """

    transactions: Sequence[Evidence]
    refunds: Sequence[RefundReport]
    disputes: Sequence[DisputeReport]
    payments: dict[str, PaymentLog]
    by_number: dict[int, PaymentLog]
    our_refunds: Sequence[Refund]
    our_disputes: Sequence[Dispute]
    lost: Collection[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lists:
    """What the gateway lists of a period."""

    transactions: Sequence[Evidence]
    refunds: Sequence[RefundReport]
    disputes: Sequence[DisputeReport]


def read_books(*, since: datetime, until: datetime, now: datetime, progress: Progress, with_open: bool = True) -> Books:
    """Read both sides; theirs first, so that ours is never the older.

    Whatever a break is open about is read again too, however old it is, unless `with_open` is off.

    :raises GatewayUnavailableError: if the gateway's books cannot be read.
    """
    lists = _read_lists(since, until, progress)
    in_period = _made_between(since, until)
    broken = _list_broken()
    payments = _find_payments(in_period, lists, broken if with_open else frozenset())
    broken &= {payment.pk for payment in payments.values()}
    our_refunds = _find_refunds(in_period, lists.refunds, broken)
    our_disputes = _find_disputes(in_period, lists.disputes, broken)
    transactions = _ask_about_doubtful(lists.transactions, payments.values(), broken, now=now, progress=progress)
    by_number = _number(payments, transactions)
    refunds = _ask_for_refunds(lists.refunds, our_refunds, by_number, broken, progress)
    disputes = _ask_for_disputes(lists.disputes, our_disputes, by_number, broken, progress)
    return Books(
        transactions=transactions,
        refunds=refunds,
        disputes=disputes,
        payments=payments,
        by_number=by_number,
        our_refunds=our_refunds,
        our_disputes=our_disputes,
        lost=_find_lost(payments, disputes),
    )


def _read_lists(since: datetime, until: datetime, progress: Progress) -> _Lists:
    return _Lists(
        transactions=_read_pages(
            lambda page: paystack_transactions.list_transactions(after=since, before=until, page=page).evidence,
            lambda count: progress("transactions", count),
            size=paystack_transactions.PAGE_SIZE,
        ),
        refunds=_read_pages(
            lambda page: paystack_refunds.list_refunds_between(after=since, before=until, page=page).reports,
            lambda count: progress("refunds", count),
            size=paystack_refunds.PAGE_SIZE,
        ),
        disputes=_read_pages(
            lambda page: paystack_disputes.list_disputes_between(after=since, before=until, page=page).reports,
            lambda count: progress("disputes", count),
            size=paystack_disputes.PAGE_SIZE,
        ),
    )


def _made_between(since: datetime, until: datetime) -> Q:
    """Return what picks the rows of a period; by their ids too, which have an index and grow with the time."""
    return Q(
        pk__gte=find_first_id(since),
        pk__lt=find_first_id(until + _WRITTEN_WITHIN),
        created_at__gte=since,
        created_at__lt=until,
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
    if isinstance(row, RefundReport):
        return row.refund_id
    if isinstance(row, DisputeReport):
        return row.dispute_id
    return getattr(row, "gateway_transaction_id", None) or row


def _find_payments(in_period: Q, lists: _Lists, wanted: Collection[UUID]) -> dict[str, PaymentLog]:
    """Find each in a query of its own that an index answers: one query for all would read the whole table."""
    named = {evidence.reference for evidence in lists.transactions} | {report.reference for report in lists.disputes}
    numbers = {report.transaction_id for report in lists.refunds if report.transaction_id}
    found = {
        *wanted,
        *PaymentLog.objects.filter(in_period).values_list("pk", flat=True),
        *PaymentLog.objects.filter(reference__in=named).values_list("pk", flat=True),
        *PaymentLog.objects.filter(gateway_transaction_id__in=numbers).values_list("pk", flat=True),
        *Refund.objects.filter(in_period).values_list("payment_id", flat=True),
        *Dispute.objects.filter(in_period).values_list("payment_id", flat=True),
    }
    # Their trails are as long as all the rest, and say nothing to compare.
    rows = PaymentLog.objects.defer("state_transitions")
    payments = list(rows.filter(pk__in=found))
    # Another attempt at the same purchase may have been made on another day.
    retried = [payment for payment in payments if payment.superseded_by_id or payment.attempt > 1]
    payments += rows.filter(
        user__in={payment.user_id for payment in retried},
        idempotency_key__in={payment.idempotency_key for payment in retried},
    )
    return {payment.reference: payment for payment in payments}


def _find_refunds(in_period: Q, reports: Sequence[RefundReport], broken: Collection[UUID]) -> list[Refund]:
    found = _find_keys(
        Refund.objects.all(),
        in_period,
        Q(gateway_refund_id__in={report.refund_id for report in reports}),
        Q(reference__in={find_named(report) for report in reports}),
        Q(payment__in=broken),
    )
    return list(Refund.objects.select_related("payment").filter(pk__in=found).order_by("pk"))


def _find_disputes(in_period: Q, reports: Sequence[DisputeReport], broken: Collection[UUID]) -> list[Dispute]:
    found = _find_keys(
        Dispute.objects.all(),
        in_period,
        Q(gateway_dispute_id__in={report.dispute_id for report in reports}),
        Q(payment__in=broken),
    )
    return list(Dispute.objects.select_related("payment").filter(pk__in=found).order_by("pk"))


def _find_keys(rows: "QuerySet[Any]", *conditions: Q) -> set[UUID]:
    return {key for condition in conditions for key in rows.filter(condition).values_list("pk", flat=True)}


def _ask_about_doubtful(
    listed: Sequence[Evidence],
    payments: Iterable[PaymentLog],
    broken: Collection[UUID],
    *,
    now: datetime,
    progress: Progress,
) -> list[Evidence]:
    """Ask one by one about what the list leaves out, or told before it was paid."""
    known = {evidence.reference for evidence in listed}
    paid = {evidence.reference for evidence in listed if evidence.status in PAID}
    doubtful = [
        payment
        for payment in payments
        if (payment.is_settled and payment.reference not in paid)
        or (payment.reference not in known and (payment.gateway_transaction_id or payment.pk in broken))
    ]
    answered = []
    for count, payment in enumerate(doubtful, start=1):
        progress("payments asked about", count)
        evidence = gateway_calls.ask_about(payment.reference, payment_id=payment.pk, request_id="", now=now)
        if evidence is not None:
            answered.append(evidence)
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


def _ask_for_refunds(
    reports: Sequence[RefundReport],
    our_refunds: Iterable[Refund],
    by_number: dict[int, PaymentLog],
    broken: Collection[UUID],
    progress: Progress,
) -> list[RefundReport]:
    """Ask for all refunds of a payment of which the period's list leaves one out."""
    listed = {report.refund_id for report in reports}
    missing = {
        refund.payment_id for refund in our_refunds if refund.state in SENT and refund.gateway_refund_id not in listed
    }
    further = list(reports)
    for count, number in enumerate(_find_numbers(by_number, missing.union(broken)), start=1):
        progress("payments asked for refunds", count)
        further += _list_refunds_of(number)
    return _read_last(further)


def _ask_for_disputes(
    reports: Sequence[DisputeReport],
    our_disputes: Iterable[Dispute],
    by_number: dict[int, PaymentLog],
    broken: Collection[UUID],
    progress: Progress,
) -> list[DisputeReport]:
    """Ask for all disputes of a payment of which the period's list leaves one out."""
    listed = {report.dispute_id for report in reports}
    missing = {dispute.payment_id for dispute in our_disputes if dispute.gateway_dispute_id not in listed}
    further = list(reports)
    for count, number in enumerate(_find_numbers(by_number, missing.union(broken)), start=1):
        progress("payments asked for disputes", count)
        further += _list_disputes_of(number)
    return _read_last(further)


def _find_numbers(by_number: dict[int, PaymentLog], wanted: Collection[UUID]) -> list[int]:
    return [number for number, payment in by_number.items() if payment.pk in wanted]


def _list_refunds_of(number: int) -> list[RefundReport]:
    return _read_pages(
        lambda page: paystack_refunds.list_refunds(transaction_id=number, page=page).reports,
        lambda _count: None,
        size=paystack_refunds.PAGE_SIZE,
    )


def _list_disputes_of(number: int) -> list[DisputeReport]:
    return _read_pages(
        lambda page: paystack_disputes.list_disputes(transaction_id=number, page=page).reports,
        lambda _count: None,
        size=paystack_disputes.PAGE_SIZE,
    )


def _find_lost(payments: dict[str, PaymentLog], reports: Iterable[DisputeReport]) -> set[UUID]:
    said = {report.reference for report in reports if state_of(report) == DisputeState.LOST}
    known = Dispute.objects.filter(state=DisputeState.LOST, payment__in=[payment.pk for payment in payments.values()])
    return {payments[reference].pk for reference in said & payments.keys()}.union(
        known.values_list("payment_id", flat=True)
    )
