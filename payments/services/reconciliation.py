"""Reconciling: the gateway's books against ours, each difference kept until it is repaired, gone or dismissed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from namaskah.errors import DomainError
from namaskah.rehearsals import rehearse
from payments.lifecycles import BreakKind, BreakState, TransitionSource
from payments.models import Cause, ReconciliationBreak
from payments.services import comparison, gateway_calls, refund_reports, verification
from payments.services.books import Books, Progress, read_books
from payments.services.comparison import Difference

logger = structlog.get_logger(__name__)

CAUSE: Final = Cause(source=TransitionSource.COMMAND)
# What the gateway's own evidence can put right; anything else needs a person.
_REPAIRABLE: Final = (BreakKind.STATE, BreakKind.MISSING_HERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What one run found: how much was compared, the differences, and which of them it repaired."""

    transactions: int
    payments: int
    refunds: int
    open: list[Difference]
    repaired: list[Difference]


def reconcile(
    *, since: datetime, until: datetime, fix: bool, now: datetime, progress: Progress = lambda _what, _count: None
) -> Reconciliation:
    """Compare the period, write down the differences, and with `fix` repair what evidence can repair.

    Repairing means crediting what verify says was paid, and booking refunds that the gateway has; an amount, a
    currency, a duplicate or a payment that only one side knows is never touched.

    :raises GatewayUnavailableError: if the gateway's books cannot be read; nothing is written then.
    """
    books = read_books(since=since, until=until, now=now, progress=progress)
    found = find_differences(books)
    tried = _repair_each(found, now=now, progress=progress) if fix else []
    if tried:
        books = read_books(since=since, until=until, now=now, progress=progress)
        found = find_differences(books)
    still = {_name(difference) for difference in found}
    repaired = [difference for difference in tried if _name(difference) not in still]
    _write_down(found, repaired, books, now=now)
    return Reconciliation(
        transactions=len(books.transactions),
        payments=len(books.payments),
        refunds=len(books.refunds),
        open=found,
        repaired=repaired,
    )


def rehearse_reconciliation(
    *, since: datetime, until: datetime, now: datetime, progress: Progress = lambda _what, _count: None
) -> Reconciliation:
    """Tell what `reconcile` would find, and write nothing down.

    :raises GatewayUnavailableError: if the gateway's books cannot be read.
    """
    with rehearse(), gateway_calls.reads_only():
        return reconcile(since=since, until=until, fix=False, now=now, progress=progress)


def find_differences(books: Books) -> list[Difference]:
    """Return what the two sides say differently, but for what a person has looked at and let be."""
    of_refunds = list(comparison.compare_refunds(books.refunds, books.our_refunds, books.by_number))
    explained = {difference.payment_id for difference in of_refunds if difference.payment_id} | set(books.lost)
    of_payments = comparison.compare_payments(books.transactions, books.payments, explained=explained)
    return _leave_out_dismissed([*of_payments, *of_refunds])


def _leave_out_dismissed(found: Sequence[Difference]) -> list[Difference]:
    dismissed = ReconciliationBreak.objects.filter(
        state=BreakState.DISMISSED, subject__in={difference.subject for difference in found}
    )
    let_be = set(dismissed.values_list("kind", "subject", "ours", "theirs"))
    return [
        difference
        for difference in found
        if (difference.kind, difference.subject, difference.ours, difference.theirs) not in let_be
    ]


def _repair_each(found: Sequence[Difference], *, now: datetime, progress: Progress) -> list[Difference]:
    """Return the differences that something could be done about; `progress` may raise in between to stop."""
    tried = []
    for count, difference in enumerate(found, start=1):
        progress("differences looked at", count)
        if _repair(difference, now=now):
            tried.append(difference)
    return tried


def _repair(difference: Difference, *, now: datetime) -> bool:
    """Act on what the gateway says of the payment; return whether that may have helped."""
    if difference.kind not in _REPAIRABLE or difference.payment_id is None:
        return False
    try:
        # First the refunds: a payment that went back before anybody heard of it is credited and refunded.
        refund_reports.sync_refunds(payment_id=difference.payment_id, cause=CAUSE, now=now)
        verification.verify_as_operator(payment_id=difference.payment_id, cause=CAUSE, now=now, is_rehearsal=False)
    except DomainError as error:
        logger.warning("break_not_repaired", kind=difference.kind, subject=difference.subject, error=error.detail)
        return False
    return True


def _name(difference: Difference | ReconciliationBreak) -> tuple[str, str]:
    """Return what a difference and the row that keeps it have in common."""
    return str(difference.kind), difference.subject


@transaction.atomic(durable=True)
def _write_down(found: Iterable[Difference], repaired: Iterable[Difference], books: Books, *, now: datetime) -> None:
    """Keep what was found open, and close what is no longer found."""
    seen = set()
    for difference in found:
        kept, _ = ReconciliationBreak.objects.update_or_create(
            kind=difference.kind,
            subject=difference.subject,
            state=BreakState.OPEN,
            defaults={"ours": difference.ours, "theirs": difference.theirs, "last_seen_at": now},
            create_defaults={
                "payment_id": difference.payment_id,
                "ours": difference.ours,
                "theirs": difference.theirs,
                "first_seen_at": now,
                "last_seen_at": now,
            },
        )
        seen.add(kept.pk)
    mended = {_name(difference) for difference in repaired}
    looked_at = {payment.pk for payment in books.payments.values()}
    for kept in ReconciliationBreak.objects.filter(state=BreakState.OPEN).exclude(pk__in=seen):
        # A break about what this run has not read stays as it is.
        if kept.payment_id in looked_at or kept.subject in books.payments:
            kept.state = BreakState.REPAIRED if _name(kept) in mended else BreakState.GONE
            kept.closed_at = now
            kept.save(update_fields=["state", "closed_at"])
    _record_repairs(repaired, now=now)


def _record_repairs(repaired: Iterable[Difference], *, now: datetime) -> None:
    """Keep what this run found and repaired at once, unless an earlier run had found it."""
    for difference in repaired:
        is_kept = ReconciliationBreak.objects.filter(
            kind=difference.kind, subject=difference.subject, state=BreakState.REPAIRED, closed_at=now
        ).exists()
        if not is_kept:
            ReconciliationBreak.objects.create(
                kind=difference.kind,
                subject=difference.subject,
                payment_id=difference.payment_id,
                ours=difference.ours,
                theirs=difference.theirs,
                state=BreakState.REPAIRED,
                first_seen_at=now,
                last_seen_at=now,
                closed_at=now,
            )
