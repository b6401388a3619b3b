"""Disputes of which the gateway knows and we do not, or not how they ended."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from devtools.sandbox.clock import to_text
from payments.models import Dispute, ReconciliationBreak
from payments.services import invariants, reconciliation
from tests.factories.snapshots import take_snapshot
from tests.unit.payments.services.disputing import entries, wallet
from tests.unit.payments.services.gateway_ledger import change_dispute, pay_unknown
from tests.unit.payments.services.good_books import Bookkeeper

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def books(sandbox):
    return Bookkeeper(sandbox)


@pytest.fixture
def payment(books):
    return books.buy_and_pay()


def open_untold(books, payment):
    """Have the payer's bank claim it back, and nobody say so; return the gateway's number."""
    return books.sandbox.open_dispute(payment.reference, deliveries=0)["dispute"]["id"]


def resolve_untold(books, number, resolution):
    books.sandbox.resolve_dispute(number, resolution, deliveries=0)


def reconcile(*, fix=False, since=None, until=None, **options):
    now = timezone.now()
    return reconciliation.reconcile(since=since or now - HOUR, until=until or now, fix=fix, now=now, **options)


def told(differences):
    return [(str(one.kind), one.subject, one.ours, one.theirs) for one in differences]


def states():
    return list(Dispute.objects.order_by("pk").values_list("state", flat=True))


def test_reconcile_finds_a_dispute_that_nobody_told_us_of_and_fix_holds_the_credits(books, payment):
    number = open_untold(books, payment)

    found = reconcile()
    fixed = reconcile(fix=True)

    missing = ("missing_here", f"dispute {number}", "no dispute", "awaiting-merchant-feedback 4125000 NGN")
    assert (told(found.open), found.disputes) == ([missing], 1)
    assert (told(fixed.open), told(fixed.repaired)) == ([], [missing])
    assert (states(), wallet(payment.user)) == (["open"], (Decimal(25), Decimal(25)))
    assert ReconciliationBreak.objects.get().state == "repaired"


@pytest.mark.parametrize(
    ("resolution", "state", "left"), [("merchant-accepted", "lost", 0), ("declined", "won", 25), ("odd", "review", 25)]
)
def test_reconcile_finds_an_end_that_nobody_told_us_of_and_fix_follows_it(books, payment, resolution, state, left):
    number = books.open_dispute(payment).gateway_dispute_id
    resolve_untold(books, number, resolution)

    found = reconcile()
    fixed = reconcile(fix=True)

    assert told(found.open) == [("state", f"dispute {number}", "open", f"resolved {resolution} 4125000 NGN")]
    assert (told(fixed.open), told(fixed.repaired)) == ([], told(found.open))
    assert (states(), wallet(payment.user)[0]) == ([state], Decimal(left))
    assert reconcile().open == []


@pytest.mark.parametrize("resolution", ["merchant-accepted", "declined", "odd"])
def test_reconcile_finds_nothing_about_disputes_that_both_sides_know(books, payment, resolution):
    books.open_dispute(payment)
    books.resolve(books.open_dispute(books.buy_and_pay()), resolution)

    assert reconcile().open == []


def test_reconcile_fix_credits_and_takes_what_came_and_went_before_anybody_said_so(books):
    payment = books.buy("processing")
    books.sandbox.pay(payment.reference, deliveries=0)
    number = open_untold(books, payment)
    resolve_untold(books, number, "auto-accepted")

    found = reconcile(fix=True)

    payment.refresh_from_db()
    assert (payment.state, payment.review_reason, found.open) == ("completed", "", [])
    assert {subject for _, subject, *_ in told(found.repaired)} == {payment.reference, f"dispute {number}"}
    assert entries(payment.user) == [("credit", Decimal(25)), ("refund", Decimal(-25))]
    assert invariants.check_invariants() == []


def test_reconcile_finds_a_dispute_that_the_gateway_no_longer_knows_and_touches_nothing(books, payment):
    number = books.open_dispute(payment).gateway_dispute_id
    with books.sandbox.database.work() as ledger:
        ledger.execute("DELETE FROM disputes")
    before = take_snapshot(without={"gateway_calls", "reconciliation_breaks"})

    found = reconcile(fix=True)

    assert told(found.open) == [("missing_there", f"dispute {number}", "open", "no dispute")]
    assert take_snapshot(without={"gateway_calls", "reconciliation_breaks"}) == before


def test_reconcile_finds_nothing_where_the_two_sides_put_one_dispute_on_two_days(books, payment):
    dispute = books.open_dispute(payment)
    until = timezone.now()
    change_dispute(books.sandbox, dispute.gateway_dispute_id, created_at=to_text(until - 2 * HOUR))

    theirs = reconcile(since=until - 3 * HOUR, until=until - HOUR)
    ours = reconcile(since=dispute.created_at, until=until)

    assert (theirs.open, theirs.disputes, theirs.payments) == ([], 1, 1)
    assert (ours.open, ours.disputes, ours.payments) == ([], 1, 1)


def test_reconcile_looks_again_at_a_dispute_that_is_open_as_a_break_however_old_it_is(books, payment):
    number = open_untold(books, payment)
    change_dispute(books.sandbox, number, created_at=to_text(timezone.now() - 2 * DAY))
    old = {"since": timezone.now() - 3 * DAY, "until": timezone.now() - DAY}

    first, still = reconcile(**old), reconcile()
    fixed = reconcile(fix=True)

    assert told(first.open) == told(still.open) == told(fixed.repaired)
    assert [one.first_seen_at for one in still.open] == [one.first_seen_at for one in first.open]
    assert (fixed.open, states()) == ([], ["open"])


def test_reconcile_leaves_alone_the_dispute_of_another_product(books):
    reference = pay_unknown(books.sandbox, "another-products-order")
    books.sandbox.open_dispute(reference, deliveries=0)

    found = reconcile(fix=True)

    assert (found.open, found.disputes, states()) == ([], 1, [])


def test_reconcile_fix_goes_on_after_a_dispute_that_it_cannot_ask_about(books, payment):
    other = books.buy_and_pay()
    numbers = [open_untold(books, payment), open_untold(books, other)]
    books.sandbox.script(operation="fetch_dispute", fault="http_500", reference=payment.reference, times=None)

    found = reconcile(fix=True)

    assert [one.subject for one in found.open] == [f"dispute {numbers[0]}"]
    assert [one.subject for one in found.repaired] == [f"dispute {numbers[1]}"]


def test_reconcile_reads_every_page_of_disputes(books, payment):
    numbers = [open_untold(books, payment) for _ in range(101)]

    found = reconcile()

    assert [one.subject for one in found.open] == [f"dispute {number}" for number in numbers]
