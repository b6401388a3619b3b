"""Reconciling: the gateway's books against ours, each difference kept until it is repaired, gone or dismissed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from django.db import IntegrityError, OperationalError, transaction
from psycopg2.errors import LockNotAvailable

from namaskah.errors import DomainError
from namaskah.rehearsals import rehearse
from payments.lifecycles import BreakKind, BreakState, TransitionSource
from payments.models import Cause, ReconciliationBreak
from payments.services import comparison, disputes, gateway_calls, refund_reports, verification
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
    disputes: int
    open: list[Difference]
    repaired: list[Difference]


def reconcile(
    *,
    since: datetime,
    until: datetime,
    fix: bool,
    now: datetime,
    cause: Cause = CAUSE,
    progress: Progress = lambda _what, _count: None,
    with_open: bool = True,
) -> Reconciliation:
    """Compare the period, write down the differences, and with `fix` repair what evidence can repair.

    Repairing means crediting what verify says was paid, booking refunds that the gateway has and following its
    disputes; an amount, a currency, a duplicate or a payment that only one side knows is never touched. What is
    open about payments of other periods is looked at again, unless `with_open` is off.

    :raises GatewayUnavailableError: if the gateway's books cannot be read; nothing is written then.
    """
    books = read_books(since=since, until=until, now=now, progress=progress, with_open=with_open)
    found = find_differences(books)
    tried = _repair_each(found, books, cause=cause, now=now, progress=progress) if fix else []
    if tried:
        books = read_books(since=since, until=until, now=now, progress=progress, with_open=with_open)
        found = find_differences(books)
    still = {_name(difference) for difference in found}
    repaired = [difference for difference in tried if _name(difference) not in still]
    _write_down(found, repaired, books, now=now)
    return Reconciliation(
        transactions=len(books.transactions),
        payments=len(books.payments),
        refunds=len(books.refunds),
        disputes=len(books.disputes),
        open=_find_kept(found),
        repaired=repaired,
    )


def rehearse_reconciliation(
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    progress: Progress = lambda _what, _count: None,
    with_open: bool = True,
) -> Reconciliation:
    """Tell what `reconcile` would find, and write nothing down.

    :raises GatewayUnavailableError: if the gateway's books cannot be read.
    """
    with rehearse(), gateway_calls.reads_only():
        found = reconcile(since=since, until=until, fix=False, now=now, progress=progress, with_open=with_open)
    # What was kept for the length of the rehearsal has an id that nobody can use.
    return replace(found, open=_find_kept(found.open))


def find_differences(books: Books) -> list[Difference]:
    """Return what the two sides say differently, but for what a person has looked at and let be."""
    of_refunds = list(comparison.compare_refunds(books.refunds, books.our_refunds, books.by_number))
    explained = {difference.payment_id for difference in of_refunds if difference.payment_id} | set(books.lost)
    of_payments = comparison.compare_payments(books.transactions, books.payments, explained=explained)
    of_disputes = comparison.compare_disputes(books.disputes, books.our_disputes, books.payments)
    return _leave_out_dismissed([*of_payments, *of_refunds, *of_disputes])


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


def is_repairable(difference: Difference | ReconciliationBreak) -> bool:
    """Whether a run with `fix` tries to repair it by what the gateway says."""
    return difference.kind in _REPAIRABLE and difference.payment_id is not None


def _repair_each(
    found: Sequence[Difference], books: Books, *, cause: Cause, now: datetime, progress: Progress
) -> list[Difference]:
    """Return the differences that something could be done about; `progress` may raise in between to stop."""
    numbers = {comparison.subject_of_dispute(report.dispute_id): report.dispute_id for report in books.disputes}
    tried = []
    for count, difference in enumerate(found, start=1):
        progress("differences looked at", count)
        if _repair(difference, numbers.get(difference.subject), cause=cause, now=now):
            tried.append(difference)
    return tried


def _repair(difference: Difference, gateway_dispute_id: int | None, *, cause: Cause, now: datetime) -> bool:
    """Act on what the gateway says; return whether that may have helped. One that fails holds up no other."""
    if difference.payment_id is None or not is_repairable(difference):
        return False
    try:
        if gateway_dispute_id is not None:
            disputes.sync_dispute(gateway_dispute_id=gateway_dispute_id, cause=cause, now=now)
        else:
            # First the refunds: a payment that went back before anybody heard of it is credited and refunded.
            refund_reports.sync_refunds(payment_id=difference.payment_id, cause=cause, now=now)
            verification.verify_as_operator(payment_id=difference.payment_id, cause=cause, now=now, is_rehearsal=False)
    except (DomainError, IntegrityError) as error:
        reason = error.detail if isinstance(error, DomainError) else str(error)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        reason = str(error)
    else:
        return True
    logger.warning("break_not_repaired", kind=difference.kind, subject=difference.subject, error=reason)
    return False


def _find_kept(found: Sequence[Difference]) -> list[Difference]:
    """Give each difference the break that keeps it, if one does."""
    subjects = {difference.subject for difference in found}
    rows = ReconciliationBreak.objects.filter(state=BreakState.OPEN, subject__in=subjects)
    kept = {(row.kind, row.subject): (row.pk, row.first_seen_at) for row in rows}
    named = []
    for difference in found:
        break_id, first_seen_at = kept.get(_name(difference), (None, None))
        named.append(replace(difference, break_id=break_id, first_seen_at=first_seen_at))
    return named


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
    # Locked, so that what a person dismisses at this moment stays dismissed.
    unseen = ReconciliationBreak.objects.select_for_update(no_key=True).filter(state=BreakState.OPEN)
    for kept in unseen.exclude(pk__in=seen):
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
