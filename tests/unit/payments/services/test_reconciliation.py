"""Reading both books whole, whatever happens meanwhile, and keeping what was found."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from billing.models import Transaction
from devtools.sandbox.clock import to_text
from devtools.sandbox.identifiers import make_code
from devtools.sandbox.ledger import payments, tables
from namaskah.errors import GatewayUnavailableError
from namaskah.identifiers import PAYMENT_PREFIX, new_reference
from payments.models import ReconciliationBreak
from payments.services import breaks, disputes, janitor, reconciliation, refund_reports, refund_submission
from tests.factories.payments import CAUSE
from tests.factories.snapshots import take_snapshot
from tests.unit.payments.services.gateway_ledger import (
    change_refund,
    change_transaction,
    forget_transaction,
    pay_unknown,
)
from tests.unit.payments.services.good_books import Bookkeeper

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def books(sandbox):
    return Bookkeeper(sandbox)


@pytest.fixture
def unannounced(books):
    """A payment that was paid, and nobody said so."""
    payment = books.buy("processing")
    books.sandbox.pay(payment.reference)
    return payment


def reconcile(*, fix=False, since=None, until=None, **options):
    now = timezone.now()
    return reconciliation.reconcile(since=since or now - HOUR, until=until or now, fix=fix, now=now, **options)


def names(differences):
    return [(str(difference.kind), difference.subject) for difference in differences]


def kept_breaks():
    return list(ReconciliationBreak.objects.order_by("pk").values_list("kind", "subject", "state"))


def pay_many(sandbox, count, *, begun_at=None):
    """Have as many transactions paid under references that no payment has; return the references."""
    first = pay_unknown(sandbox)
    references = [first]
    with sandbox.database.work() as ledger:
        paid = payments.find_by_reference(ledger, first)
        for _ in range(count - 1):
            references.append(new_reference(PAYMENT_PREFIX))
            number = tables.transactions.next_id(ledger)
            row = replace(paid, id=number, reference=references[-1], access_code=make_code())
            tables.transactions.write(ledger, row)
    return references


def shift(sandbox, payment, moment):
    """Have the payment's transaction begun at another moment."""
    change_transaction(sandbox, payment.reference, created_at=to_text(moment))


def test_reconcile_reads_every_page_of_transactions(books):
    references = pay_many(books.sandbox, 201)
    read = []

    found = reconcile(progress=lambda what, count: read.append((what, count)))

    assert names(found.open) == [("missing_here", reference) for reference in sorted(references)]
    assert (found.transactions, found.payments, found.refunds) == (201, 0, 0)
    assert read == [
        ("transactions", 100),
        ("transactions", 200),
        ("transactions", 201),
        ("refunds", 0),
        ("disputes", 0),
    ]


def test_reconcile_reads_a_page_that_is_just_full_and_the_empty_one_after_it(books):
    references = pay_many(books.sandbox, 100)

    assert len(reconcile().open) == len(references)


def test_reconcile_reads_every_page_of_refunds(books):
    payment = books.buy_and_pay()
    numbers = [books.sandbox.request_refund(payment.reference, amount_minor=1, currency=None)[0].id for _ in range(101)]

    assert names(reconcile().open) == [("missing_here", f"refund {number}") for number in numbers]


def test_reconcile_takes_a_row_that_moved_to_the_next_page_for_one(books):
    references = pay_many(books.sandbox, 150)

    def let_one_come(what, count):
        if (what, count) == ("transactions", 100):
            pay_unknown(books.sandbox)

    found = reconcile(until=timezone.now() + HOUR, progress=let_one_come)

    assert names(found.open) == [("missing_here", reference) for reference in sorted(references)]
    assert found.transactions == 150


def test_reconcile_finds_nothing_about_a_payment_that_is_paid_while_it_reads(books):
    payment = books.buy("processing")

    def be_paid(what, _count):
        if what == "transactions":
            books.sandbox.pay(payment.reference)
            janitor.check_payment(payment_id=payment.pk, now=timezone.now())

    assert reconcile(progress=be_paid).open == []


def test_reconcile_finds_nothing_where_the_two_sides_put_one_purchase_on_two_days(books):
    until = timezone.now()
    begun_before, begun_after = books.buy_and_pay(), books.buy_and_pay()
    shift(books.sandbox, begun_before, until - 2 * HOUR)
    shift(books.sandbox, begun_after, until + HOUR)
    refund = refund_submission.submit_refund(
        refund_id=books.request_refund(begun_after, "2").pk, cause=CAUSE, now=timezone.now()
    )
    change_refund(books.sandbox, refund.gateway_refund_id, created_at=to_text(until + 2 * HOUR))

    theirs_first = reconcile(since=until - 3 * HOUR, until=until)
    ours_only = reconcile(since=until - HOUR, until=timezone.now())
    theirs_last = reconcile(since=until + HOUR / 2, until=until + 3 * HOUR)

    assert (theirs_first.open, ours_only.open, theirs_last.open) == ([], [], [])
    assert (theirs_first.payments, ours_only.payments, theirs_last.payments) == (1, 2, 1)


def test_reconcile_counts_the_first_moment_of_a_period_and_leaves_out_what_lies_outside(books):
    since = timezone.now().replace(microsecond=0) - DAY
    inside, before, after = (pay_unknown(books.sandbox) for _ in range(3))
    change_transaction(books.sandbox, inside, created_at=to_text(since))
    change_transaction(books.sandbox, before, created_at=to_text(since - timedelta(milliseconds=1)))
    change_transaction(books.sandbox, after, created_at=to_text(since + HOUR + timedelta(milliseconds=1)))

    assert names(reconcile(since=since, until=since + HOUR).open) == [("missing_here", inside)]


def test_reconcile_finds_the_second_of_two_paid_attempts_that_lie_on_two_days(books):
    first = books.buy()
    second = books.supersede(first)
    for payment in (first, second):
        books.sandbox.pay(payment.reference)
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())

    found = reconcile(since=second.created_at)

    assert names(found.open) == [("duplicate", second.reference)]


def test_reconcile_finds_nothing_once_the_second_payment_of_a_purchase_went_back(books):
    first = books.buy()
    second = books.supersede(first)
    for payment in (first, second):
        books.sandbox.pay(payment.reference)
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())
    books.submit(books.request_refund(second, None), "processed")

    assert reconcile().open == []


def test_reconcile_finds_nothing_about_a_payment_that_a_lost_dispute_took(books):
    books.resolve(books.open_dispute(books.buy_and_pay()), "merchant-accepted")

    assert reconcile().open == []


def test_reconcile_finds_a_payment_whose_money_is_gone_and_whose_credits_are_not(books):
    payment = books.buy_and_pay()
    number = books.sandbox.open_dispute(payment.reference)["dispute"]["id"]
    books.sandbox.resolve_dispute(number, "merchant-accepted")

    assert names(reconcile().open) == [("missing_here", f"dispute {number}")]
    disputes.sync_dispute(gateway_dispute_id=number, cause=CAUSE, now=timezone.now())
    assert reconcile().open == []
    assert kept_breaks() == [("missing_here", f"dispute {number}", "gone")]


def test_reconcile_fix_credits_and_refunds_what_came_and_went_before_anybody_said_so(books, unannounced):
    refund, _ = books.sandbox.request_refund(unannounced.reference, amount_minor=None, currency=None)
    books.sandbox.move_refund(refund.id, "processed")

    found = reconcile(fix=True)

    unannounced.refresh_from_db()
    assert (unannounced.state, found.open) == ("refunded", [])
    assert set(names(found.repaired)) == {
        ("state", unannounced.reference),
        ("missing_here", f"refund {refund.id}"),
    }
    assert list(Transaction.objects.order_by("sequence").values_list("type", flat=True)) == ["credit", "refund"]


def test_reconcile_fix_goes_on_after_a_payment_that_it_cannot_ask_about(books, unannounced):
    other = books.buy("processing")
    books.sandbox.pay(other.reference)
    books.sandbox.script(operation="verify", fault="http_500", reference=unannounced.reference, times=None)

    found = reconcile(fix=True)

    assert names(found.repaired) == [("state", other.reference)]
    assert names(found.open) == [("state", unannounced.reference)]


def test_reconcile_looks_again_at_what_is_open_however_old_it_is(books, unannounced):
    shift(books.sandbox, unannounced, timezone.now() - 2 * DAY)
    refunded = books.buy_and_pay()
    elsewhere, _ = books.sandbox.request_refund(refunded.reference, amount_minor=100, currency=None)
    change_refund(books.sandbox, elsewhere.id, created_at=to_text(timezone.now() - 2 * DAY))
    old = {"since": timezone.now() - 3 * DAY, "until": timezone.now() - DAY}
    planted = [("state", unannounced.reference), ("missing_here", f"refund {elsewhere.id}")]
    assert names(reconcile(**old).open) == planted

    still_open = reconcile(since=timezone.now())
    books.sandbox.scripts.clear()
    janitor.check_payment(payment_id=unannounced.pk, now=timezone.now())
    refund_reports.sync_refunds(payment_id=refunded.pk, cause=CAUSE, now=timezone.now())
    closed = reconcile(since=timezone.now())

    assert names(still_open.open) == planted
    assert closed.open == []
    assert {state for *_, state in kept_breaks()} == {"gone"}


def test_reconcile_leaves_a_break_open_that_it_has_not_read_about(books):
    nobodys = pay_unknown(books.sandbox)
    reconcile()

    found = reconcile(since=timezone.now() - 3 * DAY, until=timezone.now() - 2 * DAY)

    assert found.open == []
    assert kept_breaks() == [("missing_here", nobodys, "open")]


def test_reconcile_closes_a_break_that_is_gone_and_opens_another_if_it_comes_again(books):
    payment = books.buy_and_pay()
    change_transaction(books.sandbox, payment.reference, status="failed")
    reconcile()

    change_transaction(books.sandbox, payment.reference, status="success")
    reconcile()
    change_transaction(books.sandbox, payment.reference, status="failed")
    reconcile()

    assert kept_breaks() == [("state", payment.reference, "gone"), ("state", payment.reference, "open")]


def test_reconcile_tells_what_the_two_sides_say_now_and_since_when_they_differ(books):
    payment = books.buy_and_pay()
    change_transaction(books.sandbox, payment.reference, amount_minor=1)
    reconcile()
    first = ReconciliationBreak.objects.get()

    change_transaction(books.sandbox, payment.reference, amount_minor=2)
    reconcile()

    again = ReconciliationBreak.objects.get()
    assert (first.ours, first.theirs, first.payment) == ("4125000", "success 1 NGN", payment)
    assert (again.pk, again.theirs, again.first_seen_at) == (first.pk, "success 2 NGN", first.first_seen_at)
    assert again.last_seen_at > first.last_seen_at


def test_reconcile_does_not_bring_up_again_what_a_person_dismissed(books, unannounced):
    change_transaction(books.sandbox, unannounced.reference, amount_minor=1)
    reconcile()
    breaks.dismiss_break(
        break_id=ReconciliationBreak.objects.get().pk, by=books.staff, reason="Agreed", now=timezone.now()
    )

    assert reconcile(fix=True).open == []
    change_transaction(books.sandbox, unannounced.reference, amount_minor=2)
    assert names(reconcile().open) == [("amount", unannounced.reference)]
    assert [state for *_, state in kept_breaks()] == ["dismissed", "open"]


@pytest.mark.parametrize("operation", ["list", "list_refunds", "verify"])
def test_reconcile_writes_nothing_if_the_gateway_does_not_answer(books, unannounced, operation):
    forget_transaction(books.sandbox, books.buy_and_pay().reference)
    books.sandbox.script(operation=operation, fault="http_500", times=None)
    before = take_snapshot(without={"gateway_calls"})

    with pytest.raises(GatewayUnavailableError):
        reconcile(fix=True)

    assert take_snapshot(without={"gateway_calls"}) == before


def test_rehearse_reconciliation_finds_the_same_and_writes_nothing(books, unannounced):
    forget_transaction(books.sandbox, books.buy_and_pay().reference)
    before, now = take_snapshot(), timezone.now()

    rehearsed = reconciliation.rehearse_reconciliation(since=now - HOUR, until=now, now=now)

    assert take_snapshot() == before
    real = reconcile(until=now)
    assert names(rehearsed.open) == names(real.open)
    assert (len(rehearsed.open), rehearsed.transactions, rehearsed.payments) == (2, real.transactions, real.payments)
    assert {difference.break_id for difference in rehearsed.open} == {None}


def test_reconcile_twice_at_once_repairs_and_keeps_everything_once(books, unannounced):
    change_transaction(books.sandbox, books.buy_and_pay().reference, amount_minor=1)
    at_once = Barrier(2)

    def run():
        now = timezone.now()
        try:
            return reconciliation.reconcile(
                since=now - HOUR, until=now, fix=True, now=now, progress=lambda *_: at_once.wait(timeout=20)
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        futures = [pool.submit(run) for _ in range(2)]
    found = [future.result() for future in futures]

    assert [names(run.open) for run in found] == [names(found[0].open)] * 2
    assert Transaction.objects.filter(payment_log=unannounced).count() == 1
    assert ReconciliationBreak.objects.filter(state="open").count() == 1


def test_reconcile_asks_for_a_refund_that_the_gateway_put_on_another_day_than_its_payment(books):
    payment = books.buy_and_pay()
    refund = refund_submission.submit_refund(
        refund_id=books.request_refund(payment, "2").pk, cause=CAUSE, now=timezone.now()
    )
    change_refund(books.sandbox, refund.gateway_refund_id, created_at=to_text(timezone.now() + DAY))

    found = reconcile(since=refund.created_at)

    assert (found.payments, found.refunds, found.open) == (1, 1, [])


def test_reconcile_knows_a_refund_of_the_day_before_whose_answer_was_lost(books):
    lost = books.lose_answer(books.request_refund(books.buy_and_pay(), "2"))
    number = books.sandbox.ledger()["refunds"][0]["id"]
    midnight = timezone.now()
    change_refund(books.sandbox, number, created_at=to_text(midnight + timedelta(milliseconds=1)))

    found = reconcile(since=midnight, until=midnight + HOUR)

    assert [(difference.ours, difference.theirs) for difference in found.open] == [("unknown", "pending 330000 NGN")]
    assert names(found.open) == [("state", f"refund {number}")]
    assert lost.gateway_refund_id is None


def test_reconcile_finds_one_difference_where_all_went_back_elsewhere(books):
    payment = books.buy_and_pay()
    refund, _ = books.sandbox.request_refund(payment.reference, amount_minor=None, currency=None)
    books.sandbox.move_refund(refund.id, "processed")

    assert names(reconcile().open) == [("missing_here", f"refund {refund.id}")]
