"""Repairs that the database refuses or that somebody stands in the way of, and a dismissal at the same moment."""

from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from payments.models import ReconciliationBreak
from payments.services import breaks, reconciliation
from tests.integration import actors
from tests.unit.payments.services.gateway_ledger import change_transaction
from tests.unit.payments.services.good_books import Bookkeeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(sandbox):
    return Bookkeeper(sandbox)


@pytest.fixture
def unannounced(books):
    return pay_unannounced(books)


def pay_unannounced(books):
    """A payment that was paid, and nobody said so."""
    payment = books.buy("processing")
    books.sandbox.pay(payment.reference)
    return payment


def reconcile(*, fix=False):
    now = timezone.now()
    return reconciliation.reconcile(since=now - timedelta(hours=1), until=now, fix=fix, now=now)


def names(differences):
    return [(str(difference.kind), difference.subject) for difference in differences]


def kept_breaks():
    return list(ReconciliationBreak.objects.order_by("pk").values_list("kind", "subject", "state"))


def test_reconcile_fix_goes_on_after_a_payment_that_somebody_holds(books, unannounced):
    other = pay_unannounced(books)

    with held_elsewhere(unannounced), lock_timeout("200ms"):
        found = reconcile(fix=True)

    assert names(found.repaired) == [("state", other.reference)]
    assert names(found.open) == [("state", unannounced.reference)]
    assert kept_breaks() == [("state", unannounced.reference, "open"), ("state", other.reference, "repaired")]


def test_reconcile_fix_goes_on_after_a_payment_that_the_database_refuses_to_repair(books, unannounced):
    elsewhere, _ = books.sandbox.request_refund(unannounced.reference, amount_minor=100, currency=None)
    other = pay_unannounced(books)

    with refused("refunds", "payment_id", unannounced.pk):
        found = reconcile(fix=True)

    assert names(found.repaired) == [("state", other.reference)]
    assert set(names(found.open)) == {
        ("state", unannounced.reference),
        ("missing_here", f"refund {elsewhere.id}"),
    }


def test_reconcile_and_a_dismissal_at_once_leave_a_break_that_both_agree_on(books):
    payment = books.buy_and_pay()
    change_transaction(books.sandbox, payment.reference, status="failed")
    reconcile()
    change_transaction(books.sandbox, payment.reference, status="success")
    kept, pause = ReconciliationBreak.objects.get(), actors.Pause('UPDATE "reconciliation_breaks"')
    dismissal = partial(breaks.dismiss_break, break_id=kept.pk, by=books.staff, reason="Agreed", now=timezone.now())

    running = actors.start(pause.of(reconcile))
    pause.wait_until_reached()
    dismissing = actors.start(dismissal)
    actors.wait_until_blocked()
    pause.go_on()

    assert running.result(actors.PATIENCE_SECONDS).open == []
    assert isinstance(dismissing.exception(actors.PATIENCE_SECONDS), breaks.BreakNotOpenError)
    assert kept_breaks() == [("state", payment.reference, "gone")]


@contextmanager
def refused(table, column, value):
    """Have the database refuse every new row of a table that has this value."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT planted CHECK ({column} <> %s) NOT VALID", [value])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT planted")


@contextmanager
def held_elsewhere(payment):
    """Have another session hold the payment's row, as all work on it does."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM payment_logs WHERE id = %s FOR NO KEY UPDATE", [payment.pk])
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def lock_timeout(wait):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [wait])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
