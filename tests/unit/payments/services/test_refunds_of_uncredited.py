"""Refunds of payments that nobody heard of, and of money that was never credited."""

import pytest

from billing.models import Hold, Transaction
from payments.models import Refund
from tests.factories.payments import PaymentFactory
from tests.factories.refunds import request
from tests.unit.payments.services.refunding import (
    buy,
    move,
    refund_on_dashboard,
    refunds_there,
    standing,
    states,
    steps,
    submit,
    sync,
)

pytestmark = pytest.mark.django_db


def trail(payment):
    payment.refresh_from_db()
    return [step["to"] for step in payment.state_transitions]


def test_refund_of_a_payment_that_nobody_heard_of_is_credited_and_taken(sandbox):
    payment = PaymentFactory(at="processing")
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0)
    refund_on_dashboard(sandbox, payment)
    move(sandbox, payment, "processed")

    sync(payment)

    assert trail(payment) == ["pending", "processing", "completed", "refunded"]
    assert standing(payment.user) == (0, 0, [25, -25])
    assert states(payment) == ["processed"]


def test_failed_refund_of_a_payment_that_nobody_heard_of_credits_nothing(sandbox):
    payment = PaymentFactory(at="processing")
    sandbox.expect(payment)
    sandbox.pay(payment.reference, deliveries=0)
    refund_on_dashboard(sandbox, payment)
    move(sandbox, payment, "failed")

    sync(payment)

    assert (payment.state, states(payment)) == ("processing", [])


def buy_wrongly(sandbox):
    """Return a payment of which another amount came than was asked for."""
    return buy(sandbox, paid={"amount_minor": 2_000_000})


def test_money_never_credited_goes_back_whole(sandbox):
    payment = buy_wrongly(sandbox)
    assert (payment.state, payment.review_reason) == ("processing", "partial_debit")

    refund = submit(request(payment))
    move(sandbox, payment, "processed")
    sync(payment)

    assert (refunds_there(sandbox, payment)[0]["amount_minor"], steps(refund)[-1]) == (2_000_000, "processed")
    assert trail(payment) == ["pending", "processing", "refunded"]
    assert (payment.amount_refunded_minor, payment.review_reason, payment.credited) == (2_000_000, "", False)
    assert not Transaction.objects.exists()


def test_money_never_credited_that_goes_back_in_parts(sandbox):
    payment = buy_wrongly(sandbox)
    submit(request(payment, "1.00"))
    move(sandbox, payment, "processed")
    sync(payment)
    assert (payment.state, payment.amount_refunded_minor) == ("processing", 165_000)

    submit(request(payment))
    move(sandbox, payment, "processed", which=1)
    sync(payment)

    assert (payment.state, payment.amount_refunded_minor) == ("refunded", 2_000_000)
    assert sum(row["amount_minor"] for row in refunds_there(sandbox, payment)) == 2_000_000


def test_money_never_credited_whose_refund_fails_stays_under_review(sandbox):
    payment = buy_wrongly(sandbox)
    refund = submit(request(payment))
    move(sandbox, payment, "failed")

    sync(payment)

    assert (steps(refund)[-1], payment.state, payment.review_reason) == ("failed", "processing", "partial_debit")
    assert request(payment).state == "approved"


def test_money_never_credited_that_is_refunded_on_the_dashboard(sandbox):
    payment = buy_wrongly(sandbox)
    refund_on_dashboard(sandbox, payment)
    move(sandbox, payment, "processed")

    sync(payment)

    assert (payment.state, states(payment)) == ("refunded", ["processed"])
    assert Refund.objects.get().credit_amount == 0
    assert not Hold.objects.exists()
