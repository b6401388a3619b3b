"""One daily total per person: what was adjusted counts for refunds, and what was sent back for adjustments."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone

from billing.services import daily_totals
from payments.lifecycles import PaymentState
from tests.factories.payments import PaymentFactory
from tests.factories.people import approve, ask
from tests.factories.refunds import RefundFactory, request
from tests.factories.users import StaffFactory, UserFactory
from tests.integration import actors

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    """Somebody who may adjust 50 credits and send back 100 dollars alone."""
    return StaffFactory()


def buy(dollars):
    """Return a credited purchase of so many credits."""
    minor = int(Decimal(dollars) * 165_000)
    return PaymentFactory(at=PaymentState.COMPLETED, credit_amount=Decimal(dollars), amount_minor=minor)


@pytest.mark.parametrize(("sent_back", "waits"), [("60", False), ("60.0001", True)])
@pytest.mark.parametrize("amounts", [["40"], ["25", "15"]], ids=str)
def test_refund_counts_what_the_person_adjusted(amounts, sent_back, waits, person):
    for amount in amounts:
        assert ask(UserFactory(), amount, by=person).needs_approval is False

    assert request(buy(sent_back), by=person).needs_approval is waits


def test_refund_counts_credits_that_were_taken_like_those_that_were_given(person):
    payment = buy(100)
    ask(payment.user, "-40", by=person)

    assert request(buy("60.0001"), by=person).needs_approval is True


@pytest.mark.parametrize(("amount", "waits"), [("20", False), ("20.0001", True), ("-0.0001", False)])
def test_adjustment_counts_what_the_person_sent_back(amount, waits, person):
    payment = buy(100)
    assert request(payment, "30.00", by=person).needs_approval is False

    assert ask(payment.user, amount, by=person).needs_approval is waits


def test_adjustment_waits_once_more_was_sent_back_than_may_be_adjusted(person):
    request(buy(90), by=person)

    assert ask(UserFactory(), "0.0001", by=person).needs_approval is True


def test_neither_counts_what_others_moved_what_a_second_person_let_pass_or_what_is_a_day_old(person):
    ask(UserFactory(), "50", by=StaffFactory())
    request(buy(100), by=StaffFactory())
    approve(ask(UserFactory(), "1000", by=person), StaffFactory())
    request(buy(1000), by=person)
    day_ago = timezone.now() - timedelta(hours=24)
    ask(UserFactory(), "50", by=person, now=day_ago)
    RefundFactory(payment=buy(100), requested_by=person, created_at=day_ago)

    assert ask(UserFactory(), "50", by=person).needs_approval is False
    assert request(buy(50), by=person).needs_approval is False
    assert request(buy("0.01"), by=person).needs_approval is True


def test_sum_moved_alone_adds_up_all_ways(person):
    since = timezone.now() - daily_totals.DAY
    ask(UserFactory(), "10", by=person)
    ask(buy(5).user, "-2.5", by=person)
    request(buy(30), by=person)

    assert daily_totals.sum_adjusted_alone(by=person, since=since) == Decimal("12.5")
    assert daily_totals.sum_moved_alone(by=person, since=since) == Decimal("42.5")
    assert daily_totals.sum_moved_alone(by=StaffFactory(), since=since) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ["adjustment", "refund"])
def test_both_at_once_that_would_fit_each_by_itself(first, person):
    customer, payment = UserFactory(), buy(70)
    adjust, send_back = partial(ask, customer, "45", by=person), partial(request, payment, by=person)
    calls = [adjust, send_back] if first == "adjustment" else [send_back, adjust]
    pause = actors.Pause('INSERT INTO "credit_adjustments"' if first == "adjustment" else 'INSERT INTO "refunds"')
    earlier = actors.start(pause.of(calls[0]))
    pause.wait_until_reached()
    later = actors.start(calls[1])
    actors.wait_until_blocked()

    pause.go_on()

    made = [future.result(actors.PATIENCE_SECONDS) for future in (earlier, later)]
    assert [each.needs_approval for each in made] == [False, True]


@pytest.mark.django_db(transaction=True)
def test_eight_of_both_kinds_at_once_stay_within_the_larger_threshold(person):
    customers, payments = UserFactory.create_batch(4), [buy(40) for _ in range(4)]
    calls = [partial(ask, customer, "40", by=person) for customer in customers]
    calls += [partial(request, payment, by=person) for payment in payments]

    actors.run_together(calls)

    since = timezone.now() - daily_totals.DAY
    assert daily_totals.sum_adjusted_alone(by=person, since=since) <= 40
    assert daily_totals.sum_moved_alone(by=person, since=since) == 80
