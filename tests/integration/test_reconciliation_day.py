"""A day on which the gateway's books and ours differ in every way there is."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Transaction
from billing.selectors.wallets import get_balance
from devtools.sandbox import server
from payments.gateways.paystack import refunds as paystack_refunds
from payments.models import PaymentLog, ReconciliationBreak, Refund
from payments.services import invariants, janitor, reconciliation, refund_submission
from tests.events import SECRET_KEY
from tests.factories.payments import CAUSE
from tests.factories.snapshots import take_snapshot
from tests.factories.users import UserFactory
from tests.unit.payments.services.gateway_ledger import (
    change_refund,
    change_transaction,
    forget_refund,
    forget_transaction,
    pay_unknown,
    repeat_transaction,
)
from tests.unit.payments.services.good_books import Bookkeeper

pytestmark = pytest.mark.django_db(transaction=True)

MONEY = ("wallets", "sms_transactions", "payment_logs", "refunds", "holds", "receivables")


@pytest.fixture
def books(settings, fresh_process):
    """A gateway of the test's own: reconciling reads all that it has."""
    with server.running(secret_key=SECRET_KEY) as sandbox:
        settings.PAYSTACK_BASE_URL = sandbox.url
        yield Bookkeeper(sandbox)


@dataclass
class OddPayments:
    """Payments that differ: the breaks that are found of them, and those of these that evidence can repair."""

    lasting: set[tuple[str, str]]
    repairable: set[tuple[str, str]]
    unpaid_for: PaymentLog
    expired: PaymentLog
    vanished: PaymentLog


@dataclass
class OddRefunds:
    """Refunds that differ, alike."""

    lasting: set[tuple[str, str]]
    repairable: set[tuple[str, str]]
    dashboard: PaymentLog
    late: Refund
    failed: Refund
    lost: Refund
    forgotten: Refund


@dataclass
class Day:
    """All that was planted: breaks by kind and subject, and those of them that evidence can repair."""

    payments: OddPayments
    refunds: OddRefunds

    @property
    def repairable(self):
        return self.payments.repairable | self.refunds.repairable

    @property
    def planted(self):
        return self.repairable | self.payments.lasting | self.refunds.lasting


@pytest.fixture
def day(books):
    plant_what_agrees(books)
    day = Day(plant_odd_payments(books), plant_odd_refunds(books))
    # Last, because the numbers of what is forgotten are given anew.
    forget_transaction(books.sandbox, day.payments.vanished.reference)
    forget_refund(books.sandbox, day.refunds.forgotten.gateway_refund_id)
    return day


def plant_odd_payments(books):
    sandbox = books.sandbox
    nobodys = pay_unknown(sandbox)
    vanished, amount, currency, unpaid, gone, twice = (books.buy_and_pay() for _ in range(6))
    change_transaction(sandbox, amount.reference, amount_minor=amount.amount_minor - 100)
    change_transaction(sandbox, currency.reference, currency="GHS")
    change_transaction(sandbox, unpaid.reference, status="failed")
    change_transaction(sandbox, gone.reference, status="reversed")
    repeat_transaction(sandbox, twice.reference)
    second = buy_twice(books)
    never_announced, expired, odd = books.buy("processing"), books.buy("failed"), books.buy()
    sandbox.pay(never_announced.reference)
    sandbox.pay(expired.reference)
    sandbox.pay(odd.reference, amount_minor=odd.amount_minor // 2)
    lasting = {
        ("missing_here", nobodys),
        ("missing_there", vanished.reference),
        ("amount", amount.reference),
        ("amount", odd.reference),
        ("currency", currency.reference),
        ("state", unpaid.reference),
        ("state", gone.reference),
        ("duplicate", twice.reference),
        ("duplicate", second.reference),
    }
    repairable = {("state", never_announced.reference), ("state", expired.reference)}
    return OddPayments(lasting, repairable, never_announced, expired, vanished)


def plant_odd_refunds(books):
    sandbox = books.sandbox
    dashboard = books.buy_and_pay(UserFactory())
    elsewhere, _ = sandbox.request_refund(dashboard.reference, amount_minor=330_000, currency=None)
    forgotten, other_amount, other_currency = (send_two_credits(books) for _ in range(3))
    change_refund(sandbox, other_amount.gateway_refund_id, amount_minor=1)
    change_refund(sandbox, other_currency.gateway_refund_id, currency="GHS")
    late, failed = send_two_credits(books, UserFactory()), send_two_credits(books, UserFactory())
    sandbox.move_refund(late.gateway_refund_id, "processed")
    sandbox.move_refund(failed.gateway_refund_id, "failed")
    lost = books.lose_answer(books.request_refund(books.buy_and_pay(UserFactory()), "2"))
    lost_number = sandbox.ledger()["refunds"][0]["id"]
    again = send_again(send_two_credits(books))
    lasting = {
        ("missing_there", f"refund {forgotten.gateway_refund_id}"),
        ("amount", f"refund {other_amount.gateway_refund_id}"),
        ("currency", f"refund {other_currency.gateway_refund_id}"),
        ("duplicate", f"refund {again}"),
    }
    repairable = {
        ("missing_here", f"refund {elsewhere.id}"),
        ("state", f"refund {late.gateway_refund_id}"),
        ("state", f"refund {failed.gateway_refund_id}"),
        ("state", f"refund {lost_number}"),
    }
    return OddRefunds(lasting, repairable, dashboard, late, failed, lost, forgotten)


def plant_what_agrees(books):
    """Have rows of every kind on which both sides agree, and rows that are none of ours."""
    books.buy()
    books.buy("failed")
    books.buy_and_pay()
    books.submit(books.request_refund(books.buy_and_pay(), "3"), "processed")
    books.submit(books.request_refund(books.buy_and_pay(), None), "processed")
    books.submit(books.request_refund(books.buy_and_pay(), "4"), "failed")
    books.resolve(books.open_dispute(books.buy_and_pay()), "merchant-accepted")
    books.open_dispute(books.buy_and_pay())
    foreign = pay_unknown(books.sandbox, "another-products-order")
    books.sandbox.request_refund(foreign, amount_minor=100, currency=None)
    pay_unknown(books.sandbox, outcome="abandoned")
    pay_unknown(books.sandbox, outcome="failed")


def buy_twice(books):
    """Pay both of two attempts at one purchase; return the second."""
    first = books.buy()
    second = books.supersede(first)
    for payment in (first, second):
        books.sandbox.pay(payment.reference)
        janitor.check_payment(payment_id=payment.pk, now=timezone.now())
    return second


def send(refund):
    return refund_submission.submit_refund(refund_id=refund.pk, cause=CAUSE, now=timezone.now())


def send_two_credits(books, user=None):
    payment = books.buy_and_pay(user) if user else books.buy_and_pay()
    return send(books.request_refund(payment, "2"))


def send_again(refund):
    """Send a refund a second time, as a product would that does not remember; return the gateway's number of it."""
    created = paystack_refunds.create_refund(
        reference=refund.payment.reference,
        amount_minor=refund.amount_minor,
        currency="NGN",
        merchant_note=refund.reference,
    )
    return created.report.refund_id


def reconcile(*, fix=False):
    now = timezone.now()
    return reconciliation.reconcile(since=now - timedelta(hours=1), until=now, fix=fix, now=now)


def snapshot_of_money():
    return {table: digest for table, digest in take_snapshot().items() if table in MONEY}


def names(differences):
    return sorted((str(difference.kind), difference.subject) for difference in differences)


def kept(**conditions):
    return set(ReconciliationBreak.objects.filter(**conditions).values_list("kind", "subject"))


def test_reconcile_finds_exactly_what_was_planted_and_changes_no_money(day):
    before = snapshot_of_money()

    found = reconcile()

    assert names(found.open) == sorted(day.planted)
    assert found.repaired == []
    assert kept(state="open") == day.planted
    assert ReconciliationBreak.objects.count() == len(day.planted)
    assert snapshot_of_money() == before


def test_reconcile_fix_repairs_exactly_what_evidence_can_repair(day):
    payments, refunds = day.payments, day.refunds
    others = PaymentLog.objects.exclude(
        pk__in=[payment.pk for payment in (payments.unpaid_for, payments.expired, refunds.dashboard)]
        + [refund.payment_id for refund in (refunds.late, refunds.failed, refunds.lost)]
    )
    before = list(others.order_by("pk").values())

    found = reconcile(fix=True)

    assert names(found.repaired) == sorted(day.repairable)
    assert names(found.open) == sorted(day.planted - day.repairable)
    assert kept(state="repaired") == day.repairable
    assert [row for row in others.order_by("pk").values() if row not in before] == []


def test_reconcile_fix_credits_once_and_books_what_went_back(day):
    unpaid_for, expired, dashboard = day.payments.unpaid_for, day.payments.expired, day.refunds.dashboard
    changed = (day.refunds.late, day.refunds.failed, day.refunds.lost)
    before = Transaction.objects.count()

    reconcile(fix=True)
    reconcile(fix=True)

    unpaid_for.refresh_from_db()
    expired.refresh_from_db()
    assert [unpaid_for.state, expired.state] == ["completed", "completed"]
    assert Transaction.objects.filter(payment_log__in=[unpaid_for, expired], type="credit").count() == 2
    booked = Refund.objects.get(payment=dashboard)
    assert (booked.state, booked.credit_amount, booked.requested_by) == ("submitted", Decimal(2), None)
    assert get_balance(user=dashboard.user) == Decimal(23)
    states = [Refund.objects.get(pk=refund.pk).state for refund in changed]
    assert states == ["processed", "failed", "submitted"]
    balances = [get_balance(user=refund.payment.user) for refund in changed]
    assert balances == [Decimal(23), Decimal(25), Decimal(23)]
    # Two credits, the refund made elsewhere, and what the failed one gives back.
    assert Transaction.objects.count() == before + 4
    assert invariants.check_invariants() == []


def test_reconcile_again_finds_nothing_new_and_remembers_since_when(day):
    reconcile(fix=True)
    before = {row.pk: row for row in ReconciliationBreak.objects.all()}
    money = snapshot_of_money()

    found = reconcile(fix=True)

    assert names(found.open) == sorted(day.planted - day.repairable)
    assert found.repaired == []
    after = {row.pk: row for row in ReconciliationBreak.objects.all()}
    assert after.keys() == before.keys()
    for key, row in after.items():
        assert (row.state, row.first_seen_at, row.closed_at) == (
            before[key].state,
            before[key].first_seen_at,
            before[key].closed_at,
        )
        assert (row.last_seen_at > before[key].last_seen_at) == (row.state == "open")
    assert snapshot_of_money() == money
