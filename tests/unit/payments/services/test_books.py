"""How the two books are read: by indexes, and stopped between any two questions."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devtools.sandbox.clock import to_text
from payments.models import PaymentLog, ReconciliationBreak
from payments.services import refund_submission
from payments.services.books import read_books
from tests.factories.payments import CAUSE
from tests.factories.refunds import ReconciliationBreakFactory
from tests.unit.payments.services.gateway_ledger import change_dispute, change_refund, change_transaction
from tests.unit.payments.services.good_books import Bookkeeper

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TABLES = {"payment_logs", "refunds", "disputes"}


class StopHereError(Exception):
    """What a command raises that was asked to stop."""


@pytest.fixture
def books(sandbox):
    return Bookkeeper(sandbox)


@pytest.fixture
def moved(books):
    """A payment, its refund and its dispute, all of which the gateway has on another day."""
    payment = books.buy_and_pay()
    refund = refund_submission.submit_refund(
        refund_id=books.request_refund(payment, "2").pk, cause=CAUSE, now=timezone.now()
    )
    dispute = books.open_dispute(payment)
    before = to_text(timezone.now() - 2 * DAY)
    change_transaction(books.sandbox, payment.reference, created_at=before)
    change_refund(books.sandbox, refund.gateway_refund_id, created_at=before)
    change_dispute(books.sandbox, dispute.gateway_dispute_id, created_at=before)
    return payment


def read(*, progress=lambda _what, _count: None, **options):
    now = timezone.now()
    return read_books(since=now - HOUR, until=now, now=now, progress=progress, **options)


def test_read_books_never_looks_at_a_whole_table(books, moved):
    books.supersede(books.buy())
    listed = books.buy_and_pay()
    books.sandbox.request_refund(listed.reference, amount_minor=100, currency=None)
    books.open_dispute(listed)
    ReconciliationBreakFactory(payment=moved)

    with CaptureQueriesContext(
        connection,
    ) as captured:
        read()

    reading = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; SET LOCAL enable_seqscan = off")
        plans = [explain(cursor, statement) for statement in reading]
        cursor.execute("ROLLBACK")
    assert len(plans) > 10
    assert [plan for plan in plans if any(f"Seq Scan on {table}" in plan for table in TABLES)] == []


def explain(cursor, statement):
    cursor.execute(f"EXPLAIN {statement}")
    return "\n".join(row[0] for row in cursor.fetchall())


def test_read_books_tells_of_every_question_about_a_single_payment(moved):
    told = []

    read(progress=lambda what, count: told.append((what, count)))

    assert told == [
        ("transactions", 0),
        ("refunds", 0),
        ("disputes", 0),
        ("payments asked about", 1),
        ("payments asked for refunds", 1),
        ("payments asked for disputes", 1),
    ]


@pytest.mark.parametrize(
    "step",
    [
        "transactions",
        "refunds",
        "disputes",
        "payments asked about",
        "payments asked for refunds",
        "payments asked for disputes",
    ],
)
def test_read_books_can_be_stopped_before_any_question(moved, step):
    def stop(what, _count):
        if what == step:
            raise StopHereError

    with pytest.raises(StopHereError):
        read(progress=stop)


def test_read_books_reads_what_is_open_about_other_days_only_if_asked_to(books):
    old = books.buy_and_pay()
    ReconciliationBreakFactory(payment=old)
    now = timezone.now()
    tomorrow = {"since": now, "until": now + HOUR, "now": now, "progress": lambda _what, _count: None}

    with_open, without = read_books(**tomorrow), read_books(**tomorrow, with_open=False)

    assert (set(with_open.payments), set(without.payments)) == ({old.reference}, set())


def test_read_books_asks_about_a_break_of_a_payment_that_the_period_names_whether_asked_to_or_not(books, moved):
    ReconciliationBreakFactory(payment=moved)

    found = read(with_open=False)

    assert (len(found.transactions), len(found.refunds), len(found.disputes)) == (1, 1, 1)
    assert ReconciliationBreak.objects.get().payment_id == moved.pk


def test_read_books_finds_a_payment_whose_row_was_written_a_while_after_the_moment_that_it_bears(books):
    payment = books.buy_and_pay()

    found = read_books(
        since=payment.created_at,
        until=payment.created_at + timedelta(microseconds=1),
        now=timezone.now(),
        progress=lambda _what, _count: None,
    )

    assert list(found.payments) == [payment.reference]
    assert PaymentLog.objects.count() == 1
